use greenpool::green_pool;

struct Client;

#[green_pool(size = 4)]
async fn fetch(#[shared] client: Client, url: String) -> usize {
    let _ = client;
    url.len()
}

async fn caller() {
    let _ = fetch::imap(Client, [String::new()]);
    let _ = fetch::starmap(Client, [(String::new(),)]);
    let _ = fetch::spawn(Client, String::new()).await;
}

fn main() {}
