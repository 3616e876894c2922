use greenpool::green_pool;
use std::borrow::Cow;

#[green_pool(size = 4)]
async fn fetch(url: Cow<'a, str>) -> usize {
    url.len()
}

#[green_pool(size = 4)]
async fn reference(url: &'a str) -> usize {
    url.len()
}

#[green_pool(size = 4)]
async fn output(url: String) -> Cow<'a, str> {
    url.into()
}

#[green_pool(size = 4)]
async fn bound<T: Into<Cow<'a, str>> + Send>(url: T) -> usize {
    url.into().len()
}

async fn caller() {
    let _ = fetch::spawn(String::new()).await;
    let _ = bound::spawn("").await;
}

fn main() {}
