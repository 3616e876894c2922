//! `#[green_pool]`: parses (`args`, `item`), checks (`valid`, `borrow`) and generates (`companion`, `attrs`,
//! `methods`, `maps`, `on`, `expand`, and `remote` for what can run on another machine). `fallback` generates what
//! remains useful if the function has an error.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{Parse, ParseStream};

mod args;
mod attrs;
mod borrow;
mod companion;
mod expand;
mod fallback;
mod item;
mod maps;
mod methods;
mod on;
mod remote;
mod valid;

use self::args::Args;
use self::companion::Companion;
use self::item::{Item, ItemError};
use crate::errors::Errors;

// #[green_pool(size = 100)] async fn fetch(url: String) -> Page { .. }
//
// async fn fetch(url: String) -> Page { .. }      as it was written
// struct fetch {}
// impl fetch { .. }                               pool, spawn, imap, ..
// impl PooledFn<(String,), Page> for fetch { .. }
pub(crate) fn expand(args: TokenStream, tokens: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args_tokens = args.clone();
    let args = Args::parse(args, &mut errors);
    let item = match Item::parse(tokens.clone()) {
        Ok(item) => item,
        Err(why) => {
            match why {
                ItemError::NotAFunction(span) => {
                    errors.at(span, "`#[green_pool]` goes on an `async fn`");
                }
                ItemError::Syntax(error) => errors.push(error),
            }
            let errors = errors.into_tokens();
            return quote!(#tokens #errors);
        }
    };
    let is_valid = valid::check(&item, args.remote.is_some(), &mut errors) && !fallback::is_needed(&item);
    let is_remote = remote::check(&args, &item, &mut errors) && is_valid;
    let companion = Companion::new(&item, args);
    // Of a deprecated function, the derive macro writes it.
    let remote = (is_remote && !companion.is_deprecated()).then(|| remote::impls(&companion, &item.sig));
    let function = fallback::function(&item, tokens);
    let companion = if !is_valid {
        fallback::companion(&item, companion).as_ref().map(expand::companion)
    } else if companion.is_deprecated() {
        Some(expand::derived(&companion, &args_tokens, &item))
    } else {
        Some(expand::companion(&companion))
    };
    let errors = errors.into_tokens();
    quote!(#function #companion #remote #errors)
}

/// Generates what `#[green_pool]` generates for a deprecated function, except the struct that this derives for.
///
/// The companion names the function and the struct, which rustc reports as uses of what is deprecated unless a derive
/// macro wrote them.
pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let Ok(input) = syn::parse2::<syn::DeriveInput>(input) else { return TokenStream::new() };
    let attr = input.attrs.iter().find(|attr| attr.path().is_ident("__green_pool"));
    let parts = attr.and_then(|attr| attr.parse_args::<Declaration>().ok());
    let Some(Declaration { args, item }) = parts else { return TokenStream::new() };
    let mut errors = Errors::default();
    let args = Args::parse(args, &mut errors);
    let Ok(item) = Item::parse(item) else { return TokenStream::new() };
    let is_remote = remote::check(&args, &item, &mut errors);
    let companion = Companion::new(&item, args).derived();
    let impls = expand::impls(&companion);
    let remote = is_remote.then(|| remote::impls(&companion, &item.sig));
    quote!(#impls #remote)
}

/// The attribute's arguments and the function, as `(size = 100) async fn fetch() {}`.
struct Declaration {
    args: TokenStream,
    item: TokenStream,
}

impl Parse for Declaration {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let args;
        syn::parenthesized!(args in input);
        Ok(Self { args: args.parse()?, item: input.parse()? })
    }
}
