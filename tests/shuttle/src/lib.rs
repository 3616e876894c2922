//! Models of everything built on a pool's slots, under shuttle: workers, maps, piles, handles, lending, and the end of
//! a runtime.
//!
//! A model is a small program that calls greenpool's public verbs from two or three threads. shuttle runs it about a
//! thousand times, each time under a different schedule: half of them random, half PCT (few preemptions, at any point).
//! Another thread may run wherever the program accesses an atomic, takes a lock, wakes or spawns. A program that cannot
//! make progress fails, and so does one that never ends.
//!
//! This crate is greenpool: its sources are compiled unchanged (`build.rs` finds them). Their `std` is the standard
//! library with the model checker's locks, atomics and threads (`std/`), and their `tokio` is a runtime built on those
//! (`tokio/`). Memory orderings are not modelled: every atomic operation is as strong as `SeqCst` here. The slots,
//! which use weaker orderings, are modelled under loom (`tests/loom`).
//!
//! ```text
//! RUSTFLAGS="--cfg shuttle" CARGO_TARGET_DIR=target/shuttle cargo test -p greenpool-shuttle --release
//! ```
//!
//! `GREENPOOL_SCHEDULES` sets the number of schedules per model, and `GREENPOOL_SEED` selects them. A failure prints
//! its seed and its schedule. Set `GREENPOOL_REPLAY` to a file with such a schedule to run only that one.
#![cfg(all(shuttle, test))]
#![allow(dead_code, unexpected_cfgs, reason = "a model uses a part of greenpool, and none of its features")]

extern crate self as greenpool;
#[macro_use]
extern crate model_std as std;

include!(concat!(env!("OUT_DIR"), "/greenpool.rs"));

mod models {
    mod abort;
    mod check;
    mod handles;
    mod keys;
    mod map;
    mod nested;
    mod pile;
    mod queue;
    mod shutdown;
    mod taken;
    mod workers;
    mod world;
}
