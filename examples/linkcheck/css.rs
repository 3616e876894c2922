//! The addresses in a style sheet.

use cssparser::{ParseError, Parser, Token};

/// Every address in a style sheet, or in a `style` attribute, as written.
///
/// Addresses that are only a fragment are left out: they lead into the page that uses the style, whichever that is.
pub(crate) fn addresses(css: &str) -> Vec<String> {
    let mut found = Vec::new();
    collect(&mut Parser::new(css), false, &mut found);
    found.retain(|address| !address.starts_with('#') && !address.is_empty());
    found
}

/// Reads to the end of a block. With `strings`, the strings directly in it are addresses.
fn collect(css: &mut Parser<'_>, strings: bool, found: &mut Vec<String>) {
    let mut import = false;
    while let Ok(token) = css.next() {
        let inner = match token {
            Token::UnquotedUrl(address) => {
                found.push(address.to_string());
                None
            }
            Token::QuotedString(address) if strings || import => {
                found.push(address.to_string());
                None
            }
            Token::AtKeyword(name) if name.eq_ignore_ascii_case("import") => {
                import = true;
                continue;
            }
            // A namespace has the form of an address, but nobody requests it.
            Token::AtKeyword(name) if name.eq_ignore_ascii_case("namespace") => {
                while css.next().is_ok_and(|token| *token != Token::Semicolon) {}
                None
            }
            Token::Function(name) => Some(takes_addresses(name)),
            Token::ParenthesisBlock | Token::SquareBracketBlock | Token::CurlyBracketBlock => Some(false),
            _ => None,
        };
        import = false;
        if let Some(strings) = inner {
            // Fails only where blocks are nested deeper than the parser allows. Then their tokens follow here.
            let _ = css.parse_nested_block(|block| -> Result<(), ParseError<()>> {
                collect(block, strings, found);
                Ok(())
            });
        }
    }
}

fn takes_addresses(function: &str) -> bool {
    ["url", "src", "image-set", "-webkit-image-set"].iter().any(|name| function.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_wherever_they_may_be() {
        let css = r#"@charset "utf-8";
            @import "a.css" screen; @import url(b.css); @IMPORT URL('c.css') layer(x);
            @font-face { src: local("Font"), url("d.woff2") format("woff2"), url(e.woff) }
            @media (min-width: 1px) { p::before { content: "not this"; background: url( f.png ) } }
            p { cursor: url(g.cur), auto; background-image: image-set("h.png" type("image/png") 1x, url(i.png) 2x) }"#;
        let letters: Vec<_> = addresses(css).iter().map(|address| address[..1].to_owned()).collect();
        assert_eq!(letters.concat(), "abcdefghi");
    }

    #[test]
    fn what_no_browser_requests_is_not_an_address() {
        let css = r#"@namespace svg url(http://www.w3.org/2000/svg); /* url(a) */
            p { content: "url(b)"; fill: url(#c); background: url() }"#;
        assert_eq!(addresses(css), [""; 0]);
    }

    #[test]
    fn escapes_and_broken_style_sheets_are_read_as_a_browser_would() {
        assert_eq!(addresses(r"p { background: url(a\ b.png) }"), ["a b.png"]);
        assert_eq!(addresses("} ) p { background: url(a.png"), ["a.png"]);
        assert_eq!(addresses("background: url(a b); color: url('c')"), ["c"]);
    }

    #[test]
    fn deep_nesting_does_not_overflow_the_stack() {
        let css = format!("{} url(a) {} p {{ background: url(b) }}", "(".repeat(100_000), ")".repeat(100_000));
        assert_eq!(addresses(&css), ["a", "b"]);
    }
}
