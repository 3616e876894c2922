//! Compares recorded observations with those seen on greenpool.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Debug;

use serde_json::Value;

use crate::format::{Counters, MapSeen, Observation, Op, Scenario};
use crate::level::Level;
use crate::origin::Origins;

/// Describes the first difference between what was recorded and what was seen.
pub(crate) fn first_difference(scenario: &Scenario, seen: &[Observation], level: Level) -> Option<String> {
    let origins = Origins::of(scenario);
    let looks = looks(scenario);
    let nothing = Observation::default();
    (0..level.observations).find_map(|at| {
        let pair = Pair {
            at,
            level,
            origins: &origins,
            looks: &looks,
            late: origins.late(scenario, at),
            before: at.checked_sub(1).map_or(&nothing, |at| &scenario.observations[at]),
            want: &scenario.observations[at],
            got: &seen[at],
        };
        pair.difference().map(|what| format!("observation {at}: {what}"))
    })
}

/// The `look` calls of a script, with the pool that each looks at.
fn looks(scenario: &Scenario) -> HashMap<String, &str> {
    fn add<'a>(looks: &mut HashMap<String, &'a str>, id: String, op: &'a Op) {
        match op {
            Op::Look { pool } => drop(looks.insert(id, pool)),
            Op::Seq { ops } => ops.iter().enumerate().for_each(|(k, op)| add(looks, format!("{id}.{k}"), op)),
            _ => {}
        }
    }
    let mut looks = HashMap::new();
    for step in &scenario.steps {
        add(&mut looks, step.driver.clone(), &step.op);
    }
    for (job, spec) in &scenario.jobs {
        spec.ops.iter().enumerate().for_each(|(k, op)| add(&mut looks, format!("{job}.{k}"), op));
    }
    looks
}

/// A job and how it ended.
type Ended = (String, String);

/// One observation as recorded and as seen, with the recorded one before it.
struct Pair<'a> {
    at: usize,
    level: Level,
    origins: &'a Origins<'a>,
    looks: &'a HashMap<String, &'a str>,
    late: HashSet<&'a str>,
    before: &'a Observation,
    want: &'a Observation,
    got: &'a Observation,
}

impl Pair<'_> {
    fn difference(&self) -> Option<String> {
        let starts = |a: &String, b: &String| self.origins.orders_starts(a, b, self.at);
        let ends = |a: &Ended, b: &Ended| self.origins.orders_ends(&a.0, &b.0, self.at);
        let late = |job: &str| self.late.contains(job);
        let (want, got, old) = (self.want, self.got, self.before);
        missing("started", &want.started, &got.started, |job| late(job))
            .or_else(|| order("started", &want.started, old.started.len(), &got.started, starts))
            .or_else(|| missing("finished", &want.finished, &got.finished, |(job, _)| late(job)))
            .or_else(|| order("finished", &want.finished, old.finished.len(), &got.finished, ends))
            .or_else(|| differ("returned", &self.returned(self.want), &self.returned(self.got)))
            .or_else(|| differ("pools", &self.pools(self.want), &self.pools(self.got)))
            .or_else(|| self.maps())
            .or_else(|| {
                let items = |of: &Observation| -> BTreeMap<String, Vec<Value>> {
                    of.piles.iter().map(|(name, pile)| (name.clone(), pile.items.clone())).collect()
                };
                differ("piles", &items(self.want), &items(self.got))
            })
    }

    /// The counters that must match: free, running, waiting.
    fn pools(&self, of: &Observation) -> BTreeMap<String, [Option<i64>; 3]> {
        let bound = |(name, counters): (&String, &Counters)| {
            let running = self.level.running(self.origins, name, self.at);
            let waiting = self.level.waiting(self.origins, name, self.at);
            let counters = [
                running.then_some(counters.free),
                running.then_some(counters.running),
                waiting.then_some(counters.waiting),
            ];
            (name.clone(), counters)
        };
        of.pools.iter().map(bound).collect()
    }

    /// The results of calls, without the counters that need not match.
    fn returned(&self, of: &Observation) -> BTreeMap<String, Value> {
        let mut returned = of.returned.clone();
        for (id, pool) in self.looks {
            let Some(look) = returned.get_mut(id).and_then(|result| result.get_mut("ok")) else {
                continue;
            };
            if !self.level.running(self.origins, pool, self.at) {
                look["free"].take();
                look["running"].take();
            }
            if !self.level.waiting(self.origins, pool, self.at) {
                look["waiting"].take();
            }
        }
        returned
    }

    fn maps(&self) -> Option<String> {
        let names = |of: &Observation| of.maps.keys().cloned().collect::<Vec<_>>();
        differ("maps", &names(self.want), &names(self.got))
            .or_else(|| self.want.maps.iter().find_map(|(name, want)| self.map(name, want, &self.got.maps[name])))
    }

    /// greenpool does not read an item before its job can run, so the recording only bounds how far the sources are
    /// read.
    fn map(&self, name: &str, want: &MapSeen, got: &MapSeen) -> Option<String> {
        let (started, _) = self.origins.items_of(name, &self.got.started);
        let sources = want.pulled.len();
        let bounded = got.pulled.len() == sources
            && (0..sources).all(|k| (started..=want.pulled[k]).contains(&got.pulled[k]))
            && (0..sources).all(|k| want.ended[k] || !got.ended[k]);
        differ(&format!("items of map {name}"), &want.items, &got.items).or_else(|| {
            let over = || format!("sources of map {name}, {started} started: recorded {want:?}, seen {got:?}");
            (!bounded).then(over)
        })
    }
}

fn differ<T: PartialEq + Debug>(what: &str, want: &T, got: &T) -> Option<String> {
    (want != got).then(|| format!("{what}: recorded {want:?}, seen {got:?}"))
}

/// Compares the events so far as a set. Late events may be missing.
fn missing<T: PartialEq + Debug>(what: &str, want: &[T], got: &[T], late: impl Fn(&T) -> bool) -> Option<String> {
    let missing: Vec<_> = want.iter().filter(|event| !got.contains(event) && !late(event)).collect();
    let extra: Vec<_> = got.iter().filter(|event| !want.contains(event)).collect();
    let differ = !missing.is_empty() || !extra.is_empty() || got.len() > want.len();
    differ.then(|| format!("{what}: {missing:?} missing, {extra:?} unexpected; recorded {want:?}, seen {got:?}"))
}

/// Compares the order of the events of this step (those after the first `old`) where one cause determines it.
fn order<T: PartialEq + Debug>(
    what: &str,
    want: &[T],
    old: usize,
    got: &[T],
    ordered: impl Fn(&T, &T) -> bool,
) -> Option<String> {
    let place = |event: &T| got.iter().position(|other| other == event).unwrap_or(usize::MAX);
    let want = &want[old..];
    want.iter().enumerate().find_map(|(k, first)| {
        let later = want[k + 1..].iter().find(|later| place(first) > place(later) && ordered(first, later))?;
        Some(format!("{what}: {later:?} before {first:?}; recorded in this step {want:?}, seen {got:?}"))
    })
}
