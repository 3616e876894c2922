//! The counts that are compared, and their bounds.

use crate::Count;
use crate::report::bound::Bound;
use crate::ways::load::Load;

/// The first way may cost at most this multiple of the second.
const BOUNDS: [(&str, &str, Load, f64); 12] = [
    ("spawn-n", "tokio-spawn", Load::Noop, 0.20),
    ("spawn", "tokio-spawn", Load::Noop, 0.38),
    ("pool-spawn", "tokio-spawn", Load::Noop, 0.75),
    ("imap", "map-spawn-buffered", Load::Noop, 0.12),
    ("imap", "buffered", Load::Noop, 0.60),
    ("imap", "futures-buffered", Load::Noop, 1.30),
    ("spawn", "tokio-spawn", Load::Yields, 0.85),
    ("pool-spawn", "semaphore", Load::Yields, 1.00),
    ("imap", "map-spawn-buffered", Load::Yields, 0.45),
    ("serve-100000", "serve-100", Load::Noop, 1.5),
    ("pass-100000", "pass-100", Load::Noop, 1.5),
    ("give-up-100000", "give-up-100", Load::Noop, 1.5),
];

/// Returns all bounds for which both sides have been counted.
pub(crate) fn compare(counts: &[Count]) -> Vec<Bound> {
    let find = |id, load| counts.iter().find(|count| count.way.id == id && count.load == load);
    let compared = BOUNDS.iter().filter_map(|&(what, against, load, limit)| {
        let what = find(what, load)?;
        let against = find(against, load)?;
        Some(Bound {
            what: what.way.title.into(),
            against: against.way.title.into(),
            setting: load.title().into(),
            figure: what.instructions / against.instructions,
            limit,
            at_least: false,
            unit: "",
        })
    });
    compared.collect()
}
