//! The links and anchors of a document.

use std::collections::{BTreeSet, HashSet};
use std::mem;

use html5gum::{StartTag, State, Token, Tokenizer};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::css;
use crate::sources::{addresses, attribute, posts_to, text};

/// The kinds of document that have links.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Html,
    Xhtml,
    Svg,
    Css,
}

impl Kind {
    /// The kind that a `Content-Type` names, if it is one of these.
    pub(crate) fn of(content_type: &str) -> Option<Self> {
        let name = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match &*name {
            "text/html" => Some(Self::Html),
            "application/xhtml+xml" => Some(Self::Xhtml),
            "image/svg+xml" => Some(Self::Svg),
            "text/css" => Some(Self::Css),
            _ => None,
        }
    }

    /// Whether readers call it a page.
    pub(crate) fn is_page(self) -> bool {
        matches!(self, Self::Html | Self::Xhtml)
    }
}

/// A link found in a document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Link {
    /// A link resolved against the document, including its fragment.
    To(Url),
    /// Where a form sends with POST, which a checker cannot do.
    Post(Url),
    /// A link that no browser can parse, as written.
    Malformed(String),
}

impl Link {
    /// The address, if the link has a valid one.
    pub(crate) fn target(&self) -> Option<&Url> {
        match self {
            Self::To(url) | Self::Post(url) => Some(url),
            Self::Malformed(_) => None,
        }
    }
}

/// The `http` and `https` links of a document, without duplicates.
pub(crate) fn links(kind: Kind, document: &str, address: &Url) -> BTreeSet<Link> {
    if kind == Kind::Css {
        return css::addresses(document).iter().filter_map(|written| resolve(address, written)).collect();
    }
    let mut base = None;
    let mut links = BTreeSet::new();
    for piece in Pieces::of(kind, document) {
        let at = base.as_ref().unwrap_or(address);
        match piece {
            Piece::Style(style) => {
                links.extend(css::addresses(&style).iter().filter_map(|written| resolve(at, written)));
            }
            Piece::Tag(tag) if text(&tag.name) == "base" => {
                // Only the first one counts.
                base = base.or_else(|| address.join(&attribute(&tag, "href")?).ok());
            }
            Piece::Tag(tag) => {
                let post = posts_to(&tag).and_then(|written| resolve(at, &written));
                for link in addresses(&tag).iter().filter_map(|written| resolve(at, written)) {
                    links.insert(match link {
                        Link::To(url) if post == Some(Link::To(url.clone())) => Link::Post(url),
                        link => link,
                    });
                }
            }
        }
    }
    links
}

/// The anchors in a document that a `#fragment` can name. `None` if fragments mean something else there.
pub(crate) fn anchors(kind: Kind, document: &str) -> Option<HashSet<String>> {
    if kind == Kind::Css {
        return None;
    }
    let mut anchors = HashSet::new();
    for piece in Pieces::of(kind, document) {
        if let Piece::Tag(tag) = piece {
            anchors.extend(attribute(&tag, "id"));
            if text(&tag.name) == "a" {
                anchors.extend(attribute(&tag, "name"));
            }
        }
    }
    Some(anchors)
}

/// Whether a document with these anchors has the place that the fragment names.
pub(crate) fn has_anchor(anchors: &HashSet<String>, fragment: &str) -> bool {
    // The part after `:~:` asks the browser to search for text. It does not name an anchor. Nor does `svgView(..)`.
    let name = fragment.split(":~:").next().unwrap_or_default();
    if name.is_empty() || name.eq_ignore_ascii_case("top") || name.starts_with("svgView(") || anchors.contains(name) {
        return true;
    }
    anchors.contains(&*percent_decode_str(name).decode_utf8_lossy())
}

/// `None` if it is not a link to a page: `mailto:`, `javascript:`, `data:` and the like.
fn resolve(base: &Url, written: &str) -> Option<Link> {
    match base.join(written) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Some(Link::To(url)),
        Ok(_) => None,
        Err(_) => Some(Link::Malformed(written.to_owned())),
    }
}

/// A part of a document in which links or anchors may be.
enum Piece {
    Tag(StartTag<()>),
    /// The text of a `style` element.
    Style(String),
}

/// The pieces of a document, as a browser without scripts sees them: what is in `noscript` counts, what is in a comment
/// or a script does not.
struct Pieces<'a> {
    tokens: Tokenizer<html5gum::StringReader<'a>>,
    xml: bool,
    /// How many `svg` and `math` elements are open.
    foreign: usize,
    style: bool,
}

impl<'a> Pieces<'a> {
    fn of(kind: Kind, document: &'a str) -> Self {
        Self { tokens: Tokenizer::new(document), xml: kind != Kind::Html, foreign: 0, style: false }
    }

