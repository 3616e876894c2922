use greenpool::green_pool;

#[green_pool(size = 4)]
async fn fetch(url: String, depth: u8) -> usize {
    url.len() + usize::from(depth)
}

async fn caller(urls: std::rc::Rc<Vec<String>>) {
    let urls = (0..3).map(move |index| urls[index].clone());
    let _ = fetch::imap(urls, [1]);
}

fn main() {}
