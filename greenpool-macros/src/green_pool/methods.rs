//! The companion's associated functions that run jobs.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Type, parse_quote_spanned};

use super::companion::Companion;
use crate::span::{first_span, generated};

// pub fn spawn(url: String) -> SpawnCall<fetch, (String,), Page> {
//     __private::spawn::<fetch, (String,), Page>((url,))
// }
pub(crate) fn spawns(companion: &Companion) -> TokenStream {
    let Companion { output, .. } = companion;
    let root = companion.root();
    let at = Span::call_site();
    let pooled = companion.pooled_type();
    let tuple = companion.args_tuple();
    let types = quote_spanned!(at=> <#pooled, #tuple, #output>);
    let spawn = SpawnMethod {
        name: "spawn",
        inner: "spawn",
        attrs: companion
            .doc("Waits for a free slot, starts", &format!(" in it, and returns its green thread.{SPAWN_DOC}")),
        output: quote_spanned!(at=> #root::SpawnCall #types),
    };
    let spawn_n = SpawnMethod {
        name: "spawn_n",
        inner: "spawn_n",
        attrs: companion
            .doc("Waits for a free slot and starts", &format!(" in it, without a handle to its result.{SPAWN_DOC}")),
        output: quote_spanned!(at=> #root::SpawnCallN #types),
    };
    let doc = companion.doc(
        "Starts",
        " if a slot is free; otherwise returns the arguments.\n\n# Panics\n\nPanics outside of a tokio runtime.",
    );
    let try_spawn = SpawnMethod {
        name: "try_spawn",
        inner: "try_spawn",
        attrs: quote_spanned!(at=> #doc #[track_caller]),
        output: quote_spanned! {at=>
            ::core::result::Result<#root::GreenThread<#output>, #root::TrySpawnError<#tuple>>
        },
    };
    [spawn, spawn_n, try_spawn].iter().map(|kind| kind.expand(companion, &types)).collect()
}

// #[doc(hidden)]
// pub fn __green_pool(url: String) -> GreenThread<Page> {
//     __private::submit::<fetch, (String,), Page>((url,))
// }
pub(crate) fn submit(companion: &Companion) -> TokenStream {
    let Companion { output, .. } = companion;
    let root = companion.root();
    let at = Span::call_site();
    let pooled = companion.pooled_type();
    let tuple = companion.args_tuple();
    let submit = SpawnMethod {
        name: "__green_pool",
        inner: "submit",
        attrs: quote!(#[doc(hidden)] #[must_use] #[track_caller]),
        output: quote_spanned!(at=> #root::GreenThread<#output>),
    };
    submit.expand(companion, &quote_spanned!(at=> <#pooled, #tuple, #output>))
}

/// The documentation of the futures of `spawn` and `spawn_n`.
const SPAWN_DOC: &str = "\n\nNothing is spawned until the future is awaited. If it is dropped before it gets a \
    slot, it leaves the queue and starts nothing.";

/// The documentation of a map.
const MAP_DOC: &str = "\n\nThe map starts at once, and has at most as many items in flight as the pool has \
    slots. Dropping it aborts the running jobs and stops reading.\n\n# Panics\n\nPanics outside of a tokio runtime.";

struct SpawnMethod {
    name: &'static str,
    inner: &'static str,
    attrs: TokenStream,
    output: TokenStream,
}

impl SpawnMethod {
    // pub fn spawn(url: String) -> SpawnCall<..> { __private::spawn::<..>((url,)) }
    fn expand(&self, companion: &Companion, types: &TokenStream) -> TokenStream {
        let Companion { generics, .. } = companion;
        let root = companion.root();
        let Self { attrs, output, .. } = self;
        let at = Span::call_site();
        let name = companion.method(self.name);
        let inner = Ident::new(self.inner, at);
        let (impl_generics, _, where_clause) = generics.split_for_impl();
        let names: Vec<_> = companion.params.iter().map(|param| &param.name).collect();
        let params = companion.params.iter().map(|param| &param.ty);
        let arguments = quote_spanned!(at=> (#(#names,)*));
        let body = companion.body(&arguments, || quote_spanned!(at=> #root::__private::#inner::#types(#arguments)));
        quote_spanned! {at=>
            #attrs
            #[inline]
            pub fn #name #impl_generics (#(#names: #params),*) -> #output #where_clause {
                #body
            }
        }
    }
}

// pub fn imap<I0: ReadFromAnyThread<String>>(url: I0) -> GreenMap<Page> {
//     __private::imap::<..>(Iterator::map(ReadFromAnyThread::into_reader(url), |__item0| (__item0,)))
// }
pub(crate) fn maps(companion: &Companion) -> TokenStream {
    let at = Span::call_site();
    let params: Vec<_> = companion
        .params
        .iter()
        .map(|param| MapParam { name: param.name.clone(), item: param.stored.clone(), at: first_span(&param.stored) })
        .collect();
    let tuples = [MapParam {
        name: Ident::new("__tuples", at),
        item: Type::Verbatim(companion.args_tuple()),
        at: params.first().map_or_else(|| companion.function.span(), |param| param.at),
    }];
    let by_one = "over iterables, one per parameter, whose iterators are `Send` and `'static`, and yields the results";
    let by_tuple =
        "over an iterable of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results";
    let order = ["in the order of the arguments.", "in order of completion."];
    let kinds = [
        ("imap", "imap", by_one, order[0], &params[..]),
        ("imap_unordered", "imap_unordered", by_one, order[1], &params[..]),
        ("starmap", "imap", by_tuple, order[0], &tuples[..]),
        ("starmap_unordered", "imap_unordered", by_tuple, order[1], &tuples[..]),
    ];
    let maps = kinds.iter().filter(|kind| !kind.4.is_empty());
    let maps = maps.map(|&(name, inner, over, order, params)| {
        let items = if over == by_one { zip(companion, params) } else { reader(companion, &params[0].name) };
        let doc = companion.doc("Runs", &format!(" {over} {order}{MAP_DOC}"));
        let name = companion.method(name);
        let inner = Ident::new(inner, at);
        map(companion, &quote!(#doc), &name, &inner, params, &items)
    });
    maps.collect()
}

/// An iterable that a map reads.
struct MapParam {
    name: Ident,
    item: Type,
    /// What errors call the bound on the iterable.
    at: Span,
}

// ReadFromAnyThread::into_reader(url)
fn reader(companion: &Companion, name: &Ident) -> TokenStream {
    let root = companion.root();
    quote_spanned!(Span::call_site()=> #root::__private::ReadFromAnyThread::into_reader(#name))
}

// Iterator::map(Iterator::zip(.., ..), |(__item0, __item1)| (__item0, __item1))
fn zip(companion: &Companion, params: &[MapParam]) -> TokenStream {
    let at = Span::call_site();
    let names: Vec<_> = (0..params.len()).map(|index| format_ident!("__item{index}", span = at)).collect();
    let parts = params.iter().zip(&names).map(|(param, name)| (reader(companion, &param.name), quote!(#name)));
    let whole = parts.reduce(|(left, before), (right, name)| {
        let zipped = quote_spanned!(at=> ::core::iter::Iterator::zip(#left, #right));
        (zipped, quote_spanned!(at=> (#before, #name)))
    });
    let (sources, pattern) = whole.unwrap_or_default();
    quote_spanned!(at=> ::core::iter::Iterator::map(#sources, |#pattern| (#(#names,)*)))
}

// ReadFromAnyThread<String>       with the span of the type, since errors call it what requires the argument's type
fn readable(companion: &Companion, param: &MapParam) -> TokenStream {
    let MapParam { item, at, .. } = param;
    let root = companion.root_at(*at);
    quote_spanned!(*at=> #root::__private::ReadFromAnyThread<#item>)
}

/// A map takes a type parameter for each source. If the function has type parameters that its callers must write, it
/// takes an `impl Trait` instead: `parse::imap::<u32>(..)` must not ask for more than `parse::<u32>(..)` does.
fn map(
    companion: &Companion,
    attrs: &TokenStream,
    name: &Ident,
    inner: &Ident,
    params: &[MapParam],
    items: &TokenStream,
) -> TokenStream {
    let Companion { output, .. } = companion;
    let root = companion.root();
    let at = Span::call_site();
    let pooled = companion.pooled_type();
    let tuple = companion.args_tuple();
    let inferred = companion.has_inferred_generics();
    let mut generics = companion.generics.clone();
    let sources: Vec<_> = params
        .iter()
        .enumerate()
        .map(|(index, param)| {
            let bound = readable(companion, param);
            if inferred {
                let mut name = companion.unused_ident(&format!("I{index}"));
                name.set_span(generated(param.at));
                generics.params.push(parse_quote_spanned!(at=> #name: #bound));
                name.into_token_stream()
            } else {
                quote_spanned!(at=> impl #bound)
            }
        })
        .collect();
    let (generics, _, clause) = generics.split_for_impl();
    let names: Vec<_> = params.iter().map(|param| &param.name).collect();
    let body = companion.body(
        &quote_spanned!(at=> (#(#names,)*)),
        || quote_spanned!(at=> #root::__private::#inner::<#pooled, #tuple, #output, _>(#items)),
    );
    let allow = (!inferred).then(|| quote!(#[allow(clippy::impl_trait_in_params)]));
    quote_spanned! {at=>
        #attrs
        #allow
        #[track_caller]
        pub fn #name #generics (#(#names: #sources),*) -> #root::GreenMap<#output> #clause {
            #body
        }
    }
}
