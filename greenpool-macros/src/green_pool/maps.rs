//! The companion's associated functions that run one job for each item of a source.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{GenericParam, parse_quote_spanned};

use super::companion::{Companion, Param};
use crate::span::{first_span, generated};

use self::Items::{Failing, Results, Stream, Tuples, Zipped};

/// What a source has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Items {
    /// Iterables, one per parameter.
    Zipped,
    /// An iterable of tuples.
    Tuples,
    /// An iterable of `Result`s of items.
    Results,
    /// A stream of items: the argument, or tuples of several.
    Stream,
    /// A stream of `Result`s of items.
    Failing,
}

/// Each verb, what it reads, and whether its results are in order.
const VERBS: [(&str, Items, bool); 10] = [
    ("imap", Zipped, true),
    ("imap_unordered", Zipped, false),
    ("starmap", Tuples, true),
    ("starmap_unordered", Tuples, false),
    ("try_imap", Results, true),
    ("try_imap_unordered", Results, false),
    ("imap_stream", Stream, true),
    ("imap_stream_unordered", Stream, false),
    ("try_imap_stream", Failing, true),
    ("try_imap_stream_unordered", Failing, false),
];

/// What the documentation of all maps says.
const DOC: &str = "The map starts at once, and has at most as many items in flight as the pool has slots. Dropping \
    it aborts the running jobs and stops reading.\n\n# Panics\n\nPanics outside of a tokio runtime.";

/// The same for a function on an engine.
const FAR_DOC: &str = "The map starts at once, and has at most as many items in flight as the window has places. \
    Dropping it stops reading, removes the queued jobs, and tells the workers to stop the running ones.\n\n# Panics\n\n\
    Panics outside of a tokio runtime.";

impl Items {
    fn can_fail(self) -> bool {
        matches!(self, Results | Failing)
    }

    /// The function of `__private` that starts the map.
    fn inner(self) -> &'static str {
        match self {
            Zipped => "imap",
            Tuples => "starmap",
            Results => "try_imap",
            Stream => "imap_stream",
            Failing => "try_imap_stream",
        }
    }

    /// What the documentation says of the source.
    fn description(self, items: &str) -> String {
        match self {
            Zipped => "iterables, one per parameter, whose iterators are `Send` and `'static`".to_owned(),
            Tuples => "an iterable of tuples of arguments, whose iterator is `Send` and `'static`".to_owned(),
            Results => format!("an iterable of `Result`s of {items}, whose iterator is `Send` and `'static`"),
            Stream => format!("a stream of {items}, which is `Send` and `'static`"),
            Failing => format!("a stream of `Result`s of {items}, which is `Send` and `'static`"),
        }
    }
}

/// The traits that make arguments from items are implemented for up to so many of them.
pub(crate) const MAX_PARAMS: usize = 12;

// pub fn imap<I0: ReadFromAnyThread<String>>(url: I0) -> GreenMap<Page> { .. }
// pub fn imap_unordered<..>(..) -> .. { .. }
// ..
pub(crate) fn maps(companion: &Companion) -> TokenStream {
    verbs(companion).map(|(name, items, ordered)| map(companion, name, *items, *ordered)).collect()
}

// pub fn imap<I0: ReadFromAnyThread<String>>(&self, url: I0) -> GreenMap<Page> { .. }
// ..
/// The same verbs of a function on an engine, where the shared values are the workers'.
pub(crate) fn far_maps(companion: &Companion) -> TokenStream {
    verbs(companion).map(|(name, items, ordered)| far_map(companion, name, *items, *ordered)).collect()
}

fn verbs(companion: &Companion) -> impl Iterator<Item = &'static (&'static str, Items, bool)> {
    let params = companion.rest().count();
    VERBS.iter().filter(move |(_, items, _)| match items {
        Zipped => (1..=MAX_PARAMS).contains(&params),
        Tuples => true,
        Results | Stream | Failing => params <= MAX_PARAMS,
    })
}

/// Something that a map reads.
struct Source {
    name: Ident,
    item: TokenStream,
    /// What errors call the bound on the source.
    at: Span,
}

