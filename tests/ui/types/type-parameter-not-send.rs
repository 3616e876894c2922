use greenpool::green_pool;

#[green_pool(size = 4)]
async fn fetch<T: ToString>(url: T) -> usize {
    url.to_string().len()
}

fn main() {}
