use greenpool::green_pool;

use std::sync::{Arc, Mutex};

#[green_pool(size = 4)]
async fn add(sum: Arc<Mutex<u8>>) {
    let mut sum = sum.lock().unwrap();
    std::future::ready(()).await;
    *sum += 1;
}

fn main() {}
