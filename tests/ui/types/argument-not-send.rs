use greenpool::green_pool;

#[green_pool(size = 4)]
async fn fetch(url: std::rc::Rc<str>) -> usize {
    url.len()
}

async fn caller() {
    fetch::spawn("".into()).await;
}

fn main() {}
