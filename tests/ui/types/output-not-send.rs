use greenpool::green_pool;

#[green_pool(size = 4)]
async fn fetch(url: String) -> std::rc::Rc<str> {
    url.into()
}

async fn caller() {
    let _ = fetch::spawn(String::new()).await;
}

fn main() {}
