use greenpool::pile;

struct Site;

impl Site {
    async fn open() {}
}

async fn caller() {
    let _ = pile![Site::open()].join().await;
}

fn main() {}
