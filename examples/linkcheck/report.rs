//! The report.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::time::Duration;

use comfy_table::{ContentArrangement, Table, presets};
use indicatif::HumanCount;
use serde::Serialize;
use url::Url;

use crate::crawl::{Notes, Visit};
use crate::verdict::{self, Broken};

/// How many pages the table names for one broken link. `--json` names all of them.
const PAGES_SHOWN: usize = 4;

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
}

#[derive(Debug, Serialize)]
struct Totals {
    pages: usize,
    redirects: usize,
    outside: usize,
    requests: usize,
    broken_links: usize,
    pages_with_broken_links: usize,
    seconds: f64,
    requests_per_second: f64,
}

impl Report {
    /// Sums up the findings of a check that took `time`. With `inside`, other hosts were not checked.
    pub(crate) fn new(site: &Url, notes: &Notes, inside: bool, time: Duration) -> Self {
        let Notes { outside, visits, .. } = notes;
        let count = |is: fn(&Visit) -> bool| visits.values().filter(|visit| is(visit)).count();
        let row = |broken: Broken| Row {
            link: broken.link,
            reason: broken.reason.class(),
            detail: broken.reason.to_string(),
            pages: broken.pages,
        };
        let mut broken: Vec<_> = verdict::broken_links(site, visits).into_iter().map(row).collect();
        // The site's own links come first: its author can fix those.
        broken.sort_by_cached_key(|row| (short(site, &row.link) == row.link, row.link.clone()));
        let pages: BTreeSet<_> = broken.iter().flat_map(|row| &row.pages).collect();
        let totals = Totals {
            pages: count(|visit| matches!(visit, Visit::Page { .. })),
            redirects: count(|visit| matches!(visit, Visit::Moved(_))),
            outside: outside.len(),
            requests: visits.len(),
            broken_links: broken.len(),
            pages_with_broken_links: pages.len(),
            seconds: time.as_secs_f64(),
            requests_per_second: per_second(visits.len(), time),
        };
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

    /// Prints the report as a table or as JSON.
    pub(crate) fn print(&self, json: bool) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if json {
            serde_json::to_writer_pretty(&mut out, self)?;
            return writeln!(out);
        }
        if self.has_broken_links() {
            writeln!(out, "{}", self.table())?;
        }
        self.print_totals(&mut out)
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table
            .load_style(presets::UTF8_FULL_CONDENSED)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_header(["broken link", "why", "on pages"]);
        for row in &self.broken {
            let mut pages: Vec<_> = row.pages.iter().map(|page| short(&self.site, page)).take(PAGES_SHOWN).collect();
            let more = row.pages.len().saturating_sub(PAGES_SHOWN);
            let more = format!("and {more} more");
            if row.pages.len() > PAGES_SHOWN {
                pages.push(&more);
            }
            table.add_row([short(&self.site, &row.link), &row.detail, &pages.join("\n")]);
        }
        table
    }

    fn print_totals(&self, out: &mut impl Write) -> io::Result<()> {
        let totals = &self.totals;
        let n = |count: usize| HumanCount(count as u64);
        let (pages, redirects, outside) = (n(totals.pages), n(totals.redirects), n(totals.outside));
        writeln!(out, "checked {}", self.site)?;
        writeln!(out, "pages: {pages}, redirects: {redirects}, links to other hosts: {outside}")?;
        let (requests, seconds, speed) = (n(totals.requests), totals.seconds, totals.requests_per_second);
        writeln!(out, "requests: {requests} in {seconds:.1} s, {speed:.0} a second")?;
        match totals.broken_links {
            0 => write!(out, "no broken links")?,
            links => write!(out, "broken links: {}, on pages: {}", n(links), n(totals.pages_with_broken_links))?,
        }
        writeln!(out, "{}", if self.complete { "" } else { "; the check is incomplete" })
    }
}

/// Strips the host from links within the site.
fn short<'a>(site: &Url, url: &'a str) -> &'a str {
    match url.strip_prefix(&site.origin().ascii_serialization()) {
        Some(path) if path.starts_with('/') => path,
        _ => url,
    }
}

#[allow(clippy::cast_precision_loss, reason = "no check makes 2^52 requests")]
fn per_second(requests: usize, time: Duration) -> f64 {
    requests as f64 / time.as_secs_f64().max(f64::EPSILON)
}
