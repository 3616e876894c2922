//! The links and anchors of a page.

use std::collections::{BTreeSet, HashSet};

use html5gum::{DefaultEmitter, HtmlString, StartTag, Token, Tokenizer};
use percent_encoding::percent_decode_str;
use url::Url;

/// A link found in a page.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Link {
    /// A link resolved against the page, including its fragment.
    To(Url),
    /// A link that no browser can parse, as written.
    Malformed(String),
}

impl Link {
    /// The address, if the link has a valid one.
    pub(crate) fn target(&self) -> Option<&Url> {
        match self {
            Self::To(url) => Some(url),
            Self::Malformed(_) => None,
        }
    }
}

/// The `http` and `https` links of a page, without duplicates.
pub(crate) fn links(html: &str, page: &Url) -> BTreeSet<Link> {
    let mut base = page.clone();
    let mut links = BTreeSet::new();
    for tag in start_tags(html) {
        let name = text(&tag.name);
        if name == "base" {
            if let Some(href) = attribute(&tag, "href").and_then(|href| page.join(&href).ok()) {
                base = href;
            }
            continue;
        }
        if name == "link" && is_hint(&tag) {
            continue;
        }
        for key in keys(&name) {
            if let Some(written) = attribute(&tag, key) {
                links.extend(resolve(&base, &written));
            }
        }
    }
    links
}

/// The anchors in a page that a `#fragment` can name.
pub(crate) fn anchors(html: &str) -> HashSet<String> {
    let mut anchors = HashSet::new();
    for tag in start_tags(html) {
        anchors.extend(attribute(&tag, "id"));
        if text(&tag.name) == "a" {
            anchors.extend(attribute(&tag, "name"));
        }
    }
    anchors
}

/// Whether a page with these anchors has the place that the fragment names.
pub(crate) fn has_anchor(anchors: &HashSet<String>, fragment: &str) -> bool {
    // The part after `:~:` asks the browser to search for text. It does not name an anchor.
    let name = fragment.split(":~:").next().unwrap_or_default();
    if name.is_empty() || name.eq_ignore_ascii_case("top") || anchors.contains(name) {
        return true;
    }
    anchors.contains(&*percent_decode_str(name).decode_utf8_lossy())
}

fn start_tags(html: &str) -> impl Iterator<Item = StartTag<()>> {
    let mut emitter = DefaultEmitter::default();
    // Otherwise a string in a script that looks like a tag would count as a tag.
    emitter.naively_switch_states(true);
    Tokenizer::new_with_emitter(html, emitter).filter_map(|token| match token {
        Ok(Token::StartTag(tag)) => Some(tag),
        _ => None,
    })
}

/// The attributes of an element that hold an address.
fn keys(element: &str) -> &'static [&'static str] {
    match element {
        "a" | "area" | "link" => &["href"],
        "audio" | "embed" | "iframe" | "img" | "script" | "source" | "track" => &["src"],
        "video" => &["src", "poster"],
        "object" => &["data"],
        _ => &[],
    }
}

/// A hint to the browser names a host, not a resource that can be fetched.
fn is_hint(tag: &StartTag<()>) -> bool {
    attribute(tag, "rel")
        .is_some_and(|rel| rel.split_ascii_whitespace().any(|word| ["preconnect", "dns-prefetch"].contains(&word)))
}

/// `None` if it is not a link to a page: `mailto:`, `javascript:`, `data:` and the like.
fn resolve(base: &Url, written: &str) -> Option<Link> {
    match base.join(written) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Some(Link::To(url)),
        Ok(_) => None,
        Err(_) => Some(Link::Malformed(written.to_owned())),
    }
}

fn attribute(tag: &StartTag<()>, key: &str) -> Option<String> {
    Some(text(tag.attributes.get(key.as_bytes())?))
}

fn text(bytes: &HtmlString) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(html: &str) -> Vec<String> {
        let page = Url::parse("http://here/dir/page.html").unwrap();
        let show = |link| match link {
            Link::To(url) => url.to_string(),
            Link::Malformed(written) => format!("malformed {written}"),
        };
        links(html, &page).into_iter().map(show).collect()
    }

    #[test]
    fn links_are_resolved_against_the_page() {
        let html = "<a href=next.html><A HREF='../up.html#x'></A><img src=/a.png>";
        let all = ["http://here/a.png", "http://here/dir/next.html", "http://here/up.html#x"];
        assert_eq!(found(html), all);
    }

    #[test]
    fn a_base_element_moves_the_links_after_it() {
        let html = "<base href='/other/'><a href='x.html?a=1&amp;b=2'>";
        assert_eq!(found(html), ["http://here/other/x.html?a=1&b=2"]);
    }

    #[test]
    fn only_what_a_browser_would_follow_counts() {
        let html = "<!-- <a href=a> --><script>'<a href=b>'</script><a href='mailto:c@d'>\
                    <link rel=preconnect href=https://e><a>no address</a>";
        assert_eq!(found(html), [""; 0]);
    }

    #[test]
    fn an_address_that_cannot_be_read_is_kept_as_written() {
        assert_eq!(found("<a href='http://[oops/'>"), ["malformed http://[oops/"]);
    }

    #[test]
    fn anchors_are_ids_and_the_names_of_a() {
        let anchors = anchors("<h2 id=one></h2><a name=two></a><p name=three>");
        assert!(has_anchor(&anchors, "one") && has_anchor(&anchors, "two"));
        assert!(!has_anchor(&anchors, "three"));
    }

    #[test]
    fn fragments_are_compared_decoded() {
        let anchors = anchors("<h2 id=café>");
        assert!(has_anchor(&anchors, "caf%C3%A9"));
        assert!(has_anchor(&anchors, "caf%C3%A9:~:text=au%20lait"));
        assert!(has_anchor(&anchors, "top") && has_anchor(&anchors, ""));
        assert!(!has_anchor(&anchors, "cafe"));
    }
}
