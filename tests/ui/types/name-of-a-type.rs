use greenpool::green_pool;

#[allow(non_camel_case_types)]
struct fetch {}

#[green_pool(size = 4)]
async fn fetch(url: String) -> usize {
    url.len()
}

fn main() {}
