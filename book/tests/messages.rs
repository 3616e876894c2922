//! Each message of the macros has an entry on the page about compile errors.

use std::fs;
use std::path::Path;

/// A line without the names in backticks.
fn skeleton(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("`")
}

#[test]
fn the_page_on_compile_errors_has_every_message_of_the_macros() {
    let book = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = book.join("src/compile-errors.md");
    let page = fs::read_to_string(page).expect("the page");
    let page: Vec<_> = page.lines().map(skeleton).collect();
    let mut count = 0;
    for folder in ["attr", "item", "pile"] {
        let folder = book.join("../tests/ui").join(folder);
        for file in fs::read_dir(folder).expect("a folder of tests/ui") {
            let path = file.expect("a file").path();
            if path.extension().is_none_or(|end| end != "stderr") {
                continue;
            }
            let text = fs::read_to_string(&path).expect("the expected errors");
            for message in text.lines().filter_map(|line| line.strip_prefix("error: ")) {
                count += 1;
                let wanted = skeleton(message);
                let there = page.iter().any(|line| line.contains(&wanted));
                assert!(there, "{}: {message}", path.display());
            }
        }
    }
    assert!(count > 50, "only {count} messages were found");
}
