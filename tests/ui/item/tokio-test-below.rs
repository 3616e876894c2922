use greenpool::green_pool;

#[green_pool(size = 4)]
#[tokio::test(flavor = "current_thread")]
async fn fetches() {}

fn main() {}
