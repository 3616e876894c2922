//! The hand-written scenarios whose recording is contested: what greenpool must do instead, and why.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::json;

use crate::compare::first_difference;
use crate::format::{Observation, Scenario, read};
use crate::level::Level;
use crate::{committed, observe, print};

/// The reference for a scenario from its first contested observation on. Before that, the recording applies as usual.
#[derive(Clone, Copy)]
enum Reference {
    /// What the corrected eventlet of `named-model.json` does, observation by observation.
    Model,
    /// The final state of the corrected eventlet. The steps before it may differ.
    ModelEnd,
    /// A custom assertion on what was seen.
    Custom(fn(&[Observation]) -> Option<String>),
}

/// Lists each contested scenario once.
const TABLE: &[(Reference, &str, &[&str])] = &[
    (
        Reference::Model,
        "a map runs in the pool that it is called on: the same order of events, but the pool counts its jobs",
        &[
            "imap-basic",
            "imap-starts-eagerly",
            "imap-concurrency",
            "imap-slow-head-stalls",
            "imap-size-one",
            "starmap-gated",
            "imap-after-resize",
            "two-maps-two-pools",
            "imap-own-pool-free",
            "client-pattern",
        ],
    ),
    (
        Reference::Model,
        "one pool, one limit: spawned jobs, maps, waitall and resize share it",
        &[
            "imap-own-pool-oversubscribed",
            "imap-waitall-does-not-wait",
            "imap-resize-ignored",
            "imap-job-spawns-on-pool",
            "imap-abandoned",
        ],
    ),
    (
        Reference::Model,
        "growing serves one waiter per new slot, first come, first served",
        &[
            "resize-up-does-not-wake",
            "resize-up-fresh-spawn-blocks",
            "resize-up-one-wake-per-release",
            "resize-up-from-zero",
            "resize-up-waiting-miscount",
            "resize-up-reentrant-blocks",
            "resize-up-cancel-unblocks",
            "resize-down-up-with-waiter",
        ],
    ),
    (
        Reference::Model,
        "waiting() counts waiters, not the debt after shrinking",
        &[
            "resize-down-free-negative",
            "resize-down-waiting-counts-debt",
            "resize-port",
            "resize-to-zero",
            "waitall-after-shrink",
            "waitall-resize-while-waiting",
        ],
    ),
    (
        Reference::Model,
        "waitall returns once nothing runs and no queued spawn can be admitted, and not before",
        &[
            "kill-running-job",
            "kill-before-start",
            "waitall-lost-with-blocked-spawner",
            "waitall-lost-in-one-driver",
            "waitall-shrunk-to-zero-with-waiter",
            "waitall-early",
        ],
    ),
    (
        Reference::Model,
        "a source that fails ends its map with that failure, after the items before it",
        &["imap-source-raises", "imap-source-raises-first"],
    ),
    (
        Reference::Model,
        "at size 0 an empty map ends at once and any other waits for a resize; a size is never negative",
        &["imap-size-zero", "imap-size-zero-empty", "resize-negative"],
    ),
    (Reference::Model, "a map that has ended keeps returning the end", &["imap-next-after-end"]),
    (
        Reference::Model,
        "a cancelled next takes nothing",
        &["imap-cancelled-next", "pile-cancelled-next", "pile-cancelled-next-on-blocked-spawn"],
    ),
    (
        Reference::ModelEnd,
        "`&mut self` makes two consumers take turns: the second gets an answer only after the first has its item",
        &["imap-two-consumers", "imap-two-consumers-end", "pile-two-consumers", "pile-spawn-cancelled-under-next"],
    ),
    (
        Reference::Model,
        "the error of a reentrant job reaches its handle, or its place in the pile",
        &["reentrant-inline-error-spawn", "reentrant-inline-error-pile"],
    ),
    (Reference::Model, "aborting a finished job does not affect the job that lent it a slot", &["inline-handle-kill"]),
    (
        Reference::Model,
        "depends on which task runs first, and tokio's queue is first in, first out too",
        &["two-joiners-then-spawn", "waitall-busy-return", "reentrant-queued"],
    ),
    (
        Reference::Custom(the_earlier_jobs_ran_first),
        "a queued call begins by itself, so its job may run before its spawn returns",
        &["exhaustion-forces-a-yield"],
    ),
    (
        Reference::Custom(one_at_a_time),
        "one pool, one limit; the order of two maps is not promised, since an item is not queued before it is read",
        &["imap-two-maps-oversubscribed"],
    ),
    (
        Reference::Custom(the_map_ends),
        "promise 4: a job that waits for a map of its own full pool lends its slot; the model's waits forever",
        &["imap-from-a-job"],
    ),
    (
        Reference::Custom(the_deadlock_is_resolved),
        "promise 4: pools that call each other do not deadlock. Not tagged, since eventlet promises nothing there",
        &["nested-pools-a-b-a-deadlock"],
    ),
    (
        Reference::Custom(the_slot_is_not_lost),
        "depends on which runs first, the cancellation or the queued spawn",
        &["cancel-while-slot-on-its-way", "cancel-while-slot-on-its-way-next"],
    ),
];

