//! The argument `remote`: what the attribute writes so that a function can run on another machine.

mod signature;
mod valid;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{LitStr, Signature};

use self::signature::signature;
pub(crate) use self::valid::check;
use super::companion::{Companion, Param, PoolSource};
use super::maps::far_maps;
use crate::span::{first_span, generated, last_span};

// impl RemoteFn for fetch { .. }
// impl Remote for fetch { .. }
// pub struct __fetch_far(FarPool<fetch>);
// impl __fetch_far { pub fn spawn(&self, url: String) -> FarSpawn<fetch> { .. } .. }
// impl fetch { pub fn handler() -> Handler { .. } }
pub(crate) fn impls(companion: &Companion, sig: &Signature) -> TokenStream {
    let Companion { name, vis, attrs, .. } = companion;
    let at = Span::call_site();
    let root = companion.root();
    // With the context of the macro, so that lints pass over its name.
    let verbs = format_ident!("__{}_far", name.unraw(), span = generated(companion.function.span()));
    let remote_fn = remote_fn(companion, sig);
    let spawns = spawns(companion);
    let maps = far_maps(companion);
    let title = companion.doc("The verbs of", " on an engine.");
    let entries = entries(companion);
    quote_spanned! {at=>
        #remote_fn
        #entries

        #(#attrs)*
        #title
        #[doc(hidden)]
        #vis struct #verbs(#root::__private::remote::FarPool<#name>);

        #(#attrs)*
        impl #root::__private::remote::Remote for #name {
            type Verbs = #verbs;
            type Far = #root::remote::Far<#name>;

            fn verbs(__pool: #root::__private::remote::FarPool<#name>) -> #verbs { #verbs(__pool) }
            fn far(__pool: #root::__private::remote::FarPool<#name>) -> #root::remote::Far<#name> {
                #root::remote::Far::of(__pool)
            }
        }

        #(#attrs)*
        impl #verbs {
            const __UNUSED: () = ();
            #spawns
            #maps
        }
    }
}

// impl fetch {
//     const __UNUSED_FAR: () = ();         like `__UNUSED` in `expand::impls`: no method of it is reported as unused
//     pub fn handler() -> Handler { __private::remote::handler::<fetch>(()) }
//     pub fn handler(client: Client) -> ..                                         with `#[shared] client: Client`
// }
fn entries(companion: &Companion) -> TokenStream {
    let Companion { name, attrs, .. } = companion;
    let at = Span::call_site();
    let root = companion.root();
    let handler = companion.method("handler");
    let doc_handler = companion.doc("Returns what a worker needs to serve", ".");
    let (param, state) = match companion.shared().next() {
        Some(Param { name, ty, .. }) => (quote_spanned!(at=> #name: #ty), name.to_token_stream()),
        None => (TokenStream::new(), quote_spanned!(at=> ())),
    };
    quote_spanned! {at=>
        #(#attrs)*
        impl #name {
            const __UNUSED_FAR: () = ();
            #doc_handler
            pub fn #handler(#param) -> #root::remote::Handler {
                #root::__private::remote::handler::<#name>(#state)
            }
        }
    }
}

