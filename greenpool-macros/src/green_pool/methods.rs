//! The companion's associated functions that run one job.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};

use super::companion::Companion;

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
