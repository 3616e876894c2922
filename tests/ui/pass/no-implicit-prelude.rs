#![no_implicit_prelude]
#![deny(warnings, clippy::all, clippy::pedantic)]
#![allow(clippy::unused_async, reason = "the bodies do not matter here")]
#![allow(non_camel_case_types, dead_code)]
//! Every name that the macros might rely on means something else here.

struct String;
struct Option;
struct Result;
struct Send;
struct Box;
struct Future;
struct Iterator;
struct IntoIterator;
struct Sized;
struct Ok;
struct Some;
struct str;
struct usize;
mod core {}
mod std {}

#[::greenpool::green_pool(size = 4)]
async fn double(n: u8) -> u8 {
    n * 2
}

#[::greenpool::green_pool]
async fn generic<T: ::core::marker::Send>(value: T, _: impl ::core::marker::Send) -> T {
    value
}

#[::greenpool::green_pool]
async fn shared<T: ::core::clone::Clone + ::core::marker::Send>(#[shared] value: T, _: u8) -> T {
    value
}

async fn calls() {
    let pool = ::greenpool::GreenPool::new(1);
    double::on(&pool).spawn(1).await.await.unwrap();
    shared::on(&pool).imap(1, [2, 3]).next().await.unwrap().unwrap();
    ::greenpool::pile![on pool; double(1), generic(1u8, 2)].join().await.0.unwrap();
    shared::imap(1, [2, 3]).next().await.unwrap().unwrap();
    shared::try_imap_stream(1, double::imap([1])).next().await.unwrap().unwrap();
    double::spawn(1).await.await.unwrap();
    generic::spawn(1, 2).await.await.unwrap();
    ::greenpool::pile![double(1), generic(1u8, 2)].join().await.0.unwrap();
    ::greenpool::pile! { a: double(1), b: double(2) }.join().await.a.unwrap();
    ::greenpool::pile![size = 1; double(1)].join().await.0.unwrap();
}

fn main() {
    let _ = calls;
}
