//! The sums over the lines of a block, and over all blocks.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::ops::Range;
use std::panic;
use std::path::Path;
use std::sync::Arc;
use std::thread::available_parallelism;

use greenpool::green_pool;
use tokio::task;

use crate::block;

/// How many malformed lines the report shows.
pub(crate) const NAMED: usize = 3;

/// The sums over some lines.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) lines: u64,
    pub(crate) bytes: u64,
    pub(crate) statuses: BTreeMap<u16, u64>,
    /// Grows with the number of distinct paths, not with the number of lines.
    pub(crate) paths: HashMap<String, Visits>,
    /// The number of malformed lines; `named` has the first of them with their line numbers.
    pub(crate) odd: u64,
    pub(crate) named: Vec<(u64, String)>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Visits {
    pub(crate) requests: u64,
    pub(crate) bytes: u64,
    pub(crate) failed: u64,
}

// ANCHOR: tally
/// Reads one block of the log and sums it up, on a blocking thread. At most one block per
/// core.
#[green_pool(size = available_parallelism().map_or(4, usize::from))]
pub(crate) async fn tally(#[shared] log: Arc<Path>, bytes: Range<u64>) -> io::Result<Tally> {
    let work = move || block::read(&log, bytes).map(|block| Tally::of(&block));
    match task::spawn_blocking(work).await {
        Ok(tally) => tally,
        Err(error) => panic::resume_unwind(error.into_panic()),
    }
}
// ANCHOR_END: tally

impl Tally {
    fn of(block: &[u8]) -> Self {
        let mut tally = Self::default();
        for line in block.split_inclusive(|&byte| byte == b'\n') {
            let line = line.trim_ascii_end();
            tally.lines += 1;
            match parse(line) {
                Some(visit) => tally.count(&visit),
                None => tally.note(line),
            }
        }
        tally
    }

    fn count(&mut self, line: &Line<'_>) {
        self.bytes += line.bytes;
        *self.statuses.entry(line.status).or_default() += 1;
        if !self.paths.contains_key(line.path) {
            self.paths.insert(line.path.to_owned(), Visits::default());
        }
        if let Some(visits) = self.paths.get_mut(line.path) {
            visits.add(Visits { requests: 1, bytes: line.bytes, failed: (line.status >= 400).into() });
        }
    }

    fn note(&mut self, line: &[u8]) {
        self.odd += 1;
        if self.named.len() < NAMED {
            let text = String::from_utf8_lossy(line).chars().take(60).collect();
            self.named.push((self.lines, text));
        }
    }

    /// Adds the sums of the next block. Line numbers are correct only if blocks are added in order.
    pub(crate) fn append(&mut self, next: Self) {
        let room = NAMED - self.named.len();
        self.named.extend(next.named.into_iter().take(room).map(|(line, text)| (self.lines + line, text)));
        self.lines += next.lines;
        self.bytes += next.bytes;
        self.odd += next.odd;
        for (status, requests) in next.statuses {
            *self.statuses.entry(status).or_default() += requests;
        }
        for (path, visits) in next.paths {
            self.paths.entry(path).or_default().add(visits);
        }
    }
}

impl Visits {
    fn add(&mut self, more: Self) {
        self.requests += more.requests;
        self.bytes += more.bytes;
        self.failed += more.failed;
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Line<'a> {
    path: &'a str,
    status: u16,
    bytes: u64,
}

/// Reads `host - user [time] "GET /path?query HTTP/1.1" status bytes ..`
fn parse(line: &[u8]) -> Option<Line<'_>> {
    let line = str::from_utf8(line).ok()?;
    let (_, rest) = line.split_once('"')?;
    let (request, rest) = rest.split_once("\" ")?;
    let target = request.split(' ').nth(1)?;
    let path = target.split(['?', '#']).next()?;
    let mut numbers = rest.split(' ');
    let status = numbers.next()?.parse().ok()?;
    let bytes = match numbers.next()? {
        "-" => 0,
        bytes => bytes.parse().ok()?,
    };
    Some(Line { path, status, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_without_its_query() {
        let line = br#"::1 - - [25/Nov/2026:10:00:00 +0000] "GET /faq?x=1 HTTP/1.1" 404 - "-" "curl""#;
        assert_eq!(parse(line), Some(Line { path: "/faq", status: 404, bytes: 0 }));
        assert_eq!(parse(b"hello"), None);
        assert_eq!(parse(b"\xff \"GET / HTTP/1.1\" 200 1"), None);
    }
}
