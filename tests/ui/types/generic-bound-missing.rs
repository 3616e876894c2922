use greenpool::{green_pool, pile};

#[green_pool(size = 4)]
async fn fetch<T: std::fmt::Display + Send>(url: T) -> usize {
    url.to_string().len()
}

struct Url;

async fn caller() {
    let _ = fetch::spawn(Url).await.await;
    fetch::spawn_n(Url).await;
    let _ = fetch::try_spawn(Url);
    let _ = fetch::imap([Url]).next().await;
    let _ = fetch::starmap([(Url,)]).next().await;
    let _ = pile![fetch(Url)].join().await;
}

fn main() {}
