//! Turns the outcome of each address into a verdict on each link.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use reqwest::StatusCode;
use url::Url;

use crate::html::{self, Link};
use crate::reason::Reason;
use crate::visit::{Visit, without_fragment};

/// The number of redirects that checkers and browsers commonly follow.
const MOST_REDIRECTS: usize = 10;

/// A broken link, and every page that contains it.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) link: String,
    pub(crate) reason: Reason,
    pub(crate) pages: BTreeSet<String>,
}

/// Judges each link of each page, and the start address of the crawl.
pub(crate) fn broken_links(start: &Url, visits: &HashMap<Url, Visit>) -> Vec<Broken> {
    let mut broken = BTreeMap::new();
    if let Err(reason) = follow(start, visits) {
        report(&mut broken, start.to_string(), reason, "the command line");
    }
    for (page, visit) in visits {
        let Visit::Document { links, .. } = visit else {
            continue;
        };
        for link in links {
            let (url, verdict) = match link {
                Link::Malformed(written) => {
                    report(&mut broken, written.clone(), Reason::Malformed, page.as_str());
                    continue;
                }
                Link::To(url) => (url, follow(url, visits)),
                Link::Post(url) => (url, answers(follow(url, visits))),
            };
            if let Err(reason) = verdict {
                report(&mut broken, name(url, &reason), reason, page.as_str());
            }
        }
    }
    broken.into_values().collect()
}

/// What the report calls a link: a page that is missing is missing once, however many of its parts are linked to.
fn name(url: &Url, reason: &Reason) -> String {
    match reason {
        Reason::NoAnchor(_) => url.to_string(),
        _ => without_fragment(url).to_string(),
    }
}

fn report(broken: &mut BTreeMap<String, Broken>, link: String, reason: Reason, page: &str) {
    let entry = broken.entry(link.clone()).or_insert_with(|| Broken { link, reason, pages: BTreeSet::new() });
    entry.pages.insert(page.to_owned());
}

/// An address that takes only POST says so to GET, and then it exists.
fn answers(verdict: Result<(), Reason>) -> Result<(), Reason> {
    match verdict {
        Err(Reason::Status(StatusCode::METHOD_NOT_ALLOWED)) => Ok(()),
        verdict => verdict,
    }
}

/// Follows a link through the recorded visits, as a browser would.
fn follow(link: &Url, visits: &HashMap<Url, Visit>) -> Result<(), Reason> {
    let mut fragment = link.fragment().map(ToOwned::to_owned);
    let mut at = without_fragment(link);
    let mut passed = HashSet::new();
    loop {
        // An address that was not visited, because of an interrupt or `--inside`, is not known to be broken.
        let Some(visit) = visits.get(&at) else {
            return Ok(());
        };
        let to = match visit {
            Visit::Moved(to) => to,
            Visit::Broken(reason) => return Err(reason.clone()),
            Visit::Document { anchors: Some(anchors), .. } => return find_anchor(anchors, fragment),
            Visit::Document { anchors: None, .. } | Visit::Fine => return Ok(()),
        };
        // A redirect keeps the fragment, unless it has its own.
        fragment = to.fragment().map(ToOwned::to_owned).or(fragment);
        let to = without_fragment(to);
        if !passed.insert(std::mem::replace(&mut at, to)) {
            return Err(Reason::RedirectLoop);
        }
        if passed.len() > MOST_REDIRECTS {
            return Err(Reason::TooManyRedirects);
        }
    }
}

fn find_anchor(anchors: &HashSet<String>, fragment: Option<String>) -> Result<(), Reason> {
    match fragment {
        Some(name) if !html::has_anchor(anchors, &name) => Err(Reason::NoAnchor(name)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::html::Kind;

    fn url(path: &str) -> Url {
        Url::parse("http://here/").unwrap().join(path).unwrap()
    }

    fn moved(from: &str, to: &str) -> (Url, Visit) {
        (url(from), Visit::Moved(url(to)))
    }

    fn page(path: &str, anchor: &str) -> (Url, Visit) {
        let anchors = HashSet::from([anchor.to_owned()]);
        (url(path), Visit::Document { kind: Kind::Html, links: BTreeSet::new(), anchors: Some(anchors) })
    }

    #[test]
    fn a_redirect_keeps_the_fragment_unless_it_has_its_own() {
        let visits = [moved("a", "page"), moved("b", "page#x"), page("page", "x")].into();
        assert_eq!(follow(&url("a#x"), &visits), Ok(()));
        assert_eq!(follow(&url("a#y"), &visits), Err(Reason::NoAnchor("y".to_owned())));
        assert_eq!(follow(&url("b#y"), &visits), Ok(()));
    }

    #[test]
    fn redirect_loops_are_told_apart_from_endless_redirects() {
        let mut visits = HashMap::from([moved("a", "b"), moved("b", "a"), moved("self", "self")]);
        visits.extend((0..20).map(|n| moved(&format!("{n}"), &format!("{}", n + 1))));
        visits.extend([page("20", "x")]);
        assert_eq!(follow(&url("a"), &visits), Err(Reason::RedirectLoop));
        assert_eq!(follow(&url("self"), &visits), Err(Reason::RedirectLoop));
        assert_eq!(follow(&url("9"), &visits), Err(Reason::TooManyRedirects));
        assert_eq!(follow(&url("10"), &visits), Ok(()));
    }

    #[test]
    fn a_missing_page_is_one_broken_link() {
        let links = ["gone#a", "gone#b", "there#a", "there#b"].map(|link| Link::To(url(link)));
        let document = |links| Visit::Document { kind: Kind::Html, links, anchors: Some(HashSet::new()) };
        let visits = HashMap::from([
            (url("/"), document(BTreeSet::from(links))),
            (url("there"), document(BTreeSet::new())),
            (url("gone"), Visit::Broken(Reason::Status(StatusCode::GONE))),
        ]);
        let broken: Vec<_> = broken_links(&url("/"), &visits).into_iter().map(|broken| broken.link).collect();
        assert_eq!(broken, ["http://here/gone", "http://here/there#a", "http://here/there#b"]);
    }

    #[test]
    fn an_unvisited_address_is_not_reported() {
        assert_eq!(follow(&url("unknown#x"), &HashMap::new()), Ok(()));
    }

    #[test]
    fn a_form_that_posts_may_find_that_get_is_not_allowed() {
        let links = BTreeSet::from([Link::To(url("a")), Link::Post(url("b")), Link::Post(url("c"))]);
        let refused = |status| Visit::Broken(Reason::Status(status));
        let visits = HashMap::from([
            (url("/"), Visit::Document { kind: Kind::Html, links, anchors: None }),
            (url("a"), refused(StatusCode::METHOD_NOT_ALLOWED)),
            (url("b"), refused(StatusCode::METHOD_NOT_ALLOWED)),
            (url("c"), refused(StatusCode::NOT_FOUND)),
        ]);
        let broken: Vec<_> = broken_links(&url("/"), &visits).into_iter().map(|broken| broken.link).collect();
        assert_eq!(broken, ["http://here/a", "http://here/c"]);
    }
}
