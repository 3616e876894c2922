use greenpool::green_pool;

#[green_pool(size = 0)]
unsafe fn fetch<'a>(url: &'a str, depth: &u8) -> usize {
    url.len() + usize::from(*depth)
}

fn main() {}
