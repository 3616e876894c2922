use greenpool::green_pool;

#[green_pool(size = 4, remote)]
async fn show<T: std::fmt::Debug + Send>(value: T) -> String {
    format!("{value:?}")
}

#[green_pool(size = 4, remote)]
async fn print(value: impl std::fmt::Debug + Send) -> String {
    format!("{value:?}")
}

fn main() {}
