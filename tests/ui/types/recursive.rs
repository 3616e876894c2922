use greenpool::green_pool;

#[green_pool(size = 4)]
async fn walk(depth: u8) {
    if depth > 0 {
        walk::pool().spawn(walk(depth - 1)).await.await.ok();
    }
}

fn main() {}