// impl RemoteFn for fetch {
//     type Args = (String,); type Output = Page; type State = Client; type Codecs = (Codec<String>,);
//     const NAME: &'static str = "fetch"; const SIGNATURE: &'static str = "27d38225d2ce1def"; const PATH: ..;
//     fn size() -> usize { 100 }
//     fn call(__state: Client, __args: (String,)) -> impl Future<Output = Page> + Send + 'static {
//         fetch(__state, __args.0)
//     }
//     fn states(__state: Client) -> States<Client> {
//         __private::remote::states::<Client>(__state, share::<fetch, Client, 0>)
//     }
//     fn arguments() -> (Codec<String>,) { (codec::<String>(),) }
//     fn output() -> Codec<Page> { codec::<Page>() }
// }
fn remote_fn(companion: &Companion, sig: &Signature) -> TokenStream {
    let Companion { function, name, attrs, output, pool_name, .. } = companion;
    let at = Span::call_site();
    let root = companion.root();
    let private = quote_spanned!(at=> #root::__private::remote);
    let string = quote_spanned!(at=> &'static ::core::primitive::str);
    let tuple = companion.rest_tuple();
    let types: Vec<_> = companion.rest().map(|param| &param.stored).collect();
    let codecs = types.iter().map(|ty| codec(companion, &ty.to_token_stream()));
    // Clippy does not like `()` as the value of a function.
    let codecs = if types.is_empty() { quote!(::core::default::Default::default()) } else { quote!((#(#codecs,)*)) };
    let output_codec = codec(companion, output);
    let State { ty: state, pattern, states } = state(companion);
    let arguments = arguments(companion);
    let signature = LitStr::new(&signature(sig), at);
    let size = match &companion.source {
        PoolSource::Own(Some(size)) => quote!(#size),
        PoolSource::Own(None) | PoolSource::Shared(_) => quote!(1000),
    };
    let text = function.to_string();
    quote_spanned! {at=>
        #(#attrs)*
        impl #private::RemoteFn for #name {
            type Args = #tuple;
            type Output = #output;
            type State = #state;
            type Codecs = (#(#private::Codec<#types>,)*);

            const NAME: #string = #pool_name;
            const SIGNATURE: #string = #signature;
            const PATH: #string = ::core::concat!(::core::module_path!(), "::", #text);

            fn size() -> ::core::primitive::usize { #size }
            fn call(
                #pattern: #state,
                __args: #tuple,
            ) -> impl ::core::future::Future<Output = #output> + ::core::marker::Send + 'static {
                #function(#(#arguments),*)
            }
            fn states(#pattern: #state) -> #private::States<#state> { #states }
            fn arguments() -> Self::Codecs { #codecs }
            fn output() -> #private::Codec<#output> { #output_codec }
        }
    }
}

/// What a worker gives to each job.
struct State {
    ty: TokenStream,
    /// What binds its value.
    pattern: TokenStream,
    /// What makes a clone for each job.
    states: TokenStream,
}

// Client, __state, __private::remote::states::<Client>(__state, __private::share::<fetch, Client, 0>)
//
/// `share` is what the function's own maps clone with, so that a type that is not `Clone` is one error. The call of
/// `states` is the one place that asks for the rest, from the first to the last token of the type.
fn state(companion: &Companion) -> State {
    let at = Span::call_site();
    let root = companion.root();
    let Some(Param { stored, .. }) = companion.shared().next() else {
        let states = quote_spanned!(at=> #root::__private::remote::stateless());
        return State { ty: quote!(()), pattern: quote!(()), states };
    };
    let name = &companion.name;
    let start = first_span(stored);
    let end = last_span(stored).unwrap_or(start);
    let root_at_type = companion.root_at(start);
    let arguments = quote_spanned!(at=> (__state, #root::__private::share::<#name, #stored, 0>));
    let call = quote_spanned!(end=> > #arguments);
    let states = quote_spanned!(start=> #root_at_type::__private::remote::states::<#stored #call);
    State { ty: stored.to_token_stream(), pattern: quote_spanned!(at=> __state), states }
}

// __state, __args.0        the arguments of the function, in their order
fn arguments(companion: &Companion) -> Vec<TokenStream> {
    let at = Span::call_site();
    let mut travelled = 0..;
    let argument = |param: &Param| {
        if param.shared {
            return quote_spanned!(at=> __state);
        }
        let field = travelled.next().map(syn::Index::from);
        quote_spanned!(at=> __args.#field)
    };
    companion.params.iter().map(argument).collect()
}

// __private::remote::codec::<String>()        from the first to the last token of the type: the one place that asks
//                                             whether it can travel
fn codec(companion: &Companion, ty: &TokenStream) -> TokenStream {
    let start = first_span(ty);
    let end = last_span(ty).unwrap_or(start);
    let root = companion.root_at(start);
    let call = quote_spanned!(end=> >());
    quote_spanned!(start=> #root::__private::remote::codec::<#ty #call)
}

struct Spawn {
    /// The method of the runtime, behind underscores if it is hidden.
    name: &'static str,
    doc: TokenStream,
    output: TokenStream,
    /// Whether the runtime takes the arguments by reference.
    lends: bool,
}

// pub fn spawn(&self, url: String) -> FarSpawn<fetch> { self.0.spawn((url,)) }
fn spawns(companion: &Companion) -> TokenStream {
    let Companion { name, output, .. } = companion;
    let at = Span::call_site();
    let root = companion.root();
    let tuple = companion.rest_tuple();
    let doc = |text: &str| quote_spanned!(at=> #[doc = #text]);
    let kinds = [
        Spawn {
            name: "spawn",
            doc: doc(
                "Waits for a place in the window, submits a job, and returns its handle. Nothing happens until the \
                 future is awaited.",
            ),
            output: quote_spanned!(at=> #root::remote::FarSpawn<#name>),
            lends: false,
        },
        Spawn {
            name: "try_spawn",
            doc: doc(
                "Submits a job if there is a place in the window; otherwise returns the arguments.\n\n# Panics\n\n\
                 Panics outside of a tokio runtime.",
            ),
            output: quote_spanned! {at=>
                ::core::result::Result<#root::GreenThread<#output>, #root::TrySpawnError<#tuple>>
            },
            lends: false,
        },
        Spawn {
            name: "spawn_n",
            doc: doc("Stores a job for which nobody waits. The future is ready when it is stored."),
            output: quote_spanned!(at=> #root::remote::SpawnFar),
            lends: true,
        },
        Spawn {
            name: "call",
            doc: doc("Returns the call as a future, outside the window. Dropping the future cancels the job."),
            output: quote_spanned!(at=> #root::remote::Call<#name>),
            lends: false,
        },
        // The entries of `pile!`.
        Spawn {
            name: "__submit",
            doc: quote_spanned!(at=> #[doc(hidden)]),
            output: quote_spanned!(at=> #root::GreenThread<#output>),
            lends: false,
        },
    ];
    kinds.iter().map(|kind| spawn(companion, kind)).collect()
}

fn spawn(companion: &Companion, kind: &Spawn) -> TokenStream {
    let at = Span::call_site();
    let Spawn { name, doc, output, lends } = kind;
    let inner = Ident::new(name.trim_start_matches('_'), at);
    let method = companion.method(name);
    let names: Vec<_> = companion.rest().map(|param| &param.name).collect();
    let types = companion.rest().map(|param| &param.ty);
    let lend = lends.then(|| quote_spanned!(at=> &));
    quote_spanned! {at=>
        #doc
        #[track_caller]
        pub fn #method(&self, #(#names: #types),*) -> #output {
            self.0.#inner(#lend (#(#names,)*))
        }
    }
}

#[cfg(test)]
mod tests;
