//! Where the entries of a pile run: `in POOL;`, `on POOL;`, `size = 4;`, or nothing, for the pools of the functions.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Expr, Token};

use crate::errors::{POOL_IN_PILE, did_you_mean, needs_value};
use crate::expr::check_size;
use crate::span::first_span;

pub(crate) enum Place {
    Own,
    In(Expr),
    /// The functions of the calls, in that pool.
    On(Expr),
    Sized(Expr),
}

impl Place {
    pub(crate) fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let place = if input.peek(Token![in]) {
            let word: Token![in] = input.parse()?;
            if is_missing(input) {
                return Err(syn::Error::new(word.span, "`in` needs a pool; write `pile![in POOL; ..]`"));
            }
            Self::In(input.parse()?)
        } else if is_on(input) {
            let word: Ident = input.parse()?;
            if is_missing(input) {
                return Err(syn::Error::new(word.span(), "`on` needs a pool; write `pile![on POOL; ..]`"));
            }
            Self::On(input.parse()?)
        } else if is_size(input) {
            let key = input.call(Ident::parse_any)?;
            input.parse::<Token![=]>()?;
            if is_missing(input) {
                return Err(needs_value(&key, "size"));
            }
            let size = input.parse()?;
            check_size(&size)?;
            Self::Sized(size)
        } else if let Some(key) = other_argument(input) {
            return Err(unknown(&key));
        } else {
            return Ok(Self::Own);
        };
        if !input.peek(Token![;]) {
            return Err(syn::Error::new(input.span(), "expected `;`"));
        }
        input.parse::<Token![;]>()?;
        Ok(place)
    }

    // match &POOL { __pool => pile(..) }
    pub(crate) fn wrap(&self, pool: &Ident, pile: TokenStream, root: &TokenStream) -> TokenStream {
        match self {
            Self::Own => pile,
            Self::In(place) => {
                let at = first_span(place);
                let place = quote_spanned!(at=> #root::__private::given(&#place));
                quote!(match #place { #pool => #pile })
            }
            Self::On(place) => {
                let at = first_span(place);
                let place = quote_spanned!(at=> #root::__private::engine(&#place));
                quote!(match #place { #pool => #pile })
            }
            Self::Sized(size) => quote!(match &#root::GreenPool::new(#size) { #pool => #pile }),
        }
    }
}

/// The variable that holds the pool of the entries. Not even hygiene lets a variable have the name of a `static`.
pub(crate) fn pool() -> Ident {
    Ident::new("__pool", Span::mixed_site())
}

fn is_missing(input: ParseStream<'_>) -> bool {
    input.is_empty() || input.peek(Token![;]) || input.peek(Token![,])
}

/// Whether the input starts with `on POOL`, `on &pool`, `on self.pool` or `on;`, and not with a call of a function
/// called `on`.
fn is_on(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    ahead.parse::<Ident>().is_ok_and(|word| word == "on")
        && (ahead.peek(Ident::peek_any) || ahead.peek(Token![&]) || ahead.peek(Token![*]) || ahead.peek(Token![;]))
}

/// The name of an argument that there is not: `sise` of `sise = 4; ..`
fn other_argument(input: ParseStream<'_>) -> Option<Ident> {
    let ahead = input.fork();
    let key = ahead.call(Ident::parse_any).ok()?;
    if !ahead.peek(Token![=]) || ahead.peek(Token![==]) {
        return None;
    }
    while !ahead.is_empty() && !ahead.peek(Token![,]) {
        if ahead.peek(Token![;]) {
            return Some(key);
        }
        ahead.parse::<TokenTree>().ok()?;
    }
    None
}

fn unknown(key: &Ident) -> syn::Error {
    let text = key.to_string();
    let message = match did_you_mean(&text, &["size", "pool"]) {
        Some("pool") => POOL_IN_PILE.to_owned(),
        Some(known) => format!("unknown argument `{text}`; did you mean `{known}`?"),
        None => format!("unknown argument `{text}`; expected `in POOL`, `on POOL` or `size = 4`"),
    };
    syn::Error::new(key.span(), message)
}

fn is_size(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    ahead.parse::<Ident>().is_ok_and(|key| key == "size") && ahead.peek(Token![=]) && !ahead.peek(Token![==])
}
