//! How far a recording binds greenpool, by its tags alone.

use crate::deadlock;
use crate::format::Scenario;
use crate::origin::Origins;

/// Only these counters are in dispute from here on; the course of events is not.
const COUNTERS: [&str; 2] = ["waiting-miscount", "imap-counters"];

/// Choices of eventlet's that greenpool makes too. For `inline` that is the order of events: the caller lends its slot.
const SHARED: [&str; 2] = ["inline", "waitall-in-job"];

/// What of a scenario is compared.
#[derive(Clone, Copy)]
pub(crate) struct Level {
    /// The number of observations that bind.
    pub(crate) observations: usize,
    /// From this observation on `waiting` does not count.
    waiting: usize,
    /// From this observation on `waiting` of a pool that maps run on does not count.
    mapped_waiting: usize,
    /// From this observation on none of the counters of a pool that maps run on counts.
    mapped: usize,
}

impl Level {
    /// The level of a recording of eventlet: up to the first observation that something contested may affect. Beside
    /// what the tags contest that is a deadlock over several pools, which greenpool promises not to have.
    pub(crate) fn recorded(scenario: &Scenario) -> Self {
        let at = |tag: &str| {
            let tagged = scenario.tags.iter().any(|t| t == tag);
            // A tag without a place may affect anything.
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

    /// Whether greenpool makes the same choice, so that the tag contests nothing.
    pub(crate) fn is_shared(tag: &str) -> bool {
        SHARED.contains(&tag)
    }

    /// The level of the model's trace: everything but `waiting` of a pool with maps. The model's map waits with an item
    /// in its hand, greenpool's does not read one before it can run.
    pub(crate) fn model(scenario: &Scenario) -> Self {
        Level { observations: scenario.observations.len(), waiting: usize::MAX, mapped_waiting: 0, mapped: usize::MAX }
    }

    /// Whether `waiting` of this pool counts at this observation.
    pub(crate) fn waiting(&self, origins: &Origins<'_>, pool: &str, at: usize) -> bool {
        let mapped = at >= self.mapped_waiting && origins.is_mapped(pool);
        at < self.waiting && !mapped && self.running(origins, pool, at)
    }

    /// Whether `free` and `running` of this pool count at this observation.
    pub(crate) fn running(&self, origins: &Origins<'_>, pool: &str, at: usize) -> bool {
        at < self.mapped || !origins.is_mapped(pool)
    }
}
