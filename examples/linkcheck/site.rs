//! The built-in site: its faults are known, and the same seed gives the same site.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use fastrand::Rng;

/// Everything that a server needs to serve the site.
pub(crate) struct Site {
    /// The answer for each path. Any other path is not found.
    pub(crate) answers: BTreeMap<String, Answer>,
    /// Exactly the links that a checker must report.
    pub(crate) faults: BTreeSet<Fault>,
}

/// How the server answers a path.
#[derive(Clone)]
pub(crate) enum Answer {
    /// A page, after a delay.
    Page(String, Duration),
    /// A file that is not HTML, with its content type.
    File(&'static str, &'static [u8]),
    /// A redirect to an address.
    Moved(String),
    /// An error status.
    Status(u16),
    /// Half of a page, then the connection closes.
    Cut(String),
    /// No answer, however long the client waits.
    Silence,
}

/// A broken link and the page that contains it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fault {
    /// The path of the page.
    pub(crate) page: String,
    /// The link: a path with its fragment, or as written if it leads to another host.
    pub(crate) link: String,
    /// The class of the reason, as `--json` prints it.
    pub(crate) reason: &'static str,
}

/// The hosts outside the site, as `http://host:port`.
#[derive(Clone, Copy)]
pub(crate) struct Outside<'a> {
    /// Answers every path, but those below `/gone/` with 404.
    pub(crate) alive: &'a str,
    /// Refuses every connection.
    pub(crate) dead: &'a str,
}

impl Site {
    /// Plans a site of `pages` pages, with about one fault for every five pages.
    pub(crate) fn plan(seed: u64, pages: usize, outside: Outside<'_>) -> Self {
        let mut plan = Plan {
            rng: Rng::with_seed(seed),
            links: vec![BTreeSet::new(); pages.max(1)],
            answers: BTreeMap::new(),
            faults: BTreeSet::new(),
        };
        plan.join_all_pages();
        // Each round plants one fault of each kind, on random pages.
        for round in 0..(pages / 100).max(1) {
            plan.fine_links(round, outside);
            plan.missing_pages(round);
            plan.failing_pages(round);
            plan.missing_anchors(round);
            plan.bad_redirects(round);
            plan.bad_links_outside(round, outside);
        }
        // A silent page costs the checker the whole timeout, so there are few.
        for n in 0..3 {
            plan.answer(format!("/silent/{n}.html"), Answer::Silence);
            plan.plant(format!("/silent/{n}.html"), "timeout");
        }
        plan.finish()
    }
}

struct Plan {
    rng: Rng,
    /// The links of each page.
    links: Vec<BTreeSet<String>>,
    answers: BTreeMap<String, Answer>,
    faults: BTreeSet<Fault>,
}

impl Plan {
    /// Links each page to its children, so that every page can be found, and to a few others, so that most are found
    /// twice.
    fn join_all_pages(&mut self) {
        let pages = self.links.len();
        for n in 0..pages {
            let children = (n * 4 + 1)..(n * 4 + 5).min(pages);
            self.links[n].extend(children.map(path));
            for _ in 0..4 {
                let other = self.any_page();
                self.links[n].insert(other);
            }
        }
    }

    /// Adds links that look odd but are fine: a checker must not report them.
    fn fine_links(&mut self, round: usize, outside: Outside<'_>) {
        let (page, other) = (self.any_page(), self.any_page());
        let search = render("search", &BTreeSet::new());
        self.answer("/search".to_owned(), Answer::Page(search, Duration::ZERO));
        self.answer(format!("/moved/{round}"), Answer::Moved(page));
        self.answer(format!("/moved/twice/{round}"), Answer::Moved(format!("/moved/{round}")));
        self.answer(format!("/away/{round}"), Answer::Moved(format!("{}/fine/{round}", outside.alive)));
        let pdf: &[u8] = b"%PDF-1.7 <a href=/not-a-link>";
        self.answer(format!("/files/{round}.pdf"), Answer::File("application/pdf", pdf));
        self.answer(format!("/files/{round}.txt"), Answer::File("text/plain", b"<a href=/nor-this>"));
        for link in [
            format!("{other}#part-3"),
            format!("{other}#caf%C3%A9"),
            format!("/search?for={round}&print=yes"),
            format!("/moved/{round}#part-2"),
            format!("/moved/twice/{round}"),
            format!("/away/{round}"),
            format!("/files/{round}.pdf#page=7"),
            format!("/files/{round}.txt"),
            format!("{}/fine/{round}#whatever", outside.alive),
            "mailto:somebody@example.org".to_owned(),
            "javascript:void(0)".to_owned(),
        ] {
            self.link(link);
        }
    }

    fn missing_pages(&mut self, round: usize) {
        // On three pages, so that the report has something to group.
        for _ in 0..3 {
            self.plant(format!("/missing/{round}.html"), "status");
        }
        self.plant(format!("/missing/{round}.png"), "status");
        // A part of a missing page: the page is what the report names.
        let page = path(self.link(format!("/missing/{round}.html#part-1")));
        self.faults.insert(Fault { page, link: format!("/missing/{round}.html"), reason: "status" });
    }

