//! What can be said of an expression without knowing its type.

use syn::{Expr, ExprLit, Lit, UnOp};

use crate::errors::ZERO;

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

/// Refuses literals that are not a size.
pub(crate) fn check_size(value: &Expr) -> syn::Result<()> {
    let refuse = |message| Err(syn::Error::new_spanned(value, message));
    if let Expr::Unary(unary) = peel(value) {
        if matches!(unary.op, UnOp::Neg(_)) && literal(&unary.expr).is_some() {
            return refuse("a size cannot be negative");
        }
    }
    match literal(value) {
        Some(Lit::Int(int)) if int.base10_digits() == "0" => refuse(ZERO),
        Some(Lit::Str(_)) => refuse("`size` is a number, not a string; write `size = 100`"),
        Some(Lit::Float(_)) => refuse("a size is a whole number"),
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
