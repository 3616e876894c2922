use greenpool::{green_pool, pile};

#[green_pool(size = 4)]
async fn load(url: String) -> usize {
    url.len()
}

async fn caller() {
    let green = load::spawn(String::new()).unwrap();
    let length = load::spawn(String::new()).await.value().unwrap();
    let both = pile![load(String::new())].try_join().expect("both");
}

fn main() {}
