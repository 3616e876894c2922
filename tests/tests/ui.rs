//! The compiler's errors for each misuse.

/// The macros' own messages, which are the same on every toolchain.
#[test]
fn misuse_is_refused_in_the_macros_own_words() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("ui/attr/*.rs");
    cases.compile_fail("ui/item/*.rs");
    cases.compile_fail("ui/pile/*.rs");
}

/// rustc's messages, whose wording changes between releases.
#[test]
fn misuse_is_refused_by_rustc_at_the_users_own_tokens() {
    if rustc_is(PINNED) {
        trybuild::TestCases::new().compile_fail("ui/types/*.rs");
    }
}

const PINNED: &str = "rustc 1.95.";

fn rustc_is(version: &str) -> bool {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let output = std::process::Command::new(rustc).arg("--version").output();
    output.is_ok_and(|output| output.stdout.starts_with(version.as_bytes()))
}
