use greenpool::green_pool;

struct Socket;

#[green_pool(size = 4, remote)]
async fn open(host: String) -> Option<Socket> {
    (!host.is_empty()).then_some(Socket)
}

fn main() {}
