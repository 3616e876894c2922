//! The sums of a log are right for any block size, and a larger log takes no more memory.

#[allow(dead_code, reason = "not every test uses all of it")]
mod program;

use std::path::Path;
use std::sync::LazyLock;

use program::Program;
use tempfile::TempDir;

static LOGSTAT: LazyLock<Program> = LazyLock::new(|| Program::build("logstat"));

const LOG: &str = r#"203.0.113.1 - - [25/Nov/2026:10:00:00 +0000] "GET /faq?a HTTP/1.1" 200 1000
203.0.113.2 - - [25/Nov/2026:10:00:01 +0000] "GET /faq?b HTTP/1.1" 200 24
what is this?
203.0.113.3 - - [25/Nov/2026:10:00:02 +0000] "GET /gone HTTP/1.1" 404 -
"#;

#[tokio::test]
async fn every_line_counts_once() {
    let folder = folder();
    let log = write(&folder, &LOG.repeat(5_000));
    for args in [&["--block", "1", "--jobs", "7"][..], &["--jobs", "1"], &[]] {
        let text = LOGSTAT.prints(&[args, &[&log]].concat(), 0).await;
        assert!(text.contains("lines: 20,000, malformed: 5,000"), "{text}");
        assert!(text.contains("statuses: 200: 10,000, 404: 5,000"), "{text}");
        assert!(text.contains("  line 3: what is this?\n  line 7: what is this?\n  line 11: what"), "{text}");
        let faq = text.lines().find(|line| line.contains("/faq")).unwrap();
        assert!(faq.contains("10,000") && faq.contains("4.88 MiB"), "{faq}");
    }
}

#[tokio::test]
async fn line_numbers_are_right_far_into_the_log() {
    let folder = folder();
    let good = LOG.split_inclusive('\n').next().unwrap();
    let log = write(&folder, &(good.repeat(9_999) + "odd one out\n"));
    let text = LOGSTAT.prints(&["--block", "16", "--jobs", "5", &log], 0).await;
    assert!(text.contains("  line 10000: odd one out"), "{text}");
}

#[tokio::test]
async fn an_empty_log_is_valid() {
    let folder = folder();
    let text = LOGSTAT.prints(&[&write(&folder, "")], 0).await;
    assert!(text.contains("lines: 0, malformed: 0\n"), "{text}");
}

#[tokio::test]
async fn the_same_seed_gives_the_same_sums() {
    let sums = async |seed| {
        let text = LOGSTAT.prints(&["--size", "2", "--seed", seed], 0).await;
        text.split(" in ").next().unwrap().to_owned()
    };
    assert_eq!(sums("7").await, sums("7").await);
    assert_ne!(sums("7").await, sums("8").await);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_larger_log_takes_no_more_memory() {
    let peak = async |size| {
        let text = LOGSTAT.prints(&["--size", size, "--block", "64", "--jobs", "2"], 0).await;
        let peak = text.lines().find_map(|line| line.strip_prefix("peak memory: ")).unwrap().to_owned();
        peak.strip_suffix(" MiB").unwrap().parse::<f64>().unwrap()
    };
    let (small, large) = (peak("2").await, peak("32").await);
    assert!(large < small + 8.0, "{small} MiB, then {large} MiB");
}

#[cfg(unix)]
#[tokio::test]
async fn an_interrupt_ends_it_with_a_word() {
    let text = LOGSTAT.interrupted(&["--size", "100000"], "writing").await;
    assert_eq!(text, "interrupted; nothing was summed up\n");
}

#[tokio::test]
async fn bad_usage_is_refused_with_advice() {
    LOGSTAT.refuses(&["no/such/file"], "give a log").await;
    LOGSTAT.refuses(&["--jobs", "0"], "from 1 to").await;
    LOGSTAT.refuses(&["--sizes", "1"], "--size").await;
    let folder = folder();
    LOGSTAT.refuses(&["--size", "1", &write(&folder, "")], "--size").await;
}

fn folder() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn write(folder: &TempDir, text: &str) -> String {
    let path: &Path = &folder.path().join("access.log");
    std::fs::write(path, text).unwrap();
    path.to_str().unwrap().to_owned()
}
