//! Generates the companion.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{ConstParam, Expr, GenericParam, Index, TypeParam, Visibility};

use super::companion::{Companion, PoolSource};
use super::methods;
use crate::errors::ZERO;
use crate::expr::is_constant;
use crate::span::{first_span, last_span};

// struct fetch {}
// impl fetch { .. }
// impl PooledFn<(String,), Page> for fetch { .. }
pub(crate) fn companion(companion: &Companion) -> TokenStream {
    let Companion { vis, name, attrs, struct_attrs, .. } = companion;
    let at = Span::call_site();
    // Errors about the struct point at the name. Everything else points at the attribute: otherwise editors would show
    // hints for each generated token at the name.
    let at_name = at.located_at(name.span());
    let mut struct_name = name.clone();
    struct_name.set_span(at_name);
    let definition = quote_spanned!(at_name=> struct #struct_name {});
    let title = companion.doc("The pool of", ", and the functions that run jobs in it.");
    let pool = pool(companion);
    let spawns = methods::spawns(companion);
    let maps = methods::maps(companion);
    let submit = methods::submit(companion);
    let pooled_fn = pooled_fn(companion);
    quote_spanned! {at=>
        #(#attrs)*
        #(#struct_attrs)*
        #title
        #[allow(non_camel_case_types)]
        #vis #definition

        #(#attrs)*
        #[allow(deprecated, non_snake_case, clippy::all, clippy::pedantic)]
        impl #name {
            #pool
            #spawns
            #maps
            #submit
        }

        #pooled_fn
    }
}

// pub fn pool() -> &'static GreenPool {
//     const __SIZE: usize = 100;
//     const _: () = assert!(__SIZE != 0, "..");
//     static __POOL: PoolCell = PoolCell::new("fetch", || __SIZE);
//     PoolCell::get(&__POOL)
// }
fn pool(companion: &Companion) -> TokenStream {
    let Companion { pool_name, .. } = companion;
    let root = companion.root();
    let at = Span::call_site();
    let doc = companion.doc("The pool that", &format!(" runs in{}.", companion.source.description()));
    let number = quote_spanned!(at=> ::core::primitive::usize);
    let cell = quote_spanned!(at=> #root::__private::PoolCell);
    let body = match &companion.source {
        PoolSource::Shared(path) => {
            let shared = quote_spanned!(first_span(path)=> &#path);
            quote_spanned!(first_span(path)=> #root::__private::shared(#shared))
        }
        PoolSource::Own(Some(size)) if is_constant(size) => {
            let assertion = assertion(size);
            quote_spanned! {at=>
                const __SIZE: #number = #size;
                #assertion
                static __POOL: #cell = #cell::new(#pool_name, || __SIZE);
                #cell::get(&__POOL)
            }
        }
        PoolSource::Own(size) => {
            let size = size.as_ref().map_or_else(|| quote!(1000), |size| quote!(#size));
            quote_spanned! {at=>
                static __POOL: #cell = #cell::new(#pool_name, || {
                    let size: #number = #size;
                    size
                });
                #cell::get(&__POOL)
            }
        }
    };
    quote_spanned! {at=>
        #doc
        #[must_use]
        pub fn pool() -> &'static #root::GreenPool {
            #body
        }
    }
}

// const _: () = assert!(__SIZE != 0, "..");       with the span of the value
fn assertion(size: &Expr) -> TokenStream {
    let start = first_span(size);
    let end = last_span(size).unwrap_or(start);
    let condition = quote_spanned!(end=> (__SIZE != 0, #ZERO));
    let assert = quote_spanned!(start=> ::core::assert!);
    let semicolon = quote_spanned!(end=> ;);
    quote_spanned!(start=> const _: () = #assert #condition #semicolon)
}

// struct __fetch<T>(PhantomData<fn() -> (*const T,)>);            only with generics
// impl PooledFn<(String,), Page> for fetch {
//     fn name() -> &'static str { "fetch" }
//     fn pool() -> &'static GreenPool { fetch::pool() }
//     fn call(args: (String,)) -> impl Future<Output = Page> + Send + 'static { fetch(args.0) }
//     fn workers() -> Option<&'static WorkersCell> {           only without generics
//         static __WORKERS: WorkersCell = WorkersCell::new();
//         Some(&__WORKERS)
//     }
// }
fn pooled_fn(companion: &Companion) -> TokenStream {
    let Companion { vis, function, name, attrs, output, pool_name, generics, .. } = companion;
    let root = companion.root();
    let at = Span::call_site();
    let user = function.span();
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let marker = companion.marker().map(|marker| marker_struct(companion, &marker, vis));
    let pooled = companion.pooled_type();
    let tuple = companion.args_tuple();
    let turbofish = companion.turbofish();
    let fields = (0..companion.params.len()).map(Index::from);
    let call = if companion.broken {
        quote_spanned!(at=> { let _ = args; ::core::future::pending() })
    } else {
        quote_spanned!(at=> { #function #turbofish (#(args.#fields),*) })
    };
    let future = quote_spanned! {user=>
        impl ::core::future::Future<Output = #output> + ::core::marker::Send + 'static
    };
    let pooled_fn = pooled_fn_path(companion);
    let workers = (generics.params.is_empty() && !companion.broken).then(|| {
        let cell = quote_spanned!(at=> #root::__private::WorkersCell);
        quote_spanned! {at=>
            fn workers() -> ::core::option::Option<&'static #cell> {
                static __WORKERS: #cell = #cell::new();
                ::core::option::Option::Some(&__WORKERS)
            }
        }
    });
    quote_spanned! {at=>
        #marker

        #(#attrs)*
        #[allow(deprecated, clippy::all, clippy::pedantic)]
        impl #impl_generics #pooled_fn for #pooled #where_clause {
            fn name() -> &'static ::core::primitive::str { #pool_name }
            fn pool() -> &'static #root::GreenPool { <#name>::pool() }
            fn call(args: #tuple) -> #future #call
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

// #[doc(hidden)] struct __fetch<T, const N: usize>(PhantomData<fn() -> (*const T,)>);
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
        #[allow(non_camel_case_types)]
        #vis struct #marker<#(#params),*>(
            ::core::marker::PhantomData<fn() -> (#(*const #types,)*)>
        );
    }
}
