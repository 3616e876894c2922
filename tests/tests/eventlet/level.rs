//! Decides from a recording's tags how far greenpool must match it.

use crate::deadlock;
use crate::format::Scenario;
use crate::origin::Origins;

/// Tags that contest only counters, not the order of events.
const COUNTERS: [&str; 2] = ["waiting-miscount", "imap-counters"];

/// Choices that greenpool shares with eventlet. For `inline` that is the order of events: the caller lends its slot.
const SHARED: [&str; 2] = ["inline", "waitall-in-job"];

/// Which parts of a scenario are compared.
#[derive(Clone, Copy)]
pub(crate) struct Level {
    /// The number of observations that must match.
    pub(crate) observations: usize,
    /// From this observation on, `waiting` is ignored.
    waiting: usize,
    /// From this observation on, `waiting` is ignored for pools that maps run on.
    mapped_waiting: usize,
    /// From this observation on, all counters are ignored for pools that maps run on.
    mapped: usize,
}

impl Level {
    /// The level of a recording of eventlet: up to the first observation that something contested may affect. Besides
    /// the contested tags, that is a deadlock over several pools, which greenpool promises to resolve.
    pub(crate) fn recorded(scenario: &Scenario) -> Self {
        let at = |tag: &str| {
            let tagged = scenario.tags.iter().any(|t| t == tag);
            // A tag without a position may affect everything.
            let from = || scenario.tagged_at.get(tag).copied().unwrap_or(0);
            if tagged { from() } else { usize::MAX }
        };
        let contested = |tag: &&String| !COUNTERS.contains(&&tag[..]) && !Level::is_shared(tag);
        let contested = scenario.tags.iter().filter(contested).map(|tag| at(tag));
        let contested = contested.chain(deadlock::first(scenario, &Origins::of(scenario))).min();
        Level {
            observations: contested.unwrap_or(usize::MAX).min(scenario.observations.len()),
            waiting: at("waiting-miscount"),
            mapped_waiting: usize::MAX,
            mapped: at("imap-counters"),
        }
    }

    /// Whether greenpool makes the same choice, so the tag contests nothing.
    pub(crate) fn is_shared(tag: &str) -> bool {
        SHARED.contains(&tag)
    }

    /// The level of the model's trace: everything except `waiting` of a pool with maps. The model's map holds an item
    /// while it waits. greenpool's map does not read an item before its job can run.
    pub(crate) fn model(scenario: &Scenario) -> Self {
        Level { observations: scenario.observations.len(), waiting: usize::MAX, mapped_waiting: 0, mapped: usize::MAX }
    }

    /// Whether `waiting` of this pool must match at this observation.
    pub(crate) fn waiting(&self, origins: &Origins<'_>, pool: &str, at: usize) -> bool {
        let mapped = at >= self.mapped_waiting && origins.is_mapped(pool);
        at < self.waiting && !mapped && self.running(origins, pool, at)
    }

    /// Whether `free` and `running` of this pool must match at this observation.
    pub(crate) fn running(&self, origins: &Origins<'_>, pool: &str, at: usize) -> bool {
        at < self.mapped || !origins.is_mapped(pool)
    }
}
