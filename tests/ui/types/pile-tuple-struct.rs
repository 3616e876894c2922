use greenpool::pile;

struct Page(u8);

async fn caller() {
    let _ = pile![Page(1)].join().await;
}

fn main() {}
