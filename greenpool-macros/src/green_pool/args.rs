//! `size = 100, pool = POOL, name = "..", type = Fetch, crate = path`

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Expr, ExprLit, Lit, LitStr, Path, Token, UnOp};

use super::valid::Errors;

const KEYS: [&str; 5] = ["size", "pool", "name", "type", "crate"];

/// What the attribute says. What it says wrongly is in the errors, and absent here.
#[derive(Default)]
pub(crate) struct Args {
    pub(crate) size: Option<Expr>,
    pub(crate) pool: Option<Path>,
    pub(crate) name: Option<LitStr>,
    pub(crate) companion: Option<Ident>,
    pub(crate) krate: Option<Path>,
}

impl Args {
    /// Reads all arguments, also those after a mistake.
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args = Self::default();
        let mut seen = Vec::new();
        let parser = |input: ParseStream<'_>| {
            while !input.is_empty() {
                if let Err(error) = args.parse_one(input, &mut seen, errors) {
                    errors.push(error);
                    skip_to_comma(input);
                }
                if !input.is_empty() && input.parse::<Token![,]>().is_err() {
                    errors.at(input.span(), "expected `,`");
                    skip_to_comma(input);
                    let _ = input.parse::<Token![,]>();
                }
            }
            Ok(())
        };
        if let Err(error) = parser.parse2(tokens) {
            errors.push(error);
        }
        args
    }

    fn parse_one(&mut self, input: ParseStream<'_>, seen: &mut Vec<String>, errors: &mut Errors) -> syn::Result<()> {
        if !input.peek(Ident::peek_any) {
            return Err(not_a_key(input));
        }
        let key = Ident::parse_any(input)?;
        let text = key.to_string();
        if !KEYS.contains(&text.as_str()) {
            return Err(unknown(&key, &text));
        }
        if !input.peek(Token![=]) || input.peek(Token![==]) {
            return Err(needs_value(&key, &text));
        }
        input.parse::<Token![=]>()?;
        if input.is_empty() || input.peek(Token![,]) {
            return Err(needs_value(&key, &text));
        }
        let again = seen.contains(&text);
        if again {
            errors.at(key.span(), format!("`{text}` is given twice"));
            skip_to_comma(input);
            return Ok(());
        }
        let other = match text.as_str() {
            "size" => "pool",
            "pool" => "size",
            _ => "",
        };
        if seen.iter().any(|key| key == other) {
            errors.at(key.span(), "`pool` shares the size of the pool it names; remove `size`");
        }
        seen.push(text.clone());
        self.value(&text, input)
    }

    fn value(&mut self, key: &str, input: ParseStream<'_>) -> syn::Result<()> {
        match key {
            "size" => {
                let value: Expr = input.parse()?;
                check_size(&value)?;
                self.size = Some(value);
            }
            "pool" => {
                let hint = "write `pool = POOL`, where `POOL` is a `static` of type `GreenPool`";
                self.pool = Some(path(input, "pool", hint)?);
            }
            "name" => {
                let value: Expr = input.parse()?;
                let Some(Lit::Str(name)) = literal(&value) else {
                    let message = "`name` is a string; write `name = \"..\"`";
                    return Err(syn::Error::new_spanned(value, message));
                };
                self.name = Some(name.clone());
            }
            "type" => {
                let message = "`type` is an identifier; write `type = Fetch`";
                self.companion = Some(whole(input, message, Ident::parse)?);
            }
            _ => {
                let hint = "write `crate = greenpool`";
                self.krate = Some(path(input, "crate", hint)?);
            }
        }
        Ok(())
    }
}

