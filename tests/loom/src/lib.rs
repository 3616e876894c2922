//! Models of a pool's slots under loom: every pair and every triple of concurrent operations.
//!
//! A program has one thread for each of its two or three operations (`op::Op`). They run on slots whose initial state
//! is given by a `scene::Scene`. loom runs the program under every interleaving, or, where a bound is given, under
//! every interleaving with at most that many preemptions. The operations check what must always hold.
//! `world::World::finish` checks what must hold after all of them, and again each time it releases one of the remaining
//! slots.
//!
//! No thread waits for another. A missing wake-up is found at the end, as a ticket that was served but not woken, or
//! that could be served but was not. A missing begin is found in the same way: each job that was queued has begun once,
//! with a slot, was taken out of the queue, or is still queued. That keeps programs short enough to try them all.
//!
//! ```text
//! RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=target/loom cargo test -p greenpool-loom --release
//! ```
//!
//! `LOOM_MAX_PREEMPTIONS` overrides the bounds, for a longer run.
#![cfg(all(loom, test))]

// Includes the sources, not the crate: tokio under `--cfg loom` is a different crate.
#[allow(dead_code, unreachable_pub)]
#[path = "../../../greenpool/src/sync/mod.rs"]
mod sync;

mod explore;
mod op;
mod scene;
mod world;

use explore::explore_all;
use scene::{DEBT, FULL, FULL_FIRST, FULL_LAST, ROOM};

#[test]
fn every_pair_of_operations_keeps_the_promises() {
    explore_all(2, &[FULL, FULL_LAST, FULL_FIRST, ROOM, DEBT], None);
}

#[test]
fn every_triple_of_operations_keeps_the_promises_on_full_slots() {
    explore_all(3, &[FULL], Some(2));
}

#[test]
fn every_triple_of_operations_keeps_the_promises_ahead_of_a_waiter() {
    explore_all(3, &[FULL_LAST], Some(2));
}

#[test]
fn every_triple_of_operations_keeps_the_promises_behind_a_waiter() {
    explore_all(3, &[FULL_FIRST], Some(2));
}

#[test]
fn every_triple_of_operations_keeps_the_promises_with_a_free_slot() {
    explore_all(3, &[ROOM], Some(2));
}

#[test]
fn every_triple_of_operations_keeps_the_promises_in_debt() {
    explore_all(3, &[DEBT], Some(2));
}
