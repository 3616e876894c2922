//! Which of the function's attributes apply to the companion as well.

use std::slice::from_ref;

use quote::quote;
use syn::punctuated::Punctuated;
use syn::token::Bracket;
use syn::{Attribute, Meta, MetaList, Path, Token, parse_quote_spanned};

use crate::span::{first_span, generated};

/// Conditions and lint attributes, which apply to each generated item.
pub(crate) fn item_attrs(attrs: &[Attribute]) -> Vec<Attribute> {
    select(attrs, |meta| match meta.path() {
        path if path.is_ident("expect") => silenced(meta),
        path if is_one_of(path, &["cfg", "allow", "warn", "deny", "forbid"]) => vec![meta.clone()],
        _ => Vec::new(),
    })
}

/// What silences lints at a parameter, generic or not, for each generated item: nearly all of them repeat it. What this
/// silences there beyond the parameter, the lint still finds at the function.
pub(crate) fn silencing_attrs(attrs: &[Attribute]) -> Vec<Attribute> {
    select(attrs, |meta| if is_one_of(meta.path(), &["allow", "expect"]) { silenced(meta) } else { Vec::new() })
}

/// `deprecated` and `doc(hidden)`, which apply to the struct.
pub(crate) fn struct_attrs(attrs: &[Attribute]) -> Vec<Attribute> {
    let deprecated = |meta: &Meta| if meta.path().is_ident("deprecated") { vec![meta.clone()] } else { Vec::new() };
    let chosen = |attr| if is_hidden(attr) { vec![attr.clone()] } else { select(from_ref(attr), deprecated) };
    attrs.iter().flat_map(chosen).collect()
}

fn is_hidden(attr: &Attribute) -> bool {
    matches!(&attr.meta, Meta::List(list) if list.path.is_ident("doc") && list.tokens.to_string() == "hidden")
}

fn is_one_of(path: &Path, names: &[&str]) -> bool {
    names.iter().any(|name| path.is_ident(name))
}

/// What `choose` makes of each attribute; of a `cfg_attr`, of each attribute in it. With the context of the macro, so
/// that lints on attributes report the user's own only.
fn select(attrs: &[Attribute], choose: fn(&Meta) -> Vec<Meta>) -> Vec<Attribute> {
    let chosen = |attr: &Attribute| {
        let pound_token = Token![#](generated(attr.pound_token.span));
        let bracket_token = Bracket(generated(attr.bracket_token.span.join()));
        let style = attr.style;
        let metas = select_meta(&attr.meta, choose).into_iter();
        metas.map(move |meta| Attribute { pound_token, style, bracket_token, meta })
    };
    attrs.iter().flat_map(chosen).collect()
}

fn select_meta(meta: &Meta, choose: fn(&Meta) -> Vec<Meta>) -> Vec<Meta> {
    let Meta::List(list) = meta else { return choose(meta) };
    if !list.path.is_ident("cfg_attr") {
        return choose(meta);
    }
    let mut parts = parts(list).into_iter();
    let condition = parts.next();
    let parts: Vec<_> = parts.flat_map(|part| select_meta(&part, choose)).collect();
    if parts.is_empty() {
        return Vec::new();
    }
    let tokens = quote!(#condition, #(#parts),*);
    vec![Meta::List(MetaList { tokens, ..list.clone() })]
}

/// The arguments of an attribute, none if they do not parse.
fn parts(list: &MetaList) -> Punctuated<Meta, Token![,]> {
    list.parse_args_with(Punctuated::parse_terminated).unwrap_or_default()
}

// allow(unused, reason = ".."), warn(dead_code)
//
/// An `expect` or `allow` as what only silences. A second `expect` would be one more expectation to meet.
///
/// To the lint on dead code, what an item calls is in use if the item allows that lint. The companion calls the
/// function, which the user may expect to be unused.
fn silenced(meta: &Meta) -> Vec<Meta> {
    let Meta::List(list) = meta else { return Vec::new() };
    let lints: Vec<_> = parts(list).into_iter().filter(|part| matches!(part, Meta::Path(_))).collect();
    if lints.is_empty() {
        return Vec::new();
    }
    let at = generated(first_span(&list.path));
    let arguments = list.tokens.clone().into_iter().map(|mut token| {
        token.set_span(generated(token.span()));
        token
    });
    let mut metas = vec![parse_quote_spanned!(at=> allow(#(#arguments)*))];
    if lints.iter().any(|lint| is_one_of(lint.path(), &["dead_code", "unused", "warnings"])) {
        metas.push(parse_quote_spanned!(at=> warn(dead_code)));
    }
    metas
}