/// A path, or the error that says so of what stands there.
fn path(input: ParseStream<'_>, key: &str, hint: &str) -> syn::Result<Path> {
    if input.peek(LitStr) {
        let value: LitStr = input.parse()?;
        let text = value.value();
        let hint = match syn::parse_str::<Path>(&text) {
            Ok(_) => format!("write `{key} = {text}`"),
            Err(_) => hint.to_owned(),
        };
        let message = format!("`{key}` is a path, not a string; {hint}");
        return Err(syn::Error::new(value.span(), message));
    }
    whole(input, &format!("`{key}` is a path; {hint}"), Path::parse_mod_style)
}

/// All of a value as what `parse` makes of it, or the error that says what it has to be.
fn whole<T>(input: ParseStream<'_>, message: &str, parse: fn(ParseStream<'_>) -> syn::Result<T>) -> syn::Result<T> {
    let begin = input.fork();
    let value = parse(input);
    let ended = input.is_empty() || input.peek(Token![,]) || input.peek(Ident::peek_any) || input.peek(Lit);
    if let (Ok(value), true) = (value, ended) {
        return Ok(value);
    }
    let first = begin.span();
    Err(match begin.parse::<Expr>() {
        Ok(value) => syn::Error::new_spanned(value, message),
        Err(_) => syn::Error::new(first, message),
    })
}

/// The error for an argument that does not begin with a key.
fn not_a_key(input: ParseStream<'_>) -> syn::Error {
    let at = input.span();
    match input.parse::<Expr>() {
        Ok(value) => {
            let text = value.to_token_stream().to_string();
            let message = format!("the size of a pool is written `size = {text}`");
            syn::Error::new_spanned(value, message)
        }
        Err(_) => syn::Error::new(at, format!("expected one of {}", keys())),
    }
}

fn unknown(key: &Ident, text: &str) -> syn::Error {
    let near = KEYS
        .iter()
        .map(|known| (distance(text, known), known))
        .filter(|(distance, known)| *distance <= known.len() / 2)
        .min();
    let remedy = match near {
        Some((_, known)) => format!("did you mean `{known}`?"),
        None => format!("expected one of {}", keys()),
    };
    syn::Error::new(key.span(), format!("unknown argument `{text}`; {remedy}"))
}

pub(crate) fn needs_value(key: &Ident, text: &str) -> syn::Error {
    let example = match text {
        "size" => "size = 100",
        "pool" => "pool = POOL",
        "name" => "name = \"..\"",
        "type" => "type = Fetch",
        _ => "crate = greenpool",
    };
    let message = format!("`{text}` needs a value; write `{example}`");
    syn::Error::new(key.span(), message)
}

fn keys() -> String {
    KEYS.map(|key| format!("`{key}`")).join(", ")
}

/// What can be said of a size without knowing its type.
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

/// The message for a pool of no slots, also used by the constant assertion.
pub(crate) const ZERO: &str = "a pool of size 0 would never run anything; write at least 1";

/// Whether a size is made of literals, paths and arithmetic only, and so can be a constant.
pub(crate) fn is_constant(value: &Expr) -> bool {
    match peel(value) {
        Expr::Lit(_) | Expr::Path(_) => true,
        Expr::Unary(unary) => is_constant(&unary.expr),
        Expr::Binary(binary) => is_constant(&binary.left) && is_constant(&binary.right),
        Expr::Cast(cast) => is_constant(&cast.expr),
        _ => false,
    }
}

/// An expression without its parentheses and the invisible groups of `macro_rules!`.
fn peel(mut value: &Expr) -> &Expr {
    loop {
        value = match value {
            Expr::Group(group) => &group.expr,
            Expr::Paren(paren) => &paren.expr,
            _ => return value,
        }
    }
}

fn literal(value: &Expr) -> Option<&Lit> {
    match peel(value) {
        Expr::Lit(ExprLit { lit, .. }) => Some(lit),
        _ => None,
    }
}

fn skip_to_comma(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![,]) {
        let _ = input.parse::<TokenTree>();
    }
}

/// How many letters must be added, dropped, exchanged or swapped to make one word of the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let same = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j - 1] + same).min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}
