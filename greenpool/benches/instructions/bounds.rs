//! The counts that are compared, and their bounds.

use crate::Count;
use crate::report::bound::Bound;
use crate::ways::Caller;
use crate::ways::load::Load;

/// Does nothing, with one argument and with two.
const NOTHING: &[Load] = &[Load::Noop, Load::MaySleep];
const YIELDS: &[Load] = &[Load::Yields];
/// The queue does not depend on the load, and counts as this one.
const QUEUE: &[Load] = &[Load::Noop];

/// The first way may cost at most this multiple of the second, with each of these loads, whoever calls.
const BOUNDS: [(&str, &str, &[Load], f64); 13] = [
    ("spawn-n", "tokio-spawn", NOTHING, 0.20),
    ("spawn", "tokio-spawn", NOTHING, 0.38),
    ("pool-spawn", "tokio-spawn", NOTHING, 0.75),
    ("imap", "map-spawn-buffered", NOTHING, 0.12),
    ("imap", "buffered", NOTHING, 0.60),
    ("imap", "futures-buffered", NOTHING, 1.30),
    ("spawn", "tokio-spawn", YIELDS, 0.85),
    ("pool-spawn", "semaphore", YIELDS, 1.00),
    ("imap", "map-spawn-buffered", YIELDS, 0.45),
    ("full-1", "semaphore-full-1", QUEUE, 0.50),
    ("serve-100000", "serve-100", QUEUE, 1.5),
    ("pass-100000", "pass-100", QUEUE, 1.5),
    ("give-up-100000", "give-up-100", QUEUE, 1.5),
];

/// Whether a way with that load is on one side of a bound.
pub(crate) fn has(way: &str, load: Load) -> bool {
    BOUNDS.iter().any(|(what, against, loads, _)| loads.contains(&load) && (*what == way || *against == way))
}

/// Returns all bounds for which both sides have been counted.
pub(crate) fn compare(counts: &[Count]) -> Vec<Bound> {
    let find = |id, load, caller| counts.iter().find(|count| count.case.is(id, load, caller));
    let mut compared = Vec::new();
    for &(what, against, loads, limit) in &BOUNDS {
        for &load in loads {
            let ratio = |caller| Some((find(what, load, caller)?, find(against, load, caller)?));
            let [Some((way, peer)), main] = Caller::ALL.map(ratio) else { continue };
            compared.push(Bound {
                what: way.case.way.title.into(),
                against: peer.case.way.title.into(),
                setting: load.title().into(),
                figure: way.instructions / peer.instructions,
                main: main.map(|(way, peer)| way.instructions / peer.instructions),
                limit,
                at_least: false,
                unit: "",
            });
        }
    }
    compared
}
