//! Models of all that stands on a pool's slots: workers, maps, piles, handles, lending, and the end of a runtime, under shuttle.
//!
//! A model is a small program of greenpool's public verbs with two or three threads in it. shuttle runs it some thousand times, each time under
//! another schedule, one half at random and one half by PCT (few preemptions, at any places). Wherever it reads or writes an atomic, takes a lock, wakes
//! or spawns, another thread may go on. A program that cannot go on fails, and so does one that goes on for ever.
//!
//! This crate is greenpool: its sources are compiled as they are (`build.rs` reads which). What they call `std` is the standard library with the model checker's locks, atomics and
//! threads (`std/`), and what they call `tokio` is a runtime made of those (`tokio/`). What this leaves out is the order of memory: every atomic
//! is as strong as `SeqCst` here. The slots, which have weaker ones, are under loom (`tests/loom`).
//!
//! ```text
//! RUSTFLAGS="--cfg shuttle" CARGO_TARGET_DIR=target/shuttle cargo test -p greenpool-shuttle --release
//! ```
//!
//! `GREENPOOL_SCHEDULES` says how many schedules each model runs under, `GREENPOOL_SEED` which. A failure prints its seed and its schedule;
//! `GREENPOOL_REPLAY` names a file with such a schedule, to be run alone.
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
    mod map;
    mod nested;
    mod pile;
    mod queue;
    mod shutdown;
    mod workers;
    mod world;
}
