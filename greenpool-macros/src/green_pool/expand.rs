//! Generates the companion.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{ConstParam, Expr, GenericParam, Index, TypeParam, Visibility};

use super::companion::{Companion, Param, PoolSource};
use super::item::Item;
use super::{maps, methods, on};
use crate::errors::{ZERO, ZERO_PER_KEY};
use crate::expr::{is_constant, names};
use crate::span::{first_span, generated, generated_ident, last_span};

// struct fetch {}
// impl fetch { .. }
// impl PooledFn<(String,), Page> for fetch { .. }
pub(crate) fn companion(companion: &Companion) -> TokenStream {
    let definition = definition(companion, &TokenStream::new());
    let impls = impls(companion);
    quote!(#definition #impls)
}

// #[derive(__Companion)] #[__green_pool((size = 100) async fn fetch(url: String) -> Page {})] struct fetch {}
pub(crate) fn derived(companion: &Companion, args: &TokenStream, item: &Item) -> TokenStream {
    let root = companion.root();
    let Item { attrs, vis, sig, .. } = item;
    let derive = quote! {
        #[derive(#root::__private::__Companion)]
        #[__green_pool((#args) #(#attrs)* #vis #sig {})]
    };
    definition(companion, &derive)
}

// struct fetch {}
fn definition(companion: &Companion, derive: &TokenStream) -> TokenStream {
    let Companion { vis, name, attrs, struct_attrs, .. } = companion;
    let at = Span::call_site();
    // Errors about the struct point at the name. Everything else points at the attribute: otherwise editors would show
    // hints for each generated token at the name.
    let at_name = generated(name.span());
    let struct_name = generated_ident(name);
    let definition = quote_spanned!(at_name=> struct #struct_name {});
    let title = companion.doc("The pool of", ", and the functions that run jobs in it.");
    quote_spanned! {at=>
        #(#attrs)*
        #(#struct_attrs)*
        #title
        #derive
        #[non_exhaustive]
        #vis #definition
    }
}

// impl fetch { .. }
// impl PooledFn<(String,), Page> for fetch { .. }
pub(crate) fn impls(companion: &Companion) -> TokenStream {
    let Companion { name, attrs, .. } = companion;
    let at = Span::call_site();
    let pool = pool(companion);
    let spawns = methods::spawns(companion);
    let maps = maps::maps(companion);
    let on = on::on(companion);
    let submit = methods::submit(companion);
    let pooled_fn = pooled_fn(companion);
    let shared_fn = shared_fn(companion);
    // The lint on unused items reports those of an `impl` together, and not at all if a macro wrote one of them. The
    // methods have the user's spans, so this constant keeps it from reporting methods without a caller.
    quote_spanned! {at=>
        #(#attrs)*
        impl #name {
            const __UNUSED: () = ();
            #pool
            #spawns
            #maps
            #on
            #submit
        }

        #pooled_fn
        #shared_fn
    }
}

// impl Shares<Client, 0> for fetch {}
// impl SharedFn<(Client, String,), (Client,), (String,)> for fetch {
//     fn args(__shared: &(Client,), __rest: (String,)) -> (Client, String,) {
//         (share::<fetch, Client, 0>(&__shared.0), __rest.0,)
//     }
// }
fn shared_fn(companion: &Companion) -> TokenStream {
    if !companion.has_shared() || companion.broken {
        return TokenStream::new();
    }
    let Companion { attrs, generics, .. } = companion;
    let root = companion.root();
    let at = Span::call_site();
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let pooled = companion.pooled_type();
    let (all, shared, rest) = (companion.args_tuple(), companion.shared_tuple(), companion.rest_tuple());
    // With the span of the type, since only this path requires it to be `Clone`.
    let shares = companion.shared().enumerate().map(|(index, Param { stored, .. })| {
        let start = first_span(stored);
        let close = quote_spanned!(last_span(stored).unwrap_or(start)=> >);
        let root = companion.root_at(start);
        let shares = quote_spanned!(start=> #root::__private::Shares<#stored, #index #close);
        quote_spanned!(at=> #(#attrs)* impl #impl_generics #shares for #pooled #where_clause {})
    });
    let fields = companion.params.iter().enumerate().map(|(position, Param { stored, shared, .. })| {
        let before = companion.params[..position].iter().filter(|param| param.shared == *shared).count();
        let field = Index::from(before);
        if *shared {
            quote_spanned!(at=> #root::__private::share::<#pooled, #stored, #before>(&__shared.#field))
        } else {
            quote_spanned!(at=> __rest.#field)
        }
    });
    quote_spanned! {at=>
        #(#shares)*

        #(#attrs)*
        impl #impl_generics #root::__private::SharedFn<#all, #shared, #rest> for #pooled #where_clause {
            #[inline]
            fn args(__shared: &#shared, __rest: #rest) -> #all {
                (#(#fields,)*)
            }
        }
    }
}

// pub fn pool() -> &'static GreenPool {
//     const SIZE: usize = 100;
//     const _: () = assert!(SIZE != 0, "..");
//     static POOL: PoolCell = PoolCell::new("fetch", || SIZE);
//     PoolCell::get(&POOL)
// }
fn pool(companion: &Companion) -> TokenStream {
    let Companion { pool_name, .. } = companion;
    let root = companion.root();
    let at = Span::call_site();
    let doc = companion
        .doc("The pool that", &format!(" runs in{}.", companion.source.description(companion.per_key.as_ref())));
    let cell = quote_spanned!(at=> #root::__private::PoolCell);
    let stored = companion.unused_ident("POOL");
    let body = match &companion.source {
        PoolSource::Shared(path) => {
            let shared = quote_spanned!(first_span(path)=> &#path);
            quote_spanned!(first_span(path)=> #root::__private::shared(#shared))
        }
        PoolSource::Own(size) => {
            let (size_constant, size) = count(companion, size.as_ref(), "SIZE", ZERO);
            let limit =
                companion.per_key.as_ref().map(|per_key| count(companion, Some(per_key), "PER_KEY", ZERO_PER_KEY));
            let made = match limit {
                None => quote_spanned!(at=> #size_constant static #stored: #cell = #cell::new(#pool_name, #size);),
                Some((limit_constant, limit)) => quote_spanned! {at=>
                    #size_constant
                    #limit_constant
                    static #stored: #cell = #cell::with_keys(#pool_name, #size, #limit);
                },
            };
            quote_spanned!(at=> #made #cell::get(&#stored))
        }
    };
    quote_spanned! {at=>
        #doc
        #[must_use]
        #[inline]
        pub fn pool() -> &'static #root::GreenPool {
            #body
        }
    }
}

// const SIZE: usize = 100;                        if it can be a constant
// const _: () = assert!(SIZE != 0, "..");
// || SIZE                                         otherwise `|| -> usize { (size()) }`
fn count(companion: &Companion, value: Option<&Expr>, name: &str, zero: &str) -> (TokenStream, TokenStream) {
    let at = Span::call_site();
    let number = quote_spanned!(at=> ::core::primitive::usize);
    let Some(value) = value else { return (TokenStream::new(), quote_spanned!(at=> || -> #number { (1000) })) };
    if !is_constant(value) {
        return (TokenStream::new(), quote_spanned!(at=> || -> #number { (#value) }));
    }
    let constant = companion.unused_ident(name);
    let assertion = assertion(value, &constant, zero);
    (quote_spanned!(at=> const #constant: #number = #value; #assertion), quote_spanned!(at=> || #constant))
}

// const _: () = assert!(SIZE != 0, "..");         with the span of the value
fn assertion(value: &Expr, constant: &Ident, zero: &str) -> TokenStream {
    let start = first_span(value);
    let end = last_span(value).unwrap_or(start);
    let condition = quote_spanned!(end=> (#constant != 0, #zero));
    let assert = quote_spanned!(start=> ::core::assert!);
    let semicolon = quote_spanned!(end=> ;);
    quote_spanned!(start=> const _: () = #assert #condition #semicolon)
}

// const HAS_KEY: bool = true;
// fn key(__args: (String,)) -> ((String,), Option<Key>) {
//     let (url,) = __args;
//     let __key = key(host(&url));
//     ((url,), Some(__key))
// }
fn key(companion: &Companion) -> Option<TokenStream> {
    let key = companion.key.as_ref().filter(|_| !companion.broken)?;
    let root = companion.root();
    let at = Span::call_site();
    let tuple = companion.args_tuple();
    let names = companion.params.iter().enumerate().map(|(at, Param { name, own_name, .. })| {
        let name = own_name.as_ref().unwrap_or(name);
        // A name that says that nothing uses it keeps its word, unless the expression names it.
        let is_unused = name.to_string().starts_with('_') && !names(key, name);
        if is_unused { companion.unused_ident(&format!("__{at}")) } else { name.clone() }
    });
    let names: Vec<_> = names.collect();
    let made = companion.unused_ident("__key");
    let start = first_span(key);
    let root_at_key = companion.root_at(start);
    let call = quote_spanned!(start=> #root_at_key::__private::key(#key));
    Some(quote_spanned! {at=>
        const HAS_KEY: ::core::primitive::bool = true;
        fn key(__args: #tuple) -> (#tuple, ::core::option::Option<#root::__private::Key>) {
            let (#(#names,)*) = __args;
            let #made = #call;
            ((#(#names,)*), ::core::option::Option::Some(#made))
        }
    })
}

// struct __pooled_fetch<T>(PhantomData<fn() -> (*const T,)>);            only with generics
// impl PooledFn<(String,), Page> for Alias<fetch> {
//     fn name() -> &'static str { "fetch" }
//     fn pool() -> &'static GreenPool { fetch::pool() }
//     fn call(__args: (String,)) -> impl Future<Output = Page> + Send + 'static { fetch(__args.0) }
//     ..                                                       `HAS_KEY` and `key`, only with a key
//     fn workers() -> Option<&'static WorkersCell> {           only without generics
//         static __WORKERS: WorkersCell = WorkersCell::new();
//         Some(&__WORKERS)
//     }
// }
fn pooled_fn(companion: &Companion) -> TokenStream {
    let Companion { vis, function, name, attrs, output, pool_name, generics, .. } = companion;
    let root = companion.root();
    let at = Span::call_site();
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    // Clippy warns of a type whose own method, `pool`, has the name of a method of its trait, unless the trait is
    // implemented for the type by another name.
    let (marker, pooled) = match companion.marker() {
        Some(marker) => (Some(marker_struct(companion, &marker, vis)), companion.pooled_type()),
        None => (None, quote_spanned!(at=> #root::__private::Alias<#name>)),
    };
    let tuple = companion.args_tuple();
    let turbofish = companion.turbofish();
    let fields = (0..companion.params.len()).map(Index::from);
    let call = if companion.broken {
        quote_spanned!(at=> { let _ = __args; ::core::future::pending() })
    } else {
        quote_spanned!(at=> { #function #turbofish (#(__args.#fields),*) })
    };
    let future = quote_spanned! {companion.future_span=>
        impl ::core::future::Future<Output = #output> + ::core::marker::Send + 'static
    };
    let pooled_fn = pooled_fn_path(companion);
    let key = key(companion);
    let workers = (generics.params.is_empty() && !companion.broken).then(|| {
        let cell = quote_spanned!(at=> #root::__private::WorkersCell);
        quote_spanned! {at=>
            #[inline]
            fn workers() -> ::core::option::Option<&'static #cell> {
                static __WORKERS: #cell = #cell::new();
                ::core::option::Option::Some(&__WORKERS)
            }
        }
    });
    quote_spanned! {at=>
        #marker

        #(#attrs)*
        impl #impl_generics #pooled_fn for #pooled #where_clause {
            #[inline]
            fn name() -> &'static ::core::primitive::str { #pool_name }
            #[inline]
            fn pool() -> &'static #root::GreenPool { <#name>::pool() }
            #[inline]
            fn call(__args: #tuple) -> #future #call
            #key
            #workers
        }
    }
}

// PooledFn<(String,), Page>       with the span of the output, since only this path requires the output to be `Send`
fn pooled_fn_path(companion: &Companion) -> TokenStream {
    let output = &companion.output;
    let tuple = companion.args_tuple();
    let start = first_span(output);
    let end = last_span(output).unwrap_or(start);
    let root = companion.root_at(start);
    let close = quote_spanned!(end=> >);
    quote_spanned!(start=> #root::PooledFn<#tuple, #output #close)
}

// #[doc(hidden)] struct __pooled_fetch<T, const N: usize>(PhantomData<fn() -> (*const T,)>);
fn marker_struct(companion: &Companion, marker: &Ident, vis: &Visibility) -> TokenStream {
    let at = Span::call_site();
    let attrs = &companion.attrs;
    let mut types = Vec::new();
    let params: Vec<_> = companion
        .generics
        .params
        .iter()
        .filter_map(|param| match param {
            GenericParam::Type(TypeParam { ident, .. }) => {
                types.push(ident);
                Some(quote_spanned!(at=> #ident: ?::core::marker::Sized))
            }
            GenericParam::Const(ConstParam { ident, ty, .. }) => Some(quote_spanned!(at=> const #ident: #ty)),
            GenericParam::Lifetime(_) => None,
        })
        .collect();
    quote_spanned! {at=>
        #(#attrs)*
        #[doc(hidden)]
        #vis struct #marker<#(#params),*>(
            ::core::marker::PhantomData<fn() -> (#(*const #types,)*)>
        );
    }
}
