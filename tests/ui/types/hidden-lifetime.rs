use greenpool::green_pool;

struct Page<'a>(&'a str);

#[green_pool(size = 4)]
async fn fetch(page: Page) -> usize {
    page.0.len()
}

fn main() {}
