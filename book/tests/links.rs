//! mdBook does not report broken links, includes and anchors. These tests do.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A chapter and the name of its file.
struct Page {
    name: String,
    text: String,
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn pages() -> Vec<Page> {
    let files = fs::read_dir(source()).expect("book/src");
    let mut pages: Vec<_> = files
        .map(|file| file.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|end| end == "md"))
        .map(|path| Page {
            name: path.file_name().and_then(|name| name.to_str()).expect("a plain name").to_owned(),
            text: fs::read_to_string(&path).expect("a chapter"),
        })
        .collect();
    pages.sort_by(|a, b| a.name.cmp(&b.name));
    pages
}

/// The lines of a page outside its code blocks.
fn prose(text: &str) -> Vec<&str> {
    let mut code = false;
    text.lines()
        .filter(|line| {
            let fence = line.trim_start().starts_with("```");
            code ^= fence;
            !code && !fence
        })
        .collect()
}

/// A line without its inline `code`.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect()
}

/// Each piece of a line between `open` and the next `close`.
fn between<'a>(line: &'a str, open: &'a str, close: char) -> impl Iterator<Item = &'a str> {
    line.split(open).skip(1).filter_map(move |rest| rest.split_once(close).map(|(inner, _)| inner))
}

/// The anchors of a page, as mdBook generates them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for line in prose(text) {
        for id in between(line, "id=\"", '"') {
            assert!(anchors.insert(id.to_owned()), "#{id} is there twice");
        }
        let heading = line.trim_start_matches('#');
        if heading.len() == line.len() || !heading.starts_with(' ') {
            continue;
        }
        let id = match heading.split_once("{#") {
            Some((_, id)) => id.trim_end().trim_end_matches('}').to_owned(),
            None => id_of(heading.trim()),
        };
        assert!(anchors.insert(id.clone()), "#{id} is there twice");
    }
    anchors
}

fn id_of(heading: &str) -> String {
    heading
        .chars()
        .filter_map(|c| match c {
            c if c.is_alphanumeric() || c == '_' || c == '-' => Some(c.to_ascii_lowercase()),
            c if c.is_whitespace() => Some('-'),
            _ => None,
        })
        .collect()
}

#[test]
fn the_summary_lists_every_page_once() {
    let pages = pages();
    let summary = pages.iter().find(|page| page.name == "SUMMARY.md");
    let summary = &summary.expect("SUMMARY.md").text;
    let mut listed: Vec<_> = between(summary, "](", ')').collect();
    listed.sort_unstable();
    let names = pages.iter().map(|page| page.name.as_str());
    let there: Vec<_> = names.filter(|name| *name != "SUMMARY.md").collect();
    assert_eq!(listed, there);
}

#[test]
fn a_test_has_the_samples_of_every_page() {
    let lib = fs::read_to_string(source().join("lib.rs")).expect("lib.rs");
    let pasted = fs::read_to_string(source().join("../tests/pasted.rs")).expect("pasted.rs");
    // Its samples need that crate.
    let nats = fs::read_to_string(source().join("../../greenpool-nats/src/lib.rs")).expect("lib.rs");
    for page in pages().iter().filter(|page| page.name != "SUMMARY.md") {
        let quoted = format!("\"{}\"", page.name);
        let elsewhere = format!("include_str!(\"../../book/src/{}\")", page.name);
        let tested = lib.contains(&quoted) || pasted.contains(&quoted) || nats.contains(&elsewhere);
        assert!(tested, "no test has the samples of {}", page.name);
    }
}

#[test]
fn no_rust_block_is_left_untested() {
    for page in pages() {
        for line in page.text.lines() {
            let Some(tags) = line.trim_start().strip_prefix("```rust") else {
                continue;
            };
            for tag in tags.split(',').filter(|tag| !tag.is_empty()) {
                let good = ["compile_fail", "corrected", "should_panic"].contains(&tag)
                    // A worker runs until it is stopped, and needs a server. It is compiled.
                    || tag == "no_run" && page.name == "machines.md";
                assert!(good, "{}: a block has the tag `{tag}`", page.name);
            }
        }
    }
}

#[test]
fn every_link_leads_somewhere() {
    let pages = pages();
    let anchors: BTreeMap<_, _> = pages.iter().map(|page| (page.name.as_str(), anchors(&page.text))).collect();
    for page in &pages {
        for line in prose(&page.text) {
            let line = without_code(line);
            let links = between(&line, "](", ')').chain(between(&line, "href=\"", '"'));
            for link in links.chain(between(&line, "src=\"", '"')) {
                if link.starts_with("https://") {
                    continue;
                }
                let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
                let file = if file.is_empty() { &page.name } else { file };
                let path = source().join(file);
                assert!(path.is_file(), "{}: there is no {link}", page.name);
                let there = anchor.is_empty() || anchors.get(file).is_some_and(|ids| ids.contains(anchor));
                assert!(there, "{}: {file} has no #{anchor}", page.name);
            }
        }
    }
}

#[test]
fn every_include_is_there() {
    for page in pages() {
        for include in between(&page.text, "{{#", '}') {
            let (verb, target) = include.split_once(' ').expect("a verb and a file");
            assert_eq!(verb, "include", "{}: {include}", page.name);
            let (file, anchor) = target.split_once(':').unwrap_or((target, ""));
            let path = source().join(file);
            let text = fs::read_to_string(&path);
            let text = text.unwrap_or_else(|_| panic!("{}: there is no {file}", page.name));
            let marks = ["ANCHOR: ", "ANCHOR_END: "].map(|mark| format!("{mark}{anchor}\n"));
            let there = anchor.is_empty() || marks.iter().all(|mark| text.contains(mark));
            assert!(there, "{}: {file} has no anchor {anchor}", page.name);
        }
    }
}

#[test]
fn a_drawing_has_no_empty_line() {
    // An empty line ends the HTML block, and Markdown would treat the rest as text.
    let images = fs::read_dir(source().join("images")).expect("book/src/images");
    for path in images.map(|image| image.expect("a file").path()) {
        let text = fs::read_to_string(&path).expect("a drawing");
        let empty = text.lines().any(|line| line.trim().is_empty());
        assert!(!empty, "{} has an empty line", path.display());
    }
}
