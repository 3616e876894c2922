//! Spans of generated tokens. A span has a location, which errors show, and a context, which decides how names resolve
//! and whether lints regard the token as generated.

use proc_macro2::Span;
use quote::ToTokens;

/// The location of `span` with the context of the macro: errors point at it, and lints skip it.
pub(crate) fn generated(span: Span) -> Span {
    Span::call_site().located_at(span)
}

pub(crate) fn first_span(tokens: &impl ToTokens) -> Span {
    let first = tokens.to_token_stream().into_iter().next();
    first.map_or_else(Span::call_site, |token| token.span())
}

pub(crate) fn last_span(tokens: &impl ToTokens) -> Option<Span> {
    tokens.to_token_stream().into_iter().last().map(|token| token.span())
}
