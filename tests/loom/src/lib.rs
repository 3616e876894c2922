//! Models of a pool's slots: every pair and every triple of what can be done to them at once, under loom.
//!
//! One program is one thread for each of two or three operations (`op::Op`) on slots that have been prepared for them as a
//! `scene::Scene` says. loom runs it under every interleaving, or, where a bound is named, under every one with at most so many
//! preemptions. What has to hold at any time is checked by the operations; what has to hold when all of them are done
//! is checked by `world::World::finish`, again and again while the slots that are left are given back one by one.
//!
//! No thread waits for another: a wake-up that is missing is found at the end, as a ticket that was served and not woken or
//! could be served and is not. That keeps programs short enough to try them all.
//!
//! ```text
//! RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=target/loom cargo test -p greenpool-loom --release
//! ```
//!
//! `LOOM_MAX_PREEMPTIONS` takes the place of the bounds, for a longer run.
#![cfg(all(loom, test))]

// The sources themselves and not the crate: tokio under `--cfg loom` is a different thing.
#[allow(dead_code)]
#[path = "../../../greenpool/src/sync/mod.rs"]
mod sync;

mod explore;
mod op;
mod scene;
mod world;

use explore::explore_all;
use scene::{DEBT, FULL, FULL_FIRST, FULL_LAST, ROOM};

#[test]
fn any_two_operations_keep_the_promises_in_every_order() {
    explore_all(2, &[FULL, FULL_LAST, FULL_FIRST, ROOM, DEBT], None);
}

#[test]
fn any_three_operations_keep_the_promises_on_full_slots() {
    explore_all(3, &[FULL], Some(2));
}

#[test]
fn any_three_operations_keep_the_promises_ahead_of_a_waiter() {
    explore_all(3, &[FULL_LAST], Some(2));
}

#[test]
fn any_three_operations_keep_the_promises_behind_a_waiter() {
    explore_all(3, &[FULL_FIRST], Some(2));
}

#[test]
fn any_three_operations_keep_the_promises_with_room() {
    explore_all(3, &[ROOM], Some(2));
}

#[test]
fn any_three_operations_keep_the_promises_in_debt() {
    explore_all(3, &[DEBT], Some(2));
}
