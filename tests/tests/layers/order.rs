//! The order that modules have to keep.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::names;

/// The rooms of a crate, from the bottom to the top.
pub(crate) struct Layers {
    pub(crate) layers: &'static [&'static [&'static str]],
    /// Modules that may name each other in a circle.
    pub(crate) circle: &'static [&'static str],
}

/// What breaks the order.
#[derive(Default)]
pub(crate) struct Faults {
    pub(crate) upward: Vec<String>,
    pub(crate) circles: Vec<Vec<String>>,
    pub(crate) homeless: Vec<String>,
}

type Arrows = BTreeMap<String, BTreeSet<String>>;

impl Layers {
    pub(crate) fn faults(&self, sources: &BTreeMap<String, String>) -> Faults {
        let arrows = arrows(sources);
        let homeless = sources.keys().filter(|module| self.layer(module).is_none()).cloned().collect();
        let mut upward = Vec::new();
        for (from, targets) in &arrows {
            for to in targets {
                if room(from) != room(to) && self.layer(from) <= self.layer(to) {
                    upward.push(format!("{from} -> {to}"));
                }
            }
        }
        let circles = circles(&arrows).into_iter().filter(|circle| !self.is_known(circle)).collect();
        Faults { upward, circles, homeless }
    }

    fn layer(&self, module: &str) -> Option<usize> {
        self.layers.iter().position(|rooms| rooms.contains(&room(module)))
    }

    fn is_known(&self, circle: &[String]) -> bool {
        circle.iter().all(|module| self.circle.contains(&module.as_str()))
    }
}

fn room(module: &str) -> &str {
    module.split("::").next().unwrap_or_default()
}

/// Which modules each module names, apart from itself and the modules that it declares.
fn arrows(sources: &BTreeMap<String, String>) -> Arrows {
    let mut arrows = Arrows::new();
    for (from, text) in sources {
        let targets = names::names(from, text);
        let targets = targets.iter().filter_map(|name| known(sources, name)).filter(|to| to != from);
        arrows.insert(from.clone(), targets.collect());
    }
    arrows
}

/// The module in which `name` stands, which may be an item of it.
fn known(sources: &BTreeMap<String, String>, name: &str) -> Option<String> {
    let mut name = name;
    loop {
        if sources.contains_key(name) {
            return Some(name.to_owned()).filter(|name| !name.is_empty());
        }
        name = name.rsplit_once("::")?.0;
    }
}

/// The sets of modules of which each can be reached from each other one.
fn circles(arrows: &Arrows) -> Vec<Vec<String>> {
    let reached: BTreeMap<_, _> = arrows.keys().map(|from| (from.clone(), reach(arrows, from))).collect();
    let reaches = |from: &String, to: &String| reached.get(from).is_some_and(|reached| reached.contains(to));
    let mut circles = BTreeSet::new();
    for from in arrows.keys().filter(|from| reaches(from, from)) {
        let circle = arrows.keys().filter(|to| reaches(from, to) && reaches(to, from));
        circles.insert(circle.cloned().collect::<Vec<_>>());
    }
    circles.into_iter().collect()
}

fn reach(arrows: &Arrows, from: &str) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from.to_owned()];
    while let Some(module) = open.pop() {
        for to in arrows.get(&module).into_iter().flatten() {
            if reached.insert(to.clone()) {
                open.push(to.clone());
            }
        }
    }
    reached
}

impl Faults {
    pub(crate) fn is_empty(&self) -> bool {
        self.upward.is_empty() && self.circles.is_empty() && self.homeless.is_empty()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for arrow in &self.upward {
            writeln!(f, "this module names one that is not below it: {arrow}")?;
        }
        for circle in &self.circles {
            writeln!(f, "these modules name each other in a circle: {}", circle.join(", "))?;
        }
        for module in &self.homeless {
            writeln!(f, "this module is in no layer: {module}")?;
        }
        Ok(())
    }
}
