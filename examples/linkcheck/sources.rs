//! Which attributes of an element hold addresses.

use html5gum::{HtmlString, StartTag};

use crate::css;

/// Every address in a start tag that a browser may request, as written. `base` has none: it only moves others.
pub(crate) fn addresses(tag: &StartTag<()>) -> Vec<String> {
    let name = text(&tag.name);
    if name == "base" || (name == "link" && is_hint(tag)) {
        return Vec::new();
    }
    let mut found: Vec<_> = keys(&name).filter_map(|key| attribute(tag, key)).collect();
    for key in ["srcset", "imagesrcset"] {
        found.extend(attribute(tag, key).iter().flat_map(|written| srcset(written)));
    }
    found.extend(attribute(tag, "style").iter().flat_map(|style| css::addresses(style)));
    if name == "meta" && attribute(tag, "http-equiv").is_some_and(|kind| kind.eq_ignore_ascii_case("refresh")) {
        found.extend(attribute(tag, "content").and_then(|content| refresh(&content)));
    }
    found
}

/// The address to which a form sends with POST, as written. A form without an `action` sends to its own page.
pub(crate) fn posts_to(tag: &StartTag<()>) -> Option<String> {
    let (address, method) = match &*text(&tag.name) {
        "form" => ("action", "method"),
        "button" | "input" => ("formaction", "formmethod"),
        _ => return None,
    };
    attribute(tag, address).filter(|_| attribute(tag, method).is_some_and(|method| method.eq_ignore_ascii_case("post")))
}

pub(crate) fn attribute(tag: &StartTag<()>, key: &str) -> Option<String> {
    Some(text(tag.attributes.get(key.as_bytes())?))
}

pub(crate) fn text(bytes: &HtmlString) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The attributes that hold one address each.
fn keys(element: &str) -> impl Iterator<Item = &'static str> {
    let own: &[_] = match element {
        "audio" | "embed" | "frame" | "input" | "script" | "source" | "track" => &["src"],
        "img" | "iframe" => &["src", "longdesc"],
        "video" => &["src", "poster"],
        "object" => &["data"],
        "blockquote" | "del" | "ins" | "q" => &["cite"],
        "form" => &["action"],
        "body" | "table" | "tbody" | "td" | "tfoot" | "th" | "thead" | "tr" => &["background"],
        _ => &[],
    };
    // In SVG any element may have the first two. In HTML `a`, `area` and `link` have the first.
    ["href", "xlink:href", "formaction"].iter().chain(own).copied()
}

/// A hint to the browser names a host, not a resource that can be fetched.
fn is_hint(tag: &StartTag<()>) -> bool {
    attribute(tag, "rel")
        .is_some_and(|rel| rel.split_ascii_whitespace().any(|word| ["preconnect", "dns-prefetch"].contains(&word)))
}

/// The addresses of a `srcset`: `a.png, b.png 2x`. A comma inside an address belongs to it.
fn srcset(written: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = written;
    loop {
        rest = rest.trim_start_matches(|c: char| c == ',' || c.is_ascii_whitespace());
        if rest.is_empty() {
            return found;
        }
        let (address, after) = rest.split_at(rest.find(|c: char| c.is_ascii_whitespace()).unwrap_or(rest.len()));
        let alone = address.trim_end_matches(',');
        found.push(alone.to_owned());
        // Otherwise descriptors follow, up to the next comma.
        rest = if alone == address { after.find(',').map_or("", |comma| &after[comma..]) } else { after };
    }
}

/// The address in the `content` of a refresh: `5; url='next.html'`. Without an address, the page loads itself again.
fn refresh(content: &str) -> Option<String> {
    let is_space = |c: char| c.is_ascii_whitespace();
    let rest = content.trim_start_matches(is_space).trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let rest = rest.trim_start_matches(|c: char| is_space(c) || c == ';' || c == ',');
    let named = rest.get(..3).filter(|word| word.eq_ignore_ascii_case("url")).and_then(|_| {
        let rest = rest[3..].trim_start_matches(is_space).strip_prefix('=')?;
        Some(rest.trim_start_matches(is_space))
    });
    let address = named.unwrap_or(rest);
    let address = match address.chars().next()? {
        quote @ ('"' | '\'') => address[1..].split(quote).next()?,
        _ => address,
    };
    Some(address.to_owned()).filter(|address| !address.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_srcset_has_addresses_and_descriptors() {
        assert_eq!(srcset("a.png"), ["a.png"]);
        assert_eq!(srcset(" a.png 1x,b.png  200w 100h , c.png,d.png 2x"), ["a.png", "b.png", "c.png,d.png"]);
        assert_eq!(srcset("a.png, b.png 2x,"), ["a.png", "b.png"]);
        assert_eq!(srcset(" , "), [""; 0]);
    }

    #[test]
    fn a_refresh_may_name_an_address() {
        for content in ["0;url=a", "5; URL = 'a'", " 0.5 , a", "0;a", "1;url=\"a\" b"] {
            assert_eq!(refresh(content).as_deref(), Some("a"), "{content}");
        }
        for content in ["", "5", "5;", "0; url="] {
            assert_eq!(refresh(content), None, "{content}");
        }
    }
}
