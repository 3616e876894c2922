//! The report.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::time::Duration;

use indicatif::HumanCount;
use serde::Serialize;
use url::Url;

use crate::crawl::Notes;
use crate::reason::Reason;
use crate::verdict::{self, Broken};
use crate::visit::Visit;

/// How many links of each kind a short report has.
const LINKS_SHOWN: usize = 5;
/// How many pages it names for each of them.
const PAGES_SHOWN: usize = 2;
/// From how many addresses on that are late it is worth a hint.
const MANY_LATE: usize = 5;

/// The result of a check; its JSON form is what `--json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    site: Url,
    /// False if an address that was found was not visited, for example after an interrupt.
    complete: bool,
    broken: Vec<Row>,
    totals: Totals,
}

#[derive(Debug, Serialize)]
struct Row {
    link: String,
    reason: &'static str,
    detail: String,
    pages: BTreeSet<String>,
    #[serde(skip)]
    title: String,
}

#[derive(Debug, Serialize)]
struct Totals {
    pages: usize,
    redirects: usize,
    outside: usize,
    requests: usize,
    /// Requests for addresses that failed once.
    second_tries: usize,
    /// How many of these succeeded.
    late: usize,
    /// How many addresses were not answered in time.
    timeouts: usize,
    broken_links: usize,
    pages_with_broken_links: usize,
    seconds: f64,
    requests_per_second: f64,
}

impl Report {
    /// Sums up the findings of a check that took `time`. With `inside`, other hosts were not checked.
    pub(crate) fn new(site: &Url, notes: &Notes, inside: bool, time: Duration) -> Self {
        let visits = &notes.visits;
        let row = |broken: Broken| Row {
            link: broken.link,
            reason: broken.reason.class(),
            detail: broken.reason.to_string(),
            pages: broken.pages,
            title: broken.reason.title(),
        };
        let mut broken: Vec<_> = verdict::broken_links(site, visits).into_iter().map(row).collect();
        // The site's own links come first: its author can fix those.
        broken.sort_by_cached_key(|row| (short(site, &row.link) == row.link, row.link.clone()));
        let totals = Totals::new(notes, &broken, time);
        Self { site: site.clone(), complete: notes.is_complete(inside), broken, totals }
    }

    /// Whether the check was completed.
    pub(crate) fn is_complete(&self) -> bool {
        self.complete
    }

    /// Whether any link is broken.
    pub(crate) fn has_broken_links(&self) -> bool {
        !self.broken.is_empty()
    }

    /// Prints the report as JSON.
    pub(crate) fn print_json(&self, out: &mut impl Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        writeln!(out)
    }

    /// Prints the report for people: the totals, then the broken links by reason, all of them or a few.
    pub(crate) fn print(&self, out: &mut impl Write, few: bool) -> io::Result<()> {
        self.print_totals(out)?;
        let mut groups = BTreeMap::<_, Vec<_>>::new();
        for row in &self.broken {
            groups.entry(&row.title).or_default().push(row);
        }
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_by_key(|(_, rows)| std::cmp::Reverse(rows.len()));
        let (links, pages) = if few { (LINKS_SHOWN, PAGES_SHOWN) } else { (usize::MAX, usize::MAX) };
        for (title, rows) in groups {
            writeln!(out, "\n{title}: {}", counted(rows.len(), "link"))?;
            for row in rows.iter().take(links) {
                writeln!(out, "  {}", short(&self.site, &row.link))?;
                for page in row.pages.iter().take(pages) {
                    writeln!(out, "      on {}", short(&self.site, page))?;
                }
                if row.pages.len() > pages {
                    writeln!(out, "      and on {} more", n(row.pages.len() - pages))?;
                }
            }
            if rows.len() > links {
                writeln!(out, "  and {} more; --all lists them", n(rows.len() - links))?;
            }
        }
        Ok(())
    }

    fn print_totals(&self, out: &mut impl Write) -> io::Result<()> {
        let totals = &self.totals;
        match totals.broken_links {
            0 => write!(out, "no broken links on {}", self.site)?,
            links => {
                let pages = counted(totals.pages_with_broken_links, "page");
                write!(out, "{} on {pages} of {}", counted(links, "broken link"), self.site)?;
            }
        }
        writeln!(out, "{}", if self.complete { "" } else { "; the check is incomplete" })?;
        let (requests, seconds, speed) =
            (counted(totals.requests, "request"), totals.seconds, totals.requests_per_second);
        writeln!(out, "{requests} in {seconds:.1} s, {speed:.0} a second")?;
        let (pages, redirects) = (counted(totals.pages, "page"), counted(totals.redirects, "redirect"));
        writeln!(out, "{pages}, {redirects}, links to other hosts: {}", n(totals.outside))?;
        if totals.second_tries > 0 {
            let (tries, late) = (counted(totals.second_tries, "second try"), n(totals.late));
            writeln!(out, "{tries} of addresses that failed once, {late} with success")?;
        }
        if totals.late.max(totals.timeouts) >= MANY_LATE {
            let hint = "fewer requests at once (--jobs 10) or more time (--timeout 30) may help";
            writeln!(out, "note: many addresses were answered late or never; {hint}")?;
        }
        Ok(())
    }
}