    /// Tells the tokenizer what follows: in a script, for example, a string that looks like a tag is none.
    fn enter(&mut self, tag: &StartTag<()>) {
        // In HTML, `<script/>` is not empty.
        let empty = tag.self_closing && (self.xml || self.foreign > 0);
        if empty {
            return;
        }
        let state = match &tag.name[..] {
            b"textarea" | b"title" => State::RcData,
            b"script" => State::ScriptData,
            b"style" | b"iframe" | b"xmp" | b"noembed" => State::RawText,
            b"plaintext" => State::PlainText,
            b"svg" | b"math" => {
                self.foreign += 1;
                return;
            }
            _ => return,
        };
        self.style = *tag.name == b"style"[..];
        self.tokens.set_state(state);
    }
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        while let Some(Ok(token)) = self.tokens.next() {
            match token {
                Token::StartTag(tag) => {
                    self.enter(&tag);
                    return Some(Piece::Tag(tag));
                }
                Token::String(style) if mem::take(&mut self.style) => return Some(Piece::Style(text(&style))),
                Token::EndTag(tag) => {
                    self.style = false;
                    let closes = matches!(&tag.name[..], b"svg" | b"math");
                    self.foreign = self.foreign.saturating_sub(closes.into());
                }
                _ => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found_in(kind: Kind, document: &str) -> Vec<String> {
        let page = Url::parse("http://here/dir/page.html").unwrap();
        let show = |link| match link {
            Link::To(url) => url.to_string(),
            Link::Post(url) => format!("post {url}"),
            Link::Malformed(written) => format!("malformed {written}"),
        };
        links(kind, document, &page).into_iter().map(show).collect()
    }

    fn found(html: &str) -> Vec<String> {
        found_in(Kind::Html, html)
    }

    /// The last letters of the links, which are all in `/dir/`.
    fn letters(kind: Kind, document: &str) -> String {
        found_in(kind, document).iter().map(|link| link.strip_prefix("http://here/dir/").expect("one letter")).collect()
    }

    #[test]
    fn links_are_resolved_against_the_page() {
        let html = "<a href=next.html><A HREF='../up.html#x'></A><img src=/a.png>";
        let all = ["http://here/a.png", "http://here/dir/next.html", "http://here/up.html#x"];
        assert_eq!(found(html), all);
    }

    #[test]
    fn the_first_base_element_moves_the_links() {
        let html = "<base target=x><base href='/other/'><base href='/not/'><a href='x.html?a=1&amp;b=2'>";
        assert_eq!(found(html), ["http://here/other/x.html?a=1&b=2"]);
    }

    #[test]
    fn every_attribute_with_an_address_counts() {
        let html = "<img src=a srcset='b, c 2x' longdesc=d><video poster=e><source src=f srcset=g></video>
            <noscript><img src=h></noscript><meta http-equiv=Refresh content='0; url=i'><p style='background:url(j)'>
            <style>@import 'k'; p { background: url(l) }</style><svg><use href=m /><image xlink:href=n></svg>
            <form action=o><button formaction=p></button></form><blockquote cite=q></blockquote><q cite=r></q>
            <link rel=preload imagesrcset='s 1x' href=t><body background=u><object data=v></object><frame src=w>";
        assert_eq!(letters(Kind::Html, html), "abcdefghijklmnopqrstuvw");
    }

    #[test]
    fn a_form_that_posts_is_marked() {
        let html = "<form method=POST action=a></form><form action=b><input formaction=c formmethod=post></form>";
        assert_eq!(found(html), ["http://here/dir/b", "post http://here/dir/a", "post http://here/dir/c"]);
    }

    #[test]
    fn style_sheets_and_pictures_have_links() {
        assert_eq!(letters(Kind::Css, "@import 'a'; p { background: url(b) } /* url(c) */"), "ab");
        let svg = "<svg xmlns='http://www.w3.org/2000/svg'><style><![CDATA[ p { fill: url(a) } ]]></style><title/>
            <script/><a xlink:href='b'/><style/><image href='c'/></svg>";
        assert_eq!(letters(Kind::Svg, svg), "abc");
    }

    #[test]
    fn only_what_a_browser_would_follow_counts() {
        let html =
            "<!-- <a href=a> --><script>'<a href=b>'</script><a href='mailto:c@d'><style>/* <a href=e> */</style>
                    <link rel=preconnect href=https://f><a>no address</a><textarea><a href=g></textarea>
                    <script/>'<a href=h>'</script><iframe><a href=i></iframe>";
        assert_eq!(found(html), [""; 0]);
    }

    #[test]
    fn an_address_that_cannot_be_read_is_kept_as_written() {
        assert_eq!(found("<a href='http://[oops/'>"), ["malformed http://[oops/"]);
    }

    #[test]
    fn anchors_are_ids_and_the_names_of_a() {
        let anchors = anchors(Kind::Html, "<h2 id=one></h2><a name=two></a><p name=three>").unwrap();
        assert!(has_anchor(&anchors, "one") && has_anchor(&anchors, "two"));
        assert!(!has_anchor(&anchors, "three"));
        assert_eq!(super::anchors(Kind::Css, "#one {}"), None);
    }

    #[test]
    fn fragments_are_compared_decoded() {
        let anchors = anchors(Kind::Html, "<h2 id=café>").unwrap();
        assert!(has_anchor(&anchors, "caf%C3%A9"));
        assert!(has_anchor(&anchors, "caf%C3%A9:~:text=au%20lait"));
        assert!(has_anchor(&anchors, "top") && has_anchor(&anchors, ""));
        assert!(!has_anchor(&anchors, "cafe"));
    }

    #[test]
    fn a_content_type_names_the_kind() {
        assert_eq!(Kind::of("text/HTML; charset=utf-8"), Some(Kind::Html));
        assert_eq!(Kind::of("text/css"), Some(Kind::Css));
        assert_eq!(Kind::of("text/html5"), None);
        assert_eq!(Kind::of(""), None);
    }
}
