//! Bounds on figures, which the benches check.

use serde_json::{Value, json};

use super::Table;

/// The whole-program optimisation that this bench was built with.
pub(crate) const LTO: &str = match option_env!("CARGO_PROFILE_BENCH_LTO") {
    Some(lto) => lto,
    None => "false",
};

/// A figure with its upper or lower bound.
pub(crate) struct Bound {
    pub(crate) what: String,
    pub(crate) against: String,
    /// What the jobs do, and on which runtime.
    pub(crate) setting: String,
    pub(crate) figure: f64,
    /// The figure if `main` starts the jobs, and not a task, where that was measured.
    pub(crate) main: Option<f64>,
    pub(crate) limit: f64,
    /// The limit is a minimum, not a maximum.
    pub(crate) at_least: bool,
    /// Empty for a ratio.
    pub(crate) unit: &'static str,
}

impl Bound {
    pub(crate) fn holds(&self) -> bool {
        let holds = |figure| if self.at_least { figure >= self.limit } else { figure <= self.limit };
        holds(self.figure) && self.main.is_none_or(holds)
    }

    fn limit(&self) -> String {
        let sign = if self.at_least { "≥" } else { "≤" };
        format!("{sign} {:.2}{}", self.limit, self.unit)
    }
}

pub(crate) fn table<'a>(bounds: impl IntoIterator<Item = &'a Bound>) -> Table {
    let title = format!("Bounds that greenpool sets itself, lto = {LTO}");
    let mut table = Table::new(&title, &["what"], &["is", "from main", "bound"]);
    for bound in bounds {
        let Bound { what, against, setting, .. } = bound;
        let verdict = if bound.holds() { "" } else { " DOES NOT HOLD" };
        table.row(vec![
            format!("{what} / {against} ({setting})"),
            format!("{:.3}{}", bound.figure, bound.unit),
            bound.main.map_or_else(String::new, |figure| format!("{figure:.3}{}", bound.unit)),
            format!("{}{verdict}", bound.limit()),
        ]);
    }
    table
}

pub(crate) fn json(bounds: &[Bound]) -> Value {
    let rows = bounds.iter().map(|bound| {
        json!({
            "what": bound.what,
            "against": bound.against,
            "setting": bound.setting,
            "figure": bound.figure,
            "main": bound.main,
            "unit": bound.unit,
            "limit": bound.limit,
            "at_least": bound.at_least,
            "holds": bound.holds(),
        })
    });
    rows.collect()
}
