#![deny(unused_must_use)]

fn main() {
    greenpool::GreenPile::<u8>::new(4);
}
