//! Spans of generated tokens. A span has a location, which errors show, and a context, which decides how names resolve
//! and whether lints regard the token as generated.

use proc_macro2::{Ident, Span};
use quote::ToTokens;

/// The location of `span` with the context of the macro: errors point at it, and lints skip it.
pub(crate) fn generated(span: Span) -> Span {
    Span::call_site().located_at(span)
}

/// The name at its place, with the context of the macro, and so its edition: a name that has become a keyword since the
/// user's edition needs `r#`.
pub(crate) fn generated_ident(name: &Ident) -> Ident {
    let span = generated(name.span());
    let mut name = if name == "gen" { Ident::new_raw("gen", span) } else { name.clone() };
    name.set_span(span);
    name
}

pub(crate) fn first_span(tokens: &impl ToTokens) -> Span {
    let first = tokens.to_token_stream().into_iter().next();
    first.map_or_else(Span::call_site, |token| token.span())
}

pub(crate) fn last_span(tokens: &impl ToTokens) -> Option<Span> {
    tokens.to_token_stream().into_iter().last().map(|token| token.span())
}
