//! The compiler's errors for each misuse of `remote`.

use std::fs;
use std::path::Path;

/// The wording of some is rustc's, and changes between releases.
#[test]
fn misuse_is_refused_at_the_users_own_tokens() {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let output = std::process::Command::new(rustc).arg("--version").output().expect("there is a compiler");
    if output.stdout.starts_with(b"rustc 1.95.") {
        trybuild::TestCases::new().compile_fail("ui/*.rs");
    }
}

#[test]
fn the_book_has_every_message_of_the_macro() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(tests.join("../../book/src/machines.md")).expect("the chapter");
    let skeleton = |text: &str| text.split('`').step_by(2).collect::<Vec<_>>().join("`");
    let page = skeleton(&page.replace('\n', " "));
    let mut count = 0;
    for file in fs::read_dir(tests.join("ui")).expect("the folder") {
        let path = file.expect("a file").path();
        if path.extension().is_none_or(|end| end != "stderr") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("the expected errors");
        // Those with a code are rustc's own.
        for message in text.lines().filter_map(|line| line.strip_prefix("error: ")) {
            if message.starts_with("unused ") {
                continue;
            }
            count += 1;
            assert!(page.contains(&skeleton(message)), "{}: {message}", path.display());
        }
    }
    assert!(count >= 7, "only {count} messages were found");
}
