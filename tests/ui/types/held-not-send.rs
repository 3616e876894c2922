use greenpool::green_pool;

#[green_pool(size = 4)]
async fn fetch(url: String) -> usize {
    let url = std::rc::Rc::new(url);
    std::future::ready(()).await;
    url.len()
}

fn main() {}
