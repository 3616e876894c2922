//! Where a script's jobs come from, and which of their events are ordered by one cause.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::format::{JobSpec, Mode, Observation, Op, Scenario};

/// The calls of one script.
pub(crate) struct Origins<'a> {
    jobs: HashMap<&'a str, Origin<'a>>,
    specs: &'a BTreeMap<String, JobSpec>,
    /// For each job, the first observation at which its spawn was queued.
    queued: HashMap<&'a str, usize>,
    /// The maps, with the pools that they run on.
    maps: HashMap<&'a str, &'a str>,
}

enum Origin<'a> {
    /// Spawned by call number `index` in the list of `owner`, or by the only call of the driver `owner`.
    Call { owner: &'a str, index: Option<usize>, pool: &'a str },
    /// An item of a map.
    Item { map: &'a str },
}

impl<'a> Origins<'a> {
    pub(crate) fn of(scenario: &'a Scenario) -> Self {
        let mut origins =
            Origins { jobs: HashMap::new(), specs: &scenario.jobs, queued: HashMap::new(), maps: HashMap::new() };
        let mut piles = HashMap::new();
        for step in &scenario.steps {
            origins.add(&step.driver, None, &step.op, &mut piles);
        }
        for (job, spec) in &scenario.jobs {
            for (k, op) in spec.ops.iter().enumerate() {
                origins.add(job, Some(k), op, &mut piles);
            }
        }
        for (at, seen) in scenario.observations.iter().enumerate() {
            let present: HashSet<&str> = scenario.steps[..=at].iter().map(|step| &step.driver[..]).collect();
            for job in origins.blocked(seen, &present) {
                origins.queued.entry(job).or_insert(at);
            }
        }
        origins
    }

    fn add(&mut self, owner: &'a str, index: Option<usize>, op: &'a Op, piles: &mut HashMap<&'a str, &'a str>) {
        match op {
            Op::Seq { ops } => {
                for (k, op) in ops.iter().enumerate() {
                    self.add(owner, Some(k), op, piles);
                }
            }
            Op::Spawn { pool, job } | Op::SpawnN { pool, job } => {
                self.jobs.insert(job, Origin::Call { owner, index, pool });
            }
            Op::NewPile { pile, pool, .. } => {
                piles.insert(pile, pool.as_deref().unwrap_or(pile));
            }
            Op::PileSpawn { pile, job } => {
                let pool = piles.get(&pile[..]).copied().unwrap_or(pile);
                self.jobs.insert(job, Origin::Call { owner, index, pool });
            }
            Op::Imap { pool, map, sources, .. } => {
                self.maps.insert(map, pool);
                self.add_items(map, sources.first().into_iter().flatten());
            }
            Op::Starmap { pool, map, args } => {
                self.maps.insert(map, pool);
                self.add_items(map, args.iter().filter_map(|row| row.get(0)));
            }
            _ => {}
        }
    }

    fn add_items(&mut self, map: &'a str, items: impl Iterator<Item = &'a serde_json::Value>) {
        for job in items.filter_map(|item| item.as_str()) {
            self.jobs.insert(job, Origin::Item { map });
        }
    }