/// Either the queued spawn was cancelled and the next in the queue has the slot, or it had resumed and all wait for its
/// job.
fn the_slot_is_not_lost(seen: &[Observation]) -> Option<String> {
    let end = seen.last()?;
    let cancelled = end.returned.get("D3") == Some(&json!({"cancelled": true}));
    let started = |job: &str| end.started.iter().any(|started| started == job);
    let pool = end.pools["P"];
    let whole = pool.free + pool.running == 1 && (pool.waiting == 0 || pool.free == 0);
    let right = if cancelled { started("J4") && !started("J2") } else { started("J2") && !started("J4") };
    (!(right && whole)).then(|| format!("{end:?}"))
}

/// When a spawn that had to queue returns, the jobs before it have run.
fn the_earlier_jobs_ran_first(seen: &[Observation]) -> Option<String> {
    let end = seen.last()?;
    let look = end.returned.get("D3.6")?.get("ok")?;
    let count = |name: &str| look[name].as_i64().unwrap_or(-1);
    let right = count("started") >= 3 && count("free") + count("running") == 2 && count("waiting") == 0;
    (!(right && end.finished.len() == 4)).then(|| format!("{end:?}"))
}

/// Two maps on a pool of size one.
fn one_at_a_time(seen: &[Observation]) -> Option<String> {
    let fits = |seen: &Observation| seen.pools["P"].running <= 1 && seen.started.len() - seen.finished.len() <= 1;
    seen.iter().find(|seen| !fits(seen)).map(|seen| format!("{seen:?}"))
}

/// The job has read its map to the end and then completes.
fn the_map_ends(seen: &[Observation]) -> Option<String> {
    let end = seen.last()?;
    let read = ["J1.1", "J1.2", "J1.3"].map(|call| end.returned.get(call).cloned());
    let right = read == [Some(json!({"ok": "J2"})), Some(json!({"ok": "J3"})), Some(json!({"end": true}))];
    let whole = end.finished.len() == 3 && end.pools["P"].free == 1;
    (!(right && whole)).then(|| format!("{end:?}"))
}

/// The innermost job runs although its pool is full.
fn the_deadlock_is_resolved(seen: &[Observation]) -> Option<String> {
    let runs = seen[2].started == ["J1", "J2", "J3"];
    let queued = seen[3].pools["P"].waiting == 1 && seen[3].started.len() == 3;
    (!(runs && queued)).then(|| format!("{:?}", &seen[2..]))
}

/// Compares the final states, regardless of order.
fn end_differs(model: &Scenario, seen: &[Observation]) -> Option<String> {
    let reached = |of: &Observation| {
        let finished: BTreeSet<_> = of.finished.iter().cloned().collect();
        let started: BTreeSet<_> = of.started.iter().cloned().collect();
        format!("{:?} {started:?} {finished:?} {:?}", of.pools, of.returned)
    };
    let (want, got) = (reached(model.observations.last()?), reached(seen.last()?));
    (want != got).then(|| format!("at the end: the model has {want}, seen {got}"))
}

fn is_contested(scenario: &Scenario) -> bool {
    let hangs = Level::recorded(scenario).observations < scenario.observations.len();
    hangs || scenario.tags.iter().any(|tag| !Level::is_shared(tag))
}

#[test]
fn each_contested_scenario_is_in_the_table_once() {
    let listed: Vec<&str> = TABLE.iter().flat_map(|(_, _, ids)| ids.iter().copied()).collect();
    let named = read(&committed("named.json.gz"));
    let contested: BTreeSet<&str> = named.iter().filter(|s| is_contested(s)).map(|s| &s.id[..]).collect();
    assert_eq!(listed.iter().copied().collect::<BTreeSet<_>>(), contested);
    assert_eq!(listed.len(), contested.len(), "a scenario is listed twice");
}

#[test]
fn contested_scenarios_behave_as_the_table_says() {
    let models = read(&committed("named-model.json.gz")).into_iter();
    let mut models: BTreeMap<String, Scenario> = models.map(|model| (model.id.clone(), model)).collect();
    let mut failures = Vec::new();
    for (reference, why, ids) in TABLE {
        for id in *ids {
            let model = Arc::new(models.remove(*id).expect("the model has all the named scenarios"));
            let difference = observe(&model, model.steps.len()).map_or_else(Some, |seen| match reference {
                Reference::Model => first_difference(&model, &seen, Level::model(&model)),
                Reference::ModelEnd => end_differs(&model, &seen),
                Reference::Custom(assertion) => assertion(&seen),
            });
            failures.extend(difference.map(|difference| format!("{id}: {difference} ({why})")));
        }
    }
    if !failures.is_empty() {
        print(&failures.join("\n"));
    }
    assert!(failures.is_empty(), "{} contested scenarios differ", failures.len());
}