    fn failing_pages(&mut self, round: usize) {
        self.answer(format!("/failing/{round}.html"), Answer::Status(500));
        self.plant(format!("/failing/{round}.html"), "status");
        self.answer(format!("/cut/{round}.html"), Answer::Cut(render("cut", &BTreeSet::new())));
        self.plant(format!("/cut/{round}.html"), "cut-off");
        self.plant(format!("http://[no-address-{round}/"), "malformed");
    }

    fn missing_anchors(&mut self, round: usize) {
        let page = self.any_page();
        self.plant(format!("{page}#no-part-{round}"), "no-anchor");
        self.plant(format!("/moved/{round}#no-part"), "no-anchor");
    }

    fn bad_redirects(&mut self, round: usize) {
        self.answer(format!("/loop/{round}/a"), Answer::Moved(format!("/loop/{round}/b")));
        self.answer(format!("/loop/{round}/b"), Answer::Moved(format!("/loop/{round}/a")));
        self.plant(format!("/loop/{round}/a"), "redirect-loop");
        self.answer(format!("/moved/nowhere/{round}"), Answer::Moved(format!("/nowhere/{round}")));
        self.plant(format!("/moved/nowhere/{round}"), "status");
        for hop in 0..14 {
            let next = format!("/hops/{round}/{}", hop + 1);
            self.answer(format!("/hops/{round}/{hop}"), Answer::Moved(next));
        }
        let end = self.any_page();
        self.answer(format!("/hops/{round}/14"), Answer::Moved(end));
        self.plant(format!("/hops/{round}/0"), "too-many-redirects");
        self.link(format!("/hops/{round}/10"));
    }

    fn bad_links_outside(&mut self, round: usize, outside: Outside<'_>) {
        let gone = format!("{}/gone/{round}", outside.alive);
        self.plant(gone.clone(), "status");
        self.plant(gone.clone(), "status");
        self.answer(format!("/away/gone/{round}"), Answer::Moved(gone));
        self.plant(format!("/away/gone/{round}"), "status");
        self.plant(format!("{}/nobody/{round}", outside.dead), "unreachable");
    }

    fn finish(mut self) -> Site {
        for (n, links) in self.links.iter().enumerate() {
            // Most pages are as fast as a nearby host, a few as slow as a busy one.
            let pause = if self.rng.u8(..) < 4 { 250 } else { self.rng.u64(5..40) };
            let page = Answer::Page(render(&path(n), links), Duration::from_millis(pause));
            self.answers.insert(path(n), page);
        }
        Site { answers: self.answers, faults: self.faults }
    }

    fn answer(&mut self, path: String, answer: Answer) {
        self.answers.insert(path, answer);
    }

    fn any_page(&mut self) -> String {
        path(self.rng.usize(..self.links.len()))
    }

    /// Adds a link to a random page, and returns the number of that page.
    fn link(&mut self, link: String) -> usize {
        let page = self.rng.usize(..self.links.len());
        self.links[page].insert(link);
        page
    }

    /// The same, for a link that must be reported.
    fn plant(&mut self, link: String, reason: &'static str) {
        let page = path(self.link(link.clone()));
        self.faults.insert(Fault { page, link, reason });
    }
}

/// The first page is the root; the others fill folders of a hundred.
fn path(n: usize) -> String {
    match n {
        0 => "/".to_owned(),
        _ => format!("/{:02}/page-{n:04}.html", n / 100),
    }
}

fn render(title: &str, links: &BTreeSet<String>) -> String {
    let mut html = format!("<!doctype html>\n<title>{title}</title>\n<h1 id=\"café\">{title}</h1>\n");
    for part in 1..=4 {
        let _ =
            writeln!(html, "<h2 id=\"part-{part}\">Part {part}</h2>\n<p>Here, <a href=\"#part-{part}\">again</a>.</p>");
    }
    html.push_str(
        "<!-- <a href=\"/commented-out\">old</a> -->\n<script>let s = '<a href=\"/in-a-script\">';</script>\n<ul>\n",
    );
    for link in links {
        let href = link.replace('&', "&amp;");
        let _ = match link.strip_suffix(".png") {
            Some(_) => writeln!(html, "<li><img src='{href}' alt=''></li>"),
            None => writeln!(html, "<li><a href=\"{href}\">{href}</a></li>"),
        };
    }
    html.push_str("</ul>\n");
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTSIDE: Outside<'_> = Outside { alive: "http://alive", dead: "http://dead" };

    #[test]
    fn the_same_seed_plans_the_same_faults() {
        let faults = |seed| Site::plan(seed, 500, OUTSIDE).faults;
        assert_eq!(faults(7), faults(7));
        assert_ne!(faults(7), faults(8));
    }

    #[test]
    fn every_fault_is_on_its_page() {
        let site = Site::plan(1, 2_000, OUTSIDE);
        for fault in &site.faults {
            let Some(Answer::Page(html, _)) = site.answers.get(&fault.page) else {
                panic!("{fault:?} is on no page");
            };
            let ends = ["\"", "'", "#"];
            assert!(ends.iter().any(|end| html.contains(&format!("{}{end}", fault.link))), "{fault:?}");
        }
    }

    #[test]
    fn a_small_site_has_every_kind_of_fault() {
        let count = |pages| {
            let faults = Site::plan(1, pages, OUTSIDE).faults;
            faults.into_iter().map(|fault| fault.reason).collect::<BTreeSet<_>>().len()
        };
        assert_eq!(count(1), count(2_000));
    }
}
