//! The instructions of a job by function.

use std::collections::HashMap;

use crate::report::Table;

/// Number of functions to show.
const SHOWN: usize = 30;

/// The self cost of each function, without its callees, from callgrind's file.
pub(crate) fn costs(text: &str) -> HashMap<String, u64> {
    let mut names: HashMap<&str, &str> = HashMap::new();
    let mut costs: HashMap<String, u64> = HashMap::new();
    let mut function = "";
    let mut is_call = false;
    for line in text.lines() {
        if let Some(named) = line.strip_prefix("fn=") {
            function = resolve(&mut names, named);
        } else if let Some(named) = line.strip_prefix("cfn=") {
            resolve(&mut names, named);
        } else if line.starts_with("calls=") {
            is_call = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
            // The line after `calls=` is the cost of the callee.
            if !std::mem::take(&mut is_call) {
                let cost: u64 = line.split(' ').nth(1).and_then(|cost| cost.parse().ok()).unwrap_or(0);
                *costs.entry(function.to_owned()).or_default() += cost;
            }
        }
    }
    costs
}

/// A name is written in full only the first time: `(12) name`, then `(12)`.
fn resolve<'a>(names: &mut HashMap<&'a str, &'a str>, named: &'a str) -> &'a str {
    match named.split_once(' ') {
        Some((key, name)) => {
            names.insert(key, name);
            name
        }
        None => names.get(named).copied().unwrap_or(named),
    }
}

/// The most expensive functions of one way.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(crate) fn table(way: &str, small: &HashMap<String, u64>, large: &HashMap<String, u64>, jobs: u64) -> Table {
    let rise = |name: &String, cost: u64| cost as f64 - small.get(name).copied().unwrap_or(0) as f64;
    let mut rises: Vec<_> = large.iter().map(|(name, &cost)| (name, rise(name, cost) / jobs as f64)).collect();
    rises.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let mut table = Table::new(&format!("Instructions of {way} by function"), &["function"], &["instructions per job"]);
    for (name, cost) in rises.into_iter().take(SHOWN) {
        table.row(vec![name.chars().take(120).collect(), format!("{cost:.1}")]);
    }
    table
}