fn sources(companion: &Companion, items: Items) -> Vec<Source> {
    if items == Zipped {
        let source = |param: &Param| Source {
            name: param.name.clone(),
            item: param.stored.to_token_stream(),
            at: first_span(&param.stored),
        };
        return companion.rest().map(source).collect();
    }
    let mut rest = companion.rest();
    let first = rest.next();
    let (name, item) = match (items, first, rest.next()) {
        (Tuples, ..) => ("__tuples", companion.rest_tuple()),
        (_, Some(param), None) => ("__source", param.stored.to_token_stream()),
        _ => ("__source", companion.rest_tuple()),
    };
    let at = first.map_or_else(|| companion.function.span(), |param| first_span(&param.stored));
    vec![Source { name: companion.unused_ident(name), item, at }]
}

/// The type parameter for the error of the source.
fn error(companion: &Companion) -> Ident {
    companion.unused_ident("E")
}

/// The trait of a source.
fn reads(items: Items, at: Span) -> Ident {
    let name = match items {
        Zipped | Tuples | Results => "ReadFromAnyThread",
        Stream => "StreamFromAnyThread",
        Failing => "TryStreamFromAnyThread",
    };
    Ident::new(name, at)
}

// ReadFromAnyThread<String>       with the span of the type, since errors call it what requires the argument's type
fn bound(companion: &Companion, items: Items, source: &Source) -> TokenStream {
    let Source { item, at, .. } = source;
    let root = companion.root_at(*at);
    let name = reads(items, *at);
    let error = error(companion);
    let read = match items {
        Zipped | Tuples | Stream => quote_spanned!(*at=> #item),
        Results => quote_spanned!(*at=> ::core::result::Result<#item, #error>),
        Failing => quote_spanned!(*at=> #item, #error),
    };
    quote_spanned!(*at=> #root::__private::#name<#read>)
}

// + Implies<(Client,), Is: Send + 'static>
//
/// As a bound on a type parameter it is checked where the map is called: if the shared values are not `Send`, the error
/// at the function is the only one.
fn shared_is_send(companion: &Companion) -> TokenStream {
    if !companion.has_shared() {
        return TokenStream::new();
    }
    let root = companion.root();
    let shared = companion.shared_tuple();
    quote_spanned! {Span::call_site()=>
        + #root::__private::Implies<#shared, Is: ::core::marker::Send + 'static>
    }
}

/// The generic parameters of a map, and the types of its sources.
///
/// A map takes a type parameter for each source. If the function has type parameters that its callers must write, it
/// takes an `impl Trait` instead: `parse::imap::<u32>(..)` must not ask for more than `parse::<u32>(..)` does.
fn generics(companion: &Companion, items: Items, sources: &[Source]) -> (syn::Generics, Vec<TokenStream>) {
    let at = Span::call_site();
    let mut generics = companion.generics.clone();
    let inferred = companion.has_inferred_generics();
    if items.can_fail() {
        let error = error(companion);
        let param: GenericParam = parse_quote_spanned!(at=> #error: ::core::marker::Send + 'static);
        generics.params.push(param);
    }
    let implied = shared_is_send(companion);
    let types = sources.iter().enumerate().map(|(index, source)| {
        let bound = bound(companion, items, source);
        // The first source says it, since there is always one.
        let bound = if index == 0 { quote_spanned!(at=> #bound #implied) } else { bound };
        if !inferred {
            return quote_spanned!(at=> impl #bound);
        }
        let mut name = companion.unused_ident(&format!("I{index}"));
        name.set_span(generated(source.at));
        generics.params.push(parse_quote_spanned!(at=> #name: #bound));
        name.into_token_stream()
    });
    let types = types.collect();
    (generics, types)
}

/// The parameters of a map, with their types: in the order of the function's for `imap`, the shared ones first for the
/// others.
fn params<'a>(
    companion: &'a Companion,
    items: Items,
    sources: &'a [Source],
    types: &[TokenStream],
) -> Vec<(&'a Ident, TokenStream)> {
    let shared = |param: &'a Param| (&param.name, param.ty.to_token_stream());
    let mut sources = sources.iter().map(|source| &source.name).zip(types.iter().cloned());
    if items == Zipped {
        let params = companion.params.iter();
        return params.filter_map(|param| if param.shared { Some(shared(param)) } else { sources.next() }).collect();
    }
    companion.shared().map(shared).chain(sources).collect()
}

// Shared::<(Client,), (String,)>::new((client,))
fn shared(companion: &Companion) -> Option<TokenStream> {
    let at = Span::call_site();
    let root = companion.root();
    let names = companion.shared().map(|param| &param.name);
    let (shared, rest) = (companion.shared_tuple(), companion.rest_tuple());
    let values = quote_spanned!(at=> #root::__private::Shared::<#shared, #rest>::new((#(#names,)*)));
    companion.has_shared().then_some(values)
}

// #[track_caller]
// pub fn imap<I0: ReadFromAnyThread<String>>(url: I0) -> GreenMap<Page> {
//     __private::imap::<fetch, (String,), Page, _>((url,), true)
// }
fn map(companion: &Companion, name: &str, items: Items, ordered: bool) -> TokenStream {
    let Companion { output, .. } = companion;
    let at = Span::call_site();
    let root = companion.root();
    let doc = doc(companion, items, ordered, false);
    let sources = sources(companion, items);
    let (generics, types) = generics(companion, items, &sources);
    let (generics, _, clause) = generics.split_for_impl();
    let allow = (!companion.has_inferred_generics()).then(|| quote!(#[allow(clippy::impl_trait_in_params)]));
    let method = companion.method(name);
    let params = params(companion, items, &sources, &types);
    let output_type = output_type(companion, items);
    let error = items.can_fail().then(|| error(companion)).map(|error| quote_spanned!(at=> #error,));
    let names = params.iter().map(|(name, _)| name);
    let body = companion.body(&quote_spanned!(at=> (#(#names,)*)), || {
        let (name, pooled, tuple) = (&companion.name, companion.pooled_type(), companion.args_tuple());
        let inner = Ident::new(items.inner(), at);
        let names = sources.iter().map(|source| &source.name);
        let source = if items == Zipped { quote_spanned!(at=> (#(#names,)*)) } else { quote_spanned!(at=> #(#names)*) };
        let types = quote_spanned!(at=> #pooled, #tuple, #output, #error _);
        match shared(companion) {
            None => quote_spanned!(at=> #root::__private::#inner::<#types>(#source, #ordered)),
            Some(values) => quote_spanned! {at=>
                #root::__private::maps::#inner::<#types, _>(<#name>::pool(), #values, #source, #ordered)
            },
        }
    });
    let (names, types): (Vec<_>, Vec<_>) = params.into_iter().unzip();
    quote_spanned! {at=>
        #doc
        #allow
        #[track_caller]
        pub fn #method #generics (#(#names: #types),*) -> #output_type #clause {
            #body
        }
    }
}

// GreenMap<Page>
fn output_type(companion: &Companion, items: Items) -> TokenStream {
    let at = Span::call_site();
    let (root, output) = (companion.root(), &companion.output);
    if items.can_fail() {
        let error = error(companion);
        quote_spanned!(at=> #root::TryGreenMap<#output, #error>)
    } else {
        quote_spanned!(at=> #root::GreenMap<#output>)
    }
}

// #[track_caller]
// pub fn imap<I0: ReadFromAnyThread<String>>(&self, url: I0) -> GreenMap<Page> {
//     self.0.imap((url,), true)
// }
fn far_map(companion: &Companion, name: &str, items: Items, ordered: bool) -> TokenStream {
    let at = Span::call_site();
    let doc = doc(companion, items, ordered, true);
    let sources = sources(companion, items);
    let (generics, types) = generics(companion, items, &sources);
    let (method, inner) = (companion.method(name), Ident::new(items.inner(), at));
    let names: Vec<_> = sources.iter().map(|source| &source.name).collect();
    let output = output_type(companion, items);
    let source = if items == Zipped { quote_spanned!(at=> (#(#names,)*)) } else { quote_spanned!(at=> #(#names)*) };
    quote_spanned! {at=>
        #doc
        #[track_caller]
        pub fn #method #generics (&self, #(#names: #types),*) -> #output {
            self.0.#inner(#source, #ordered)
        }
    }
}

/// `far`: of a map on an engine.
fn doc(companion: &Companion, items: Items, ordered: bool, far: bool) -> TokenStream {
    let rest = if companion.rest().count() == 1 { "arguments" } else { "tuples of arguments" };
    let mut source = items.description(rest);
    if companion.has_shared() && !far {
        source += ", with a clone of each shared value for each job";
    }
    let order = if ordered { "in the order of the arguments" } else { "in order of completion" };
    let ending = if items.can_fail() {
        " The source's first `Err` ends the map: it comes after the results of all items before it."
    } else {
        ""
    };
    let end = if far { FAR_DOC } else { DOC };
    companion.doc("Runs", &format!(" over {source}, and yields the results {order}.{ending}\n\n{end}"))
}
