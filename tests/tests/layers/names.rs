//! Which modules a source text names.

use std::collections::BTreeSet;
use std::iter::Peekable;
use std::str::FromStr;

use proc_macro2::token_stream::IntoIter;
use proc_macro2::{TokenStream, TokenTree};

/// All paths in `text` that begin with `crate`, `super` or `self`, from the crate's root, joined by `::`. Comments name
/// nothing.
pub(crate) fn names(module: &str, text: &str) -> BTreeSet<String> {
    let tokens = TokenStream::from_str(text).expect("the source has Rust's tokens");
    let mut names = BTreeSet::new();
    collect(module, tokens, &mut names);
    names
}

fn collect(module: &str, tokens: TokenStream, names: &mut BTreeSet<String>) {
    let mut tokens = tokens.into_iter().peekable();
    let mut after_dollar = false;
    while let Some(token) = tokens.next() {
        match &token {
            TokenTree::Group(group) => collect(module, group.stream(), names),
            TokenTree::Ident(word) if !after_dollar => {
                let word = word.to_string();
                if word == "mod" {
                    nested(module, &mut tokens, names);
                    continue;
                }
                let start = match word.as_str() {
                    "crate" => Some(String::new()),
                    "super" => Some(parent(module)),
                    "self" => Some(module.to_owned()),
                    _ => None,
                };
                if let Some(start) = start.filter(|_| eat_colons(&mut tokens)) {
                    path(start, &mut tokens, names);
                }
            }
            _ => {}
        }
        after_dollar = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '$');
    }
}

/// What follows `mod`: a name, and perhaps the module's text.
fn nested(module: &str, tokens: &mut Peekable<IntoIter>, names: &mut BTreeSet<String>) {
    let Some(TokenTree::Ident(name)) = tokens.next() else { return };
    if let Some(TokenTree::Group(inside)) = tokens.next_if(|token| matches!(token, TokenTree::Group(_))) {
        collect(&format!("{module}::{name}"), inside.stream(), names);
    }
}

/// What follows `start::`: a path, or a group of paths.
fn path(start: String, tokens: &mut Peekable<IntoIter>, names: &mut BTreeSet<String>) {
    match tokens.next() {
        Some(TokenTree::Ident(word)) => {
            let longer = match word.to_string().as_str() {
                "super" => parent(&start),
                "self" => start,
                word if start.is_empty() => word.to_owned(),
                word => format!("{start}::{word}"),
            };
            if eat_colons(tokens) {
                path(longer, tokens, names);
            } else {
                names.insert(longer);
            }
        }
        Some(TokenTree::Group(group)) => {
            let mut inside = group.stream().into_iter().peekable();
            while inside.peek().is_some() {
                path(start.clone(), &mut inside, names);
                // Up to the next entry.
                for token in inside.by_ref() {
                    if matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ',') {
                        break;
                    }
                }
            }
        }
        _ => {
            names.insert(start);
        }
    }
}

fn parent(module: &str) -> String {
    module.rsplit_once("::").map(|(parent, _)| parent.to_owned()).unwrap_or_default()
}

fn eat_colons(tokens: &mut Peekable<IntoIter>) -> bool {
    let is_colon = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ':');
    // A single colon is the end of a name, as in `self: &Self`.
    let joint = |token: &TokenTree| {
        matches!(token, TokenTree::Punct(punct)
            if punct.as_char() == ':' && punct.spacing() == proc_macro2::Spacing::Joint)
    };
    if tokens.next_if(joint).is_none() {
        return false;
    }
    tokens.next_if(is_colon).is_some()
}
