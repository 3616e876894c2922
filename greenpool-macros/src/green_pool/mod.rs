//! `#[green_pool]`: parses (`args`, `item`), checks (`valid`, `borrow`) and generates (`companion`, `methods`,
//! `expand`). `fallback` generates what remains useful if the function has an error.

use proc_macro2::TokenStream;
use quote::quote;

mod args;
mod borrow;
mod companion;
mod expand;
mod fallback;
mod item;
mod methods;
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
    let is_valid = valid::check(&item, &mut errors) && !fallback::is_needed(&item);
    let companion = Companion::new(&item, args);
    let function = fallback::function(&item, tokens);
    let companion = if is_valid { Some(companion) } else { fallback::companion(&item, companion) };
    let companion = companion.as_ref().map(expand::companion);
    let errors = errors.into_tokens();
    quote!(#function #companion #errors)
}
