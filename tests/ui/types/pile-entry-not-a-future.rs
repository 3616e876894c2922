use greenpool::pile;

async fn caller() {
    let _ = pile![in greenpool::GreenPool::new(1); 5].join().await;
}

fn main() {}
