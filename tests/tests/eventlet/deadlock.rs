//! Finds deadlocks in recordings: jobs of several pools that wait for each other in a cycle. eventlet hangs there, and
//! greenpool promises not to.
//!
//! eventlet promises nothing for this case, so its recordings have no tag for it.

use std::collections::HashSet;

use crate::format::{Observation, Op, Scenario};
use crate::origin::Origins;

/// The first observation at which a job waits for a slot that can never come.
pub(crate) fn first(scenario: &Scenario, origins: &Origins<'_>) -> Option<usize> {
    scenario.observations.iter().position(|seen| {
        let scene = Scene { scenario, origins, seen };
        scene.running().any(|job| match scene.waits_for(job) {
            Waits::ForSlot(pool) => !scene.makes_progress(pool),
            Waits::ForJob(_) | Waits::Elsewhere => false,
        })
    })
}

/// What a running job waits for.
enum Waits<'a> {
    ForSlot(&'a str),
    ForJob(&'a str),
    /// Its gate, or something that is not analysed further and is assumed to come.
    Elsewhere,
}

/// One observation of a script.
struct Scene<'a> {
    scenario: &'a Scenario,
    origins: &'a Origins<'a>,
    seen: &'a Observation,
}

impl<'a> Scene<'a> {
    fn has_ended(&self, job: &str) -> bool {
        self.seen.finished.iter().any(|(ended, _)| ended == job)
    }

    fn has_started(&self, job: &str) -> bool {
        self.seen.started.iter().any(|started| started == job)
    }

    fn running(&self) -> impl Iterator<Item = &'a str> {
        self.seen.started.iter().map(String::as_str).filter(|job| !self.has_ended(job))
    }

    fn waits_for(&self, job: &str) -> Waits<'a> {
        let ops = self.scenario.jobs.get(job).map_or(&[][..], |spec| &spec.ops[..]);
        let pending = |(k, _): &(usize, &Op)| !self.seen.returned.contains_key(&format!("{job}.{k}"));
        match ops.iter().enumerate().find(pending).map(|(_, op)| op) {
            Some(Op::Spawn { job: child, .. } | Op::SpawnN { job: child, .. } | Op::PileSpawn { job: child, .. }) => {
                match self.origins.pool_of(child) {
                    Some(pool) if !self.has_started(child) => Waits::ForSlot(pool),
                    _ => Waits::ForJob(child),
                }
            }
            Some(Op::Join { job }) => Waits::ForJob(job),
            _ => Waits::Elsewhere,
        }
    }

    /// Whether some job of this pool can complete and release its slot.
    fn makes_progress(&self, pool: &'a str) -> bool {
        let mut visited = HashSet::from([pool]);
        let mut pools = vec![pool];
        while let Some(pool) = pools.pop() {
            let in_pool: Vec<&str> = self.running().filter(|job| self.origins.pool_of(job) == Some(pool)).collect();
            let has_room = self.seen.pools.get(pool).is_none_or(|counters| counters.free > 0);
            // A full pool that runs nothing has size 0 and waits for a resize.
            if has_room || in_pool.is_empty() {
                return true;
            }
            for job in in_pool {
                match self.waits_ultimately_for(job) {
                    Waits::ForSlot(next) if visited.insert(next) => pools.push(next),
                    Waits::ForSlot(_) | Waits::ForJob(_) => {}
                    Waits::Elsewhere => return true,
                }
            }
        }
        false
    }

    /// What a running job ultimately waits for, through the chain of jobs that it waits for. `ForJob` means a cycle.
    fn waits_ultimately_for(&self, job: &'a str) -> Waits<'a> {
        let mut visited = HashSet::from([job]);
        let mut job = job;
        loop {
            match self.waits_for(job) {
                Waits::ForJob(next) if self.has_ended(next) => return Waits::Elsewhere,
                Waits::ForJob(next) if !self.has_started(next) => {
                    return self.origins.pool_of(next).map_or(Waits::Elsewhere, Waits::ForSlot);
                }
                Waits::ForJob(next) if visited.insert(next) => job = next,
                other => return other,
            }
        }
    }
}
