use greenpool::green_pool;

#[green_pool(size = 4)]
async fn fetch(url: String, depth: u8) -> usize {
    url.len() + usize::from(depth)
}

struct Urls(std::rc::Rc<str>);

impl Iterator for Urls {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        Some(self.0.to_string())
    }
}

async fn caller(urls: Urls) {
    let _ = fetch::imap(urls, [1]);
}

fn main() {}
