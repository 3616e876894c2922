//! The companion's associated functions that run one job.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};

use super::companion::Companion;

// pub fn spawn(url: String) -> SpawnCall<fetch, (String,), Page> {
//     __private::spawn::<fetch, (String,), Page>((url,))
// }
// pub fn queue(url: String) {
//     __private::QueuedCall::<fetch, (String,), Page>::new((url,)).queue()
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
        inner: quote_spanned!(at=> spawn::#types),
        attrs: companion
            .doc("Waits for a free slot, starts", &format!(" in it, and returns its green thread.{SPAWN_DOC}")),
        output: quote_spanned!(at=> -> #root::SpawnCall #types),
        after: TokenStream::new(),
    };
    let spawn_n = SpawnMethod {
        name: "spawn_n",
        inner: quote_spanned!(at=> spawn_n::#types),
        attrs: companion
            .doc("Waits for a free slot and starts", &format!(" in it, without a handle to its result.{SPAWN_DOC}")),
        output: quote_spanned!(at=> -> #root::SpawnCallN #types),
        after: TokenStream::new(),
    };
    let doc = companion.doc(
        "Starts",
        " if a slot is free; otherwise returns the arguments.\n\n# Panics\n\nPanics outside of a tokio runtime.",
    );
    let try_spawn = SpawnMethod {
        name: "try_spawn",
        inner: quote_spanned!(at=> try_spawn::#types),
        attrs: quote_spanned!(at=> #doc #[track_caller]),
        output: quote_spanned! {at=>
            -> ::core::result::Result<#root::GreenThread<#output>, #root::TrySpawnError<#tuple>>
        },
        after: TokenStream::new(),
    };
    let doc = companion.doc("Queues", QUEUE_DOC);
    let queue = SpawnMethod {
        name: "queue",
        inner: quote_spanned!(at=> QueuedCall::#types::new),
        attrs: quote_spanned!(at=> #doc #[track_caller]),
        output: TokenStream::new(),
        after: quote_spanned!(at=> .queue()),
    };
    [spawn, spawn_n, try_spawn, queue].iter().map(|kind| kind.expand(companion)).collect()
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
        inner: quote_spanned!(at=> submit::<#pooled, #tuple, #output>),
        attrs: quote!(#[doc(hidden)] #[must_use] #[track_caller]),
        output: quote_spanned!(at=> -> #root::GreenThread<#output>),
        after: TokenStream::new(),
    };
    submit.expand(companion)
}

/// The documentation of the futures of `spawn` and `spawn_n`.
const SPAWN_DOC: &str = "\n\nNothing is spawned until the future is awaited. If it is dropped before it gets a \
    slot, it leaves the queue and starts nothing.";

/// The documentation of `queue`.
const QUEUE_DOC: &str = " and returns at once: its job begins when its turn comes. Until then only the arguments are \
    kept. For work that a job finds; it lends nothing, and the queue has no bound.\n\n# Panics\n\nPanics outside of \
    a tokio runtime.";

struct SpawnMethod {
    name: &'static str,
    attrs: TokenStream,
    /// With its arrow.
    output: TokenStream,
    /// What is called with the arguments, in `__private`.
    inner: TokenStream,
    /// What follows that call.
    after: TokenStream,
}

impl SpawnMethod {
    // pub fn spawn(url: String) -> SpawnCall<..> { __private::spawn::<..>((url,)) }
    fn expand(&self, companion: &Companion) -> TokenStream {
        let Companion { generics, .. } = companion;
        let root = companion.root();
        let Self { attrs, output, inner, after, .. } = self;
        let at = Span::call_site();
        let name = companion.method(self.name);
        let (impl_generics, _, where_clause) = generics.split_for_impl();
        let names: Vec<_> = companion.params.iter().map(|param| &param.name).collect();
        let params = companion.params.iter().map(|param| &param.ty);
        let arguments = quote_spanned!(at=> (#(#names,)*));
        let body = companion.body(&arguments, || quote_spanned!(at=> #root::__private::#inner(#arguments)#after));
        quote_spanned! {at=>
            #attrs
            #[inline]
            pub fn #name #impl_generics (#(#names: #params),*) #output #where_clause {
                #body
            }
        }
    }
}
