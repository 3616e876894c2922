//! What the project asks of itself.

use serde_json::{Value, json};

use crate::report::Table;
use crate::{Count, Load};

/// `what` may cost at most `most` times what `against` costs.
struct Bound {
    what: &'static str,
    against: &'static str,
    load: Load,
    most: f64,
}

const BOUNDS: [Bound; 7] = [
    Bound { what: "spawn-n", against: "tokio-spawn", load: Load::Noop, most: 0.20 },
    Bound { what: "spawn", against: "tokio-spawn", load: Load::Noop, most: 0.35 },
    Bound { what: "pool-spawn", against: "tokio-spawn", load: Load::Noop, most: 1.08 },
    Bound { what: "pool-spawn", against: "semaphore", load: Load::Noop, most: 1.00 },
    Bound { what: "imap", against: "map-spawn-buffered", load: Load::Noop, most: 0.12 },
    Bound { what: "imap", against: "buffered", load: Load::Noop, most: 0.60 },
    Bound { what: "imap", against: "map-spawn-buffered", load: Load::Yields, most: 0.50 },
];

/// A bound and the counts that it is about.
pub(crate) struct Compared<'a> {
    bound: &'static Bound,
    what: &'a Count,
    against: &'a Count,
}

impl Compared<'_> {
    fn ratio(&self) -> f64 {
        self.what.instructions / self.against.instructions
    }

    pub(crate) fn holds(&self) -> bool {
        self.ratio() <= self.bound.most
    }
}

/// All bounds whose two sides have been counted.
pub(crate) fn compare(counts: &[Count]) -> Vec<Compared<'_>> {
    let find = |id, load| counts.iter().find(|count| count.way.id == id && count.load == load);
    let compared = BOUNDS.iter().filter_map(|bound| {
        let what = find(bound.what, bound.load)?;
        let against = find(bound.against, bound.load)?;
        Some(Compared { bound, what, against })
    });
    compared.collect()
}

pub(crate) fn table(compared: &[Compared<'_>]) -> Table {
    let mut table =
        Table::new("Ratios of instructions a job", &["what", "against", "job"], &["ratio", "at most", "holds"]);
    for row in compared {
        table.row(vec![
            row.what.way.title.into(),
            row.against.way.title.into(),
            row.bound.load.title().into(),
            format!("{:.3}", row.ratio()),
            format!("{:.2}", row.bound.most),
            if row.holds() { "yes" } else { "NO" }.into(),
        ]);
    }
    table
}

pub(crate) fn json(compared: &[Compared<'_>]) -> Value {
    let rows = compared.iter().map(|row| {
        json!({
            "what": row.bound.what,
            "against": row.bound.against,
            "load": row.bound.load.name(),
            "ratio": row.ratio(),
            "at_most": row.bound.most,
            "holds": row.holds(),
        })
    });
    rows.collect()
}
