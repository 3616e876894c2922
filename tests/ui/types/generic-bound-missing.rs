use greenpool::green_pool;

#[green_pool(size = 4)]
async fn fetch<T: std::fmt::Display + Send>(url: T) -> usize {
    url.to_string().len()
}

struct Url;

async fn caller() {
    let _ = fetch::spawn(Url);
}

fn main() {}
