//! The hand-made scenarios whose recording is contested: what each is held to instead, and why.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::json;

use crate::compare::first_difference;
use crate::format::{Observation, Scenario, read};
use crate::level::Level;
use crate::{committed, observe, say};

/// What a scenario is held to from its first contested observation on. Up to there it is held to the recording, as any
/// other.
#[derive(Clone, Copy)]
enum Judge {
    /// What the corrected eventlet of `named-model.json` does, observation by observation.
    Model,
    /// What the corrected eventlet has come to at the end; the way there may differ.
    ModelEnd,
    /// An assertion of our own on what was seen.
    Own(fn(&[Observation]) -> Option<String>),
}

/// Each contested scenario once.
const TABLE: &[(Judge, &str, &[&str])] = &[
    (
        Judge::Model,
        "maps run in the one pool that they were asked of: the same course of events, but the pool counts their jobs",
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
        Judge::Model,
        "one pool, one limit: spawned jobs, maps, waitall and resize meet in it",
        &[
            "imap-own-pool-oversubscribed",
            "imap-waitall-does-not-wait",
            "imap-resize-ignored",
            "imap-job-spawns-on-pool",
            "imap-abandoned",
        ],
    ),
    (
        Judge::Model,
        "resize upwards wakes exactly the new slots, first come first served",
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
        Judge::Model,
        "waiting() counts waiters, not the debt of a shrink",
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
        Judge::Model,
        "waitall returns when nothing runs and no queued spawner can be admitted, and not before",
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
        Judge::Model,
        "a source that fails ends its map with that failure, after the items before it",
        &["imap-source-raises", "imap-source-raises-first"],
    ),
    (
        Judge::Model,
        "a map over nothing ends at once at size 0, any other waits for a resize; a size is never negative",
        &["imap-size-zero", "imap-size-zero-empty", "resize-negative"],
    ),
    (Judge::Model, "the end again, as often as it is asked for", &["imap-next-after-end"]),
    (
        Judge::Model,
        "a cancelled next takes nothing",
        &["imap-cancelled-next", "pile-cancelled-next", "pile-cancelled-next-on-blocked-spawn"],
    ),
    (
        Judge::ModelEnd,
        "`&mut self` makes two consumers take turns: the second is told when the first has its item, not before",
        &["imap-two-consumers", "imap-two-consumers-end", "pile-two-consumers", "pile-spawn-cancelled-under-next"],
    ),
    (
        Judge::Model,
        "a re-entrant job's error comes through its handle, or in its place in the pile",
        &["reentrant-inline-error-spawn", "reentrant-inline-error-pile"],
    ),
    (
        Judge::Model,
        "aborting a job that has finished does nothing to the one that lent it a slot",
        &["inline-handle-kill"],
    ),
    (
        Judge::Model,
        "depends on who runs first, and tokio's queue is first in, first out too",
        &["exhaustion-forces-a-yield", "two-joiners-then-spawn", "waitall-busy-return", "reentrant-queued"],
    ),
    (
        Judge::Own(one_at_a_time),
        "one pool, one limit; which of two maps goes first is no promise, since an item is not in the queue before it is read",
        &["imap-two-maps-oversubscribed"],
    ),
    (
        Judge::Own(the_map_ends),
        "promise 4: a job that waits for a map of its own full pool lends its slot to it, where the model's waits for ever",
        &["imap-from-a-job"],
    ),
    (
        Judge::Own(the_circle_is_broken),
        "promise 4: pools that call each other do not hang. Not tagged, since eventlet promises nothing there",
        &["nested-pools-a-b-a-deadlock"],
    ),
    (
        Judge::Own(the_slot_is_not_lost),
        "depends on who runs first: the cancellation comes before the queued spawner goes on, or after",
        &["cancel-while-slot-on-its-way", "cancel-while-slot-on-its-way-next"],
    ),
];

/// The queued spawner was cancelled and the next in line has its slot, or it had gone on already and all wait for its
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

/// Two maps on a pool of one slot.
fn one_at_a_time(seen: &[Observation]) -> Option<String> {
    let fits = |seen: &Observation| seen.pools["P"].running <= 1 && seen.started.len() - seen.finished.len() <= 1;
    seen.iter().find(|seen| !fits(seen)).map(|seen| format!("{seen:?}"))
}

/// The job has read its map to the end, and then ends itself.
fn the_map_ends(seen: &[Observation]) -> Option<String> {
    let end = seen.last()?;
    let read = ["J1.1", "J1.2", "J1.3"].map(|call| end.returned.get(call).cloned());
    let right = read == [Some(json!({"ok": "J2"})), Some(json!({"ok": "J3"})), Some(json!({"end": true}))];
    let whole = end.finished.len() == 3 && end.pools["P"].free == 1;
    (!(right && whole)).then(|| format!("{end:?}"))
}

/// The innermost job runs, though its pool is full.
fn the_circle_is_broken(seen: &[Observation]) -> Option<String> {
    let runs = seen[2].started == ["J1", "J2", "J3"];
    let queued = seen[3].pools["P"].waiting == 1 && seen[3].started.len() == 3;
    (!(runs && queued)).then(|| format!("{:?}", &seen[2..]))
}

/// What has been reached at the end, whatever the order.
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
fn each_contested_scenario_is_judged_once() {
    let judged: Vec<&str> = TABLE.iter().flat_map(|(_, _, ids)| ids.iter().copied()).collect();
    let named = read(&committed("named.json.gz"));
    let contested: BTreeSet<&str> = named.iter().filter(|s| is_contested(s)).map(|s| &s.id[..]).collect();
    assert_eq!(judged.iter().copied().collect::<BTreeSet<_>>(), contested);
    assert_eq!(judged.len(), contested.len(), "a scenario stands in two rows");
}

#[test]
fn contested_scenarios_go_as_the_table_says() {
    let models = read(&committed("named-model.json.gz")).into_iter();
    let mut models: BTreeMap<String, Scenario> = models.map(|model| (model.id.clone(), model)).collect();
    let mut failures = Vec::new();
    for (judge, why, ids) in TABLE {
        for id in *ids {
            let model = Arc::new(models.remove(*id).expect("the model has all the named scenarios"));
            let difference = observe(&model, model.steps.len()).map_or_else(Some, |seen| match judge {
                Judge::Model => first_difference(&model, &seen, Level::model(&model)),
                Judge::ModelEnd => end_differs(&model, &seen),
                Judge::Own(assertion) => assertion(&seen),
            });
            failures.extend(difference.map(|difference| format!("{id}: {difference} ({why})")));
        }
    }
    if !failures.is_empty() {
        say(&failures.join("\n"));
    }
    assert!(failures.is_empty(), "{} contested scenarios go otherwise", failures.len());
}
