async fn fetch(url: String) -> usize {
    url.len()
}

async fn caller() {
    let _ = fetch::spawn(String::new()).await;
}

fn main() {}
