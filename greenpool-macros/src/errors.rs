//! Collected errors, and the messages and recovery that both macros share.

use std::fmt::Display;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::Token;
use syn::parse::ParseStream;

/// The errors of one expansion, reported together.
#[derive(Default)]
pub(crate) struct Errors(Option<syn::Error>);

impl Errors {
    pub(crate) fn push(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(first) => first.combine(error),
            None => self.0 = Some(error),
        }
    }

    pub(crate) fn at(&mut self, span: Span, message: impl Display) {
        self.push(syn::Error::new(span, message));
    }

    pub(crate) fn on(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.push(syn::Error::new_spanned(tokens, message));
    }

    pub(crate) fn append(&mut self, other: Self) {
        if let Some(error) = other.0 {
            self.push(error);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn into_tokens(self) -> TokenStream {
        self.0.map_or_else(TokenStream::new, syn::Error::into_compile_error)
    }
}

/// The message for a pool without slots, also used by the constant assertion.
pub(crate) const ZERO: &str = "a pool of size 0 would never run anything; write at least 1";

/// The same for a limit by key.
pub(crate) const ZERO_PER_KEY: &str = "with a limit of 0 per key nothing would ever run; write at least 1";

/// The message for `pile![pool = POOL; ..]`.
pub(crate) const POOL_IN_PILE: &str = "a pool is given with `in`; write `pile![in POOL; ..]`";

pub(crate) fn needs_value(key: &Ident, text: &str) -> syn::Error {
    let example = match text {
        "size" => "size = 100",
        "pool" => "pool = POOL",
        "key" => "key = host(&url)",
        "per_key" => "per_key = 4",
        "name" => "name = \"..\"",
        "type" => "type = Fetch",
        _ => "crate = greenpool",
    };
    syn::Error::new(key.span(), format!("`{text}` needs a value; write `{example}`"))
}

/// The word among `known` that `text` is probably a misspelling of.
pub(crate) fn did_you_mean<'a>(text: &str, known: &[&'a str]) -> Option<&'a str> {
    let near = known.iter().map(|known| (distance(text, known), *known));
    let near = near.filter(|(distance, known)| *distance <= known.len() / 2).min();
    near.map(|(_, known)| known)
}

/// The edit distance, in which swapping two neighbouring letters counts as one edit.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let substitution = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j - 1] + substitution).min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

/// Skips tokens up to a `,`.
pub(crate) fn skip_to_comma(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![,]) {
        let _ = input.parse::<TokenTree>();
    }
}

/// Reads the `,` after an element of a list, or reports that it is missing and skips to the next element.
pub(crate) fn end_of_element(input: ParseStream<'_>, errors: &mut Errors) {
    if !input.is_empty() && input.parse::<Token![,]>().is_err() {
        errors.at(input.span(), "expected `,`");
        skip_to_comma(input);
        let _ = input.parse::<Token![,]>();
    }
}