impl Totals {
    fn new(notes: &Notes, broken: &[Row], time: Duration) -> Self {
        let Notes { outside, visits, again, requests, .. } = notes;
        let count = |is: fn(&Visit) -> bool| visits.values().filter(|visit| is(visit)).count();
        let fine = |url: &&url::Url| visits.get(url).is_some_and(|visit| !matches!(visit, Visit::Broken(_)));
        let pages: BTreeSet<_> = broken.iter().flat_map(|row| &row.pages).collect();
        Self {
            pages: count(|visit| matches!(visit, Visit::Document { kind, .. } if kind.is_page())),
            redirects: count(|visit| matches!(visit, Visit::Moved(_))),
            outside: outside.len(),
            requests: *requests,
            // After an interrupt, the last tries are missing.
            second_tries: requests.saturating_sub(visits.len()),
            late: again.iter().filter(fine).count(),
            timeouts: count(|visit| matches!(visit, Visit::Broken(Reason::Timeout))),
            broken_links: broken.len(),
            pages_with_broken_links: pages.len(),
            seconds: time.as_secs_f64(),
            requests_per_second: per_second(*requests, time),
        }
    }
}

/// Strips the host from links within the site.
fn short<'a>(site: &Url, url: &'a str) -> &'a str {
    match url.strip_prefix(&site.origin().ascii_serialization()) {
        Some(path) if path.starts_with('/') => path,
        _ => url,
    }
}

fn n(count: usize) -> HumanCount {
    HumanCount(count as u64)
}

/// `1 page`, `2 pages`.
fn counted(count: usize, what: &str) -> String {
    match (count, what.strip_suffix('y')) {
        (1, _) => format!("1 {what}"),
        (_, Some(stem)) => format!("{} {stem}ies", n(count)),
        (_, None) => format!("{} {what}s", n(count)),
    }
}

#[allow(clippy::cast_precision_loss, reason = "no check makes 2^52 requests")]
fn per_second(requests: usize, time: Duration) -> f64 {
    requests as f64 / time.as_secs_f64().max(f64::EPSILON)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashMap};

    use super::*;
    use crate::html::{Kind, Link};

    fn printed(links: usize, few: bool) -> String {
        let url = |path: &str| Url::parse("http://here/").unwrap().join(path).unwrap();
        let targets = (0..links).map(|n| url(&format!("gone/{n:03}")));
        let missing = || Visit::Broken(Reason::Status(reqwest::StatusCode::NOT_FOUND));
        let mut visits: HashMap<_, _> = targets.clone().map(|url| (url, missing())).collect();
        let page = || {
            let links = targets.clone().map(Link::To).collect::<BTreeSet<_>>();
            Visit::Document { kind: Kind::Html, links, anchors: None }
        };
        visits.extend((0..4).map(|n| (url(&format!("{n}")), page())));
        let notes = Notes { requests: visits.len(), visits, ..Notes::default() };
        let mut out = Vec::new();
        Report::new(&url(""), &notes, false, Duration::from_secs(2)).print(&mut out, few).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_totals_come_first() {
        let text = printed(3, true);
        let head = "3 broken links on 4 pages of http://here/\n7 requests in 2.0 s, 4 a second\n";
        assert!(text.starts_with(head), "{text}");
        assert!(printed(0, true).starts_with("no broken links on http://here/\n"), "{}", printed(0, true));
    }

    #[test]
    fn a_short_report_has_a_few_links_of_each_kind() {
        let group =
            "\n404 Not Found: 7 links\n  /gone/000\n      on /0\n      on /1\n      and on 2 more\n  /gone/001\n";
        let text = printed(7, true);
        assert!(text.contains(group), "{text}");
        assert!(text.ends_with("  and 2 more; --all lists them\n"), "{text}");
        assert_eq!(text.matches("  /gone/").count(), 5);
    }

    #[test]
    fn a_long_report_has_all() {
        let text = printed(7, false);
        assert_eq!(text.matches("on /0\n      on /1\n      on /2\n      on /3\n").count(), 7, "{text}");
        assert!(!text.contains("more"), "{text}");
    }
}
