use greenpool::green_pool;

struct Socket(u32);

#[green_pool(size = 4, remote)]
async fn send(socket: Socket, bytes: Vec<u8>) -> usize {
    bytes.len() + socket.0 as usize
}

fn main() {}
