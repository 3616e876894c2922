//! The companion's associated function that gives the function on another pool. The verbs of what it returns are in the
//! runtime crate, so that they are compiled once and not for each function.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::parse_quote_spanned;

use super::companion::Companion;
use super::maps::MAX_PARAMS;
use crate::span::generated;

/// What the documentation says.
const DOC: &str = " on a pool of your own: the verbs of this type, which run it there instead of in its own pool. A \
    generic function is one instance of it. It starts nothing.";

// pub fn on<E: Runs<fetch, fn(String) -> Page, On = F>, F>(engine: &E) -> F {
//     Runs::on(engine)
// }
// #[doc(hidden)]
// pub fn __green_pool_on() -> Function<fetch, fn(String) -> Page> {
//     Function::new()
// }
//
/// What `on` returns is a type parameter and not `E::On`, which would be a second error for what is no pool.
pub(crate) fn on(companion: &Companion) -> TokenStream {
    if companion.params.len() > MAX_PARAMS {
        return TokenStream::new();
    }
    let at = Span::call_site();
    let root = companion.root();
    let types = types(companion);
    let engine = companion.unused_ident("E");
    let mut generics = companion.generics.clone();
    let output = companion.unused_ident("F");
    // With the span of the name, since errors say that this requires a pool.
    let at_name = generated(companion.function.span());
    let root_at_name = companion.root_at(at_name);
    generics.params.push(parse_quote_spanned!(at_name=> #engine: #root_at_name::Runs<#types, On = #output>));
    generics.params.push(parse_quote_spanned!(at=> #output));
    let (generics, _, clause) = generics.split_for_impl();
    let (own_generics, _, own_clause) = companion.generics.split_for_impl();
    let doc = companion.doc("Returns", DOC);
    let name = companion.method("on");
    let argument = Ident::new("__engine", at);
    let body = companion.body(&quote_spanned!(at=> (#argument,)), || quote_spanned!(at=> #root::Runs::on(#argument)));
    let hidden = companion.method("__green_pool_on");
    let function = quote_spanned!(at=> #root::__private::Function<#types>);
    quote_spanned! {at=>
        #doc
        #[must_use]
        #[inline]
        pub fn #name #generics (#argument: &#engine) -> #output #clause {
            #body
        }
        #[doc(hidden)]
        #[must_use]
        #[inline]
        pub fn #hidden #own_generics () -> #function #own_clause {
            #root::__private::Function::new()
        }
    }
}

// fetch, fn(String) -> Page
// fetch, fn(Client, String) -> Page, Shape<(One, Each,), (Client,), (String,)>
//
/// As the type of a function: there a type that hides a lifetime, on which rustc reports an error, is no second one.
fn types(companion: &Companion) -> TokenStream {
    let at = Span::call_site();
    let pooled = companion.pooled_type();
    let Companion { output, .. } = companion;
    let params = companion.params.iter().map(|param| &param.stored);
    let function = quote_spanned!(at=> fn(#(#params),*) -> #output);
    if !companion.has_shared() {
        return quote_spanned!(at=> #pooled, #function);
    }
    let root = companion.root();
    let marks = companion.params.iter().map(|param| {
        let mark = Ident::new(if param.shared { "One" } else { "Each" }, at);
        quote!(#root::__private::#mark)
    });
    let (shared, rest) = (companion.shared_tuple(), companion.rest_tuple());
    quote_spanned!(at=> #pooled, #function, #root::__private::Shape<(#(#marks,)*), #shared, #rest>)
}
