//! The auto traits of every public type: those that tokio's types of the same kind have, for any output that is `Send`.

use std::cell::Cell;
use std::future::Ready;
use std::panic::{RefUnwindSafe, UnwindSafe};

use greenpool::{
    AbortAll, AbortHandle, FanNext, FanNextUnordered, GreenMap, GreenPile, GreenPool, GreenPoolBuilder, GreenThread,
    InOrder, Indexed, Inherit, JobId, JobInfo, Join, JoinError, KeyInfo, Lend, Next, NextIndexed, NextValue, OnPool,
    PileNext, PileNextUnordered, PileOf, PileSpawn, PileSpawner, PoolReport, PoolStats, Shutdown, ShutdownReport, Slot,
    Spawn, SpawnCall, SpawnCallN, SpawnN, SpawnOn, SpawnOnN, TakeSlot, TryCollect, TryGreenMap, TryJoin, TryMapError,
    TryNext, TrySpawnError, TryValues, Value, Values, WaitAll, WaitAllOrPanic, green_pool,
};
use static_assertions::{assert_impl_all, assert_not_impl_any};

/// What a job may give: `Send`, and no more.
type Output = Cell<u8>;
type Job = Ready<Output>;
type Handles = (GreenThread<Output>, GreenThread<Output>);
type TryHandles = (GreenThread<Result<Output, Output>>, GreenThread<Result<Output, Output>>);

#[green_pool(size = 1)]
async fn declared(x: Output) -> Output {
    tokio::task::yield_now().await;
    x
}

macro_rules! all {
    ($($name:ty: $($bound:path),+;)+) => { $(assert_impl_all!($name: $($bound),+);)+ };
}

// Handles and pools are shared between threads, and cross `catch_unwind`, whatever their jobs give.
all! {
    GreenPool: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe;
    GreenPoolBuilder: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe;
    GreenThread<Output>: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe;
    KeyInfo: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe;
    Value<Output>: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe;
    AbortHandle: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe;
    Slot: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe;
    OnPool<declared, fn(Output) -> Output>: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe;
    JobId: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe;
    JobInfo: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe;
    PoolReport: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe;
    PoolStats: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe;
    ShutdownReport: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe;
    InOrder: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe;
    JoinError: Send, Sync, Unpin;
    TryMapError<Output>: Send, Unpin;
    TrySpawnError<Job>: Send, Unpin;
}

// Maps and piles, and what is awaited of them.
all! {
    GreenMap<Output>: Send, Sync, Unpin;
    Next<'static, Output>: Send, Sync, Unpin;
    TryGreenMap<Output, Output>: Send, Sync, Unpin;
    TryNext<'static, Output, Output>: Send, Sync, Unpin;
    GreenPile<Output>: Send, Sync, Unpin;
    PileNext<'static, Output>: Send, Sync, Unpin;
    PileSpawner<Output>: Send, Sync, Unpin;
    PileOf<Handles>: Send, Sync, Unpin;
    FanNext<'static, Output>: Send, Sync, Unpin;
    Join<Handles, InOrder>: Send, Sync, Unpin;
    TryJoin<Handles, InOrder>: Send, Sync, Unpin;
    Indexed<Output>: Send, Sync, Unpin;
    NextIndexed<'static, Output>: Send, Sync, Unpin;
    PileNextUnordered<'static, Output>: Send, Sync, Unpin;
    FanNextUnordered<'static, Handles, InOrder, Output>: Send, Sync, Unpin;
    Values<GreenMap<Output>>: Send, Sync, Unpin;
    Values<GreenPile<Output>>: Send, Sync, Unpin;
    Values<PileOf<Handles>>: Send, Sync, Unpin;
    NextValue<'static, GreenMap<Output>, Output>: Send, Sync, Unpin;
    TryCollect<Result<Output, Output>, Vec<Output>>: Send, Unpin;
    TryValues<TryHandles, InOrder, Output>: Send, Unpin;
}

// The futures of verbs: as `Send` as the job, and `Sync` only where nothing in them is the job's own.
all! {
    Spawn<Job>: Send, Sync, Unpin;
    SpawnN<Job>: Send, Sync, Unpin;
    PileSpawn<Job>: Send, Sync, Unpin;
    SpawnCall<declared, (Output,), Output>: Send, Unpin;
    SpawnCallN<declared, (Output,), Output>: Send, Unpin;
    SpawnOn<declared, (Output,), Output>: Send, Unpin;
    SpawnOnN<declared, (Output,), Output>: Send, Unpin;
    TakeSlot: Send, Sync, Unpin;
    WaitAll: Send, Sync, Unpin;
    WaitAllOrPanic: Send, Sync, Unpin;
    AbortAll: Send, Sync, Unpin;
    Shutdown: Send, Unpin;
    Lend<Job>: Send, Unpin;
    Inherit<Job>: Send, Unpin;
}

// What is not `Send` stays where it is.
assert_not_impl_any!(GreenThread<*const u8>: Send, Sync);
assert_not_impl_any!(GreenMap<*const u8>: Send, Sync);
assert_not_impl_any!(GreenPile<*const u8>: Send, Sync);

#[test]
fn a_declared_function_of_an_output_that_is_only_send_runs() {
    greenpool_tests::paused(async {
        assert_eq!(declared::spawn(Cell::new(7)).await.await.unwrap().get(), 7);
    });
}
