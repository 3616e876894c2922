//! What can be said of an expression without knowing its type.

use proc_macro2::{Ident, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Expr, ExprLit, Lit, UnOp};

use crate::errors::{ZERO, ZERO_PER_KEY};

/// An expression without its parentheses and the invisible groups of `macro_rules!`.
pub(crate) fn peel(mut value: &Expr) -> &Expr {
    loop {
        value = match value {
            Expr::Group(group) => &group.expr,
            Expr::Paren(paren) => &paren.expr,
            _ => return value,
        }
    }
}

pub(crate) fn literal(value: &Expr) -> Option<&Lit> {
    match peel(value) {
        Expr::Lit(ExprLit { lit, .. }) => Some(lit),
        _ => None,
    }
}

/// Whether the expression may name the variable: as an identifier, or in a string such as that of `format!("{name}")`.
pub(crate) fn names(value: &impl ToTokens, variable: &Ident) -> bool {
    let text = variable.unraw().to_string();
    value.to_token_stream().into_iter().any(|token| match token {
        TokenTree::Ident(name) => name.unraw() == text,
        TokenTree::Literal(literal) => literal.to_string().contains(&text),
        TokenTree::Group(group) => names(&group.stream(), variable),
        TokenTree::Punct(_) => false,
    })
}

/// Refuses literals that are not a size.
pub(crate) fn check_size(value: &Expr) -> syn::Result<()> {
    let not_a_string = "`size` is a number, not a string; write `size = 100`";
    check_count(value, [ZERO, "a size cannot be negative", "a size is a whole number", not_a_string])
}

/// Refuses literals that are not a limit by key.
pub(crate) fn check_per_key(value: &Expr) -> syn::Result<()> {
    let not_a_string = "`per_key` is a number, not a string; write `per_key = 4`";
    check_count(value, [ZERO_PER_KEY, "a limit cannot be negative", "a limit is a whole number", not_a_string])
}

fn check_count(value: &Expr, [zero, negative, fraction, string]: [&str; 4]) -> syn::Result<()> {
    let refuse = |message| Err(syn::Error::new_spanned(value, message));
    if let Expr::Unary(unary) = peel(value) {
        if matches!(unary.op, UnOp::Neg(_)) && literal(&unary.expr).is_some() {
            return refuse(negative);
        }
    }
    match literal(value) {
        Some(Lit::Int(int)) if int.base10_digits() == "0" => refuse(zero),
        Some(Lit::Str(_)) => refuse(string),
        Some(Lit::Float(_)) => refuse(fraction),
        _ => Ok(()),
    }
}

/// Whether an expression consists of literals, paths and arithmetic only, so that it can be a constant. What takes a
/// method call in disguise, as `*JOBS` for a `LazyLock`, cannot.
pub(crate) fn is_constant(value: &Expr) -> bool {
    match peel(value) {
        Expr::Lit(_) | Expr::Path(_) => true,
        Expr::Unary(unary) => !matches!(unary.op, UnOp::Deref(_)) && is_constant(&unary.expr),
        Expr::Binary(binary) => is_constant(&binary.left) && is_constant(&binary.right),
        Expr::Cast(cast) => is_constant(&cast.expr),
        _ => false,
    }
}
