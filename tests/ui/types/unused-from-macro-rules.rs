#![deny(dead_code)]

macro_rules! write {
    () => {
        mod site {
            #[greenpool::green_pool(size = 4)]
            pub(super) async fn fetch(url: String) -> usize {
                url.len()
            }
        }
    };
}

write! {}

fn main() {}