    /// The jobs whose spawns wait for a slot: the call was made and has not returned.
    fn blocked(&self, seen: &Observation, present: &HashSet<&str>) -> Vec<&'a str> {
        let waits = |job: &str, origin: &Origin<'_>| {
            let Origin::Call { owner, index, .. } = *origin else {
                return false;
            };
            let alive = present.contains(owner) || seen.started.iter().any(|started| started == owner);
            let returned = |id: &str| seen.returned.contains_key(id);
            let at_it = match index {
                None => !returned(owner),
                Some(k) => !returned(&format!("{owner}.{k}")) && (k == 0 || returned(&format!("{owner}.{}", k - 1))),
            };
            alive && at_it && !seen.started.iter().any(|started| started == job)
        };
        self.jobs.iter().filter(|(job, origin)| waits(job, origin)).map(|(job, _)| *job).collect()
    }

    /// Whether one cause orders the start of `a` before that of `b`. Both started in this order in the step before
    /// observation `at`.
    pub(crate) fn orders_starts(&self, a: &str, b: &str, at: usize) -> bool {
        let (Some(from_a), Some(from_b)) = (self.jobs.get(a), self.jobs.get(b)) else {
            return false;
        };
        match (from_a, from_b) {
            (Origin::Item { map: a, .. }, Origin::Item { map: b, .. }) => a == b,
            (Origin::Call { owner: by_a, pool: in_a, .. }, Origin::Call { owner: by_b, pool: in_b, .. })
                if in_a == in_b =>
            {
                *by_b == a || by_a == by_b && self.in_call_order(a, b) || self.queued_in_different_steps(a, b, at)
            }
            (_, Origin::Call { owner, .. }) => *owner == a,
            _ => false,
        }
    }

    /// One green thread spawned `a`, then `b`. If eventlet started `b` first, it ran it inline, inside that green
    /// thread, while `a` was only scheduled. In greenpool the child has its own task, so either order is right.
    fn in_call_order(&self, a: &str, b: &str) -> bool {
        let index = |job: &str| match self.jobs.get(job) {
            Some(Origin::Call { index, .. }) => *index,
            _ => None,
        };
        index(a) < index(b)
    }

    /// Both were queued before this step, and in different steps.
    fn queued_in_different_steps(&self, a: &str, b: &str, at: usize) -> bool {
        match (self.queued.get(a), self.queued.get(b)) {
            (Some(a), Some(b)) => a != b && *a < at && *b < at,
            _ => false,
        }
    }

    /// Whether two jobs that ended in one step must end in the order they started, because neither waits for anything.
    pub(crate) fn orders_ends(&self, a: &str, b: &str, at: usize) -> bool {
        let instant =
            |job: &str| self.specs.get(job).is_some_and(|spec| spec.mode != Mode::Gate && spec.ops.is_empty());
        instant(a) && instant(b) && self.orders_starts(a, b, at)
    }

    /// The pool that a job was spawned in. `None` for an item of a map, which in eventlet has its own pool.
    pub(crate) fn pool_of(&self, job: &str) -> Option<&'a str> {
        match self.jobs.get(job)? {
            Origin::Call { pool, .. } => Some(pool),
            Origin::Item { .. } => None,
        }
    }

    /// Whether a map ever runs on this pool.
    pub(crate) fn is_mapped(&self, pool: &str) -> bool {
        self.maps.values().any(|mapped| *mapped == pool)
    }

    /// How many of these jobs are items of the map, and which is the last.
    pub(crate) fn items_of<'s>(&self, map: &str, jobs: &'s [String]) -> (usize, Option<&'s str>) {
        let of_map = |job: &&String| matches!(self.jobs.get(&job[..]), Some(Origin::Item { map: of }) if *of == map);
        jobs.iter().filter(of_map).fold((0, None), |(count, _), job| (count + 1, Some(job)))
    }

    /// The jobs that may have started later than recorded.
    ///
    /// In eventlet a waiting consumer has already taken its item, which makes room for another: the map then holds
    /// `size + 2`. greenpool never holds more than the window, and starts that job once the awaited result is taken.
    pub(crate) fn late(&self, scenario: &'a Scenario, at: usize) -> HashSet<&'a str> {
        let recorded = &scenario.observations[at];
        let late = |(map, pool): (&&str, &&str)| {
            let taken = recorded.maps.get(*map)?.items.iter().filter(|item| item.get("end").is_none()).count();
            let created = scenario.observations.iter().find(|seen| seen.maps.contains_key(*map))?;
            let counters = created.pools.get(*pool)?;
            let window = usize::try_from(counters.free + counters.running + 1).unwrap_or(0);
            let (started, last) = self.items_of(map, &recorded.started);
            last.filter(|_| started > taken + window)
        };
        self.maps.iter().filter_map(late).collect()
    }
}
