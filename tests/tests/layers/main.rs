//! The sources are stacked in layers: a module names only modules below it, and no modules name each other in a circle.
//!
//! CONTRIBUTING.md has a map of the layers. This test reads which modules the sources name, and checks that the map
//! has them all.

mod names;
mod order;

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs};

use names::names;
use order::Layers;

/// The runtime crate, from the bottom to the top. Rooms that share a layer do not name each other.
const RUNTIME: Layers = Layers {
    layers: &[
        &["sync"],
        &["inner"],
        &["lending"],
        &["job"],
        &["worker"],
        &["spawn"],
        &["map"],
        &["pool"],
        &["pile", "declared"],
        &["remote"],
        &["private", "misuse"],
        &[""],
    ],
    circle: &[
        "inner",
        "inner::effects",
        "inner::member",
        "inner::member_state",
        "inner::wait",
        "inner::blocked",
        "inner::queued",
        "inner::taker",
        "inner::verbs",
        "inner::offers",
    ],
};

/// The macros.
const MACROS: Layers =
    Layers { layers: &[&["span"], &["errors"], &["expr"], &["green_pool", "pile"], &["", "tests"]], circle: &[] };

#[test]
fn the_runtime_crate_names_only_what_is_below() {
    check("greenpool", &RUNTIME);
}

#[test]
fn the_macros_name_only_what_is_below() {
    check("greenpool-macros", &MACROS);
}

#[test]
fn an_upward_use_is_found() {
    let planted = [("sync::slots", "use std::fmt;\nuse crate::job::error::JoinError;"), ("job::error", "")];
    let faults = RUNTIME.faults(&sources(&planted));
    assert_eq!(faults.upward, ["sync::slots -> job::error"]);
}

#[test]
fn an_upward_name_in_an_expression_a_macro_or_a_group_is_found() {
    let planted = [
        ("job::error", "pin_project! { struct A { map: crate::map::GreenMap } }"),
        ("job::reply", "fn f() { crate::{sync::lock(), pool::spawn::go()} }"),
        ("job::span", "use super::super::worker::run;"),
        ("job", "mod error; mod reply; mod span;"),
        ("map", ""),
        ("worker::run", ""),
        ("pool::spawn", ""),
        ("sync", ""),
    ];
    let faults = RUNTIME.faults(&sources(&planted));
    assert_eq!(faults.upward, ["job::error -> map", "job::reply -> pool::spawn", "job::span -> worker::run"]);
}

#[test]
fn a_name_in_a_comment_is_no_arrow() {
    let planted = [
        ("sync::slots", "//! See [`pool`](crate::pool).\n/// And crate::pool.\nfn f() {} // crate::pool"),
        ("pool", ""),
    ];
    assert!(RUNTIME.faults(&sources(&planted)).is_empty());
}

#[test]
fn a_new_circle_is_found_and_the_known_one_is_not_reported() {
    let planted = [
        ("job::cell", "use crate::job::reply::Reply;"),
        ("job::reply", "use super::cell::Cell;"),
        ("inner::member", "use crate::inner::wait::Wait;"),
        ("inner::wait", "use crate::inner::member::Member;"),
    ];
    let faults = RUNTIME.faults(&sources(&planted));
    assert_eq!(faults.circles, [["job::cell", "job::reply"]]);
}

#[test]
fn a_room_without_a_layer_is_found() {
    let faults = RUNTIME.faults(&sources(&[("utils::strings", "")]));
    assert_eq!(faults.homeless, ["utils::strings"]);
}

fn check(package: &str, layers: &Layers) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests stand in the workspace").to_owned();
    let sources = read(&root.join(package).join("src"));
    assert!(sources.len() > 5, "{package} has sources");
    let faults = layers.faults(&sources);
    assert!(faults.is_empty(), "{faults}");
    for (module, text) in &sources {
        let wide = text.lines().position(|line| line.chars().count() > 120);
        assert_eq!(wide.map(|line| line + 1), None, "a line of `{module}` has more than 120 columns");
    }
    let map = fs::read_to_string(root.join("CONTRIBUTING.md")).expect("there is a CONTRIBUTING.md");
    let missing: Vec<_> = sources.keys().filter(|module| !is_on(&map, module)).collect();
    assert!(missing.is_empty(), "CONTRIBUTING.md has to say what these are for: {missing:?}");
}

/// Whether the map names the module: a room by its folder, a file by its name.
fn is_on(map: &str, module: &str) -> bool {
    let name = module.rsplit("::").next().unwrap_or_default();
    name.is_empty() || [format!("`{name}`"), format!("`{name}/`")].iter().any(|name| map.contains(name.as_str()))
}

fn sources(planted: &[(&str, &str)]) -> BTreeMap<String, String> {
    planted.iter().map(|(module, text)| ((*module).to_owned(), (*text).to_owned())).collect()
}

/// The text of each module of a crate, by its path: `job::cell`, and an empty one for the crate's root.
fn read(src: &Path) -> BTreeMap<String, String> {
    let mut sources = BTreeMap::new();
    let mut folders = vec![src.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the folder can be read") {
            let path = entry.expect("the folder can be read").path();
            // What the macros' snapshots hold is not compiled.
            if path.is_dir() && !path.ends_with("snapshots") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.insert(module(src, &path), fs::read_to_string(&path).expect("the file can be read"));
            }
        }
    }
    sources
}

fn module(src: &Path, file: &Path) -> String {
    let inside = file.strip_prefix(src).expect("the file is in the crate").with_extension("");
    let mut parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if parts.last().is_some_and(|last| last == "mod" || last == "lib") {
        parts.pop();
    }
    parts.join("::")
}
