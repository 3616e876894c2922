//! The argument `remote`: what the attribute writes so that a function can run on another machine.

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{FnArg, LitStr, ReturnType, Signature, Type};

use super::args::Args;
use super::companion::{Companion, PoolSource};
use super::item::Item;
use crate::errors::Errors;
use crate::span::{first_span, generated, last_span};

/// Checks what `remote` asks of a function and of the other arguments. Returns whether the function can be remote.
pub(crate) fn check(args: &Args, item: &Item, errors: &mut Errors) -> bool {
    let Some(remote) = &args.remote else { return false };
    let mut found = Errors::default();
    if !cfg!(feature = "remote") {
        let message = "`remote` needs the feature of that name: `greenpool = { features = [\"remote\"] }`";
        found.at(remote.span(), message);
    }
    if let Some(pool) = &args.pool {
        let message = "a `remote` function has a size of its own on its farm; write `size = ..` instead of `pool`";
        found.on(pool, message);
    }
    if let Some(name) = args.name.as_ref().filter(|name| !is_wire_name(&name.value())) {
        let message = "the name of a `remote` function goes over the wire; use 1 to 64 letters, digits, `-` and `_`";
        found.on(name, message);
    }
    check_signature(&item.sig, &mut found);
    let fits = found.is_empty();
    errors.append(found);
    fits
}

fn check_signature(sig: &Signature, errors: &mut Errors) {
    let generic = "a `remote` function cannot be generic: a worker has to know its types; name them";
    if let Some(param) = sig.generics.params.first() {
        errors.on(param, generic);
    }
    for input in &sig.inputs {
        let FnArg::Typed(param) = input else { continue };
        match &*param.ty {
            Type::ImplTrait(_) => errors.on(&param.ty, generic),
            Type::Reference(_) => errors.on(
                &param.ty,
                "an argument of a `remote` function cannot be borrowed, not even for `'static`: a worker reads it from \
                 a message; take an owned value, such as `String`",
            ),
            _ => {}
        }
    }
    if sig.inputs.len() > MOST_ARGUMENTS {
        let message = format!("a `remote` function has at most {MOST_ARGUMENTS} arguments");
        errors.on(&sig.inputs[MOST_ARGUMENTS], message);
    }
}

/// The runtime has codecs for tuples of so many.
const MOST_ARGUMENTS: usize = 12;

fn is_wire_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

// impl RemoteFn for fetch { .. }
// impl Remote for fetch { .. }
// pub struct __fetch_far(FarPool<fetch>);
// impl __fetch_far { pub fn spawn(&self, url: String) -> FarSpawn<fetch> { .. } .. }
// impl fetch { pub fn on(engine: ..) -> Far<fetch> { .. } pub fn handler() -> Handler { .. } }
pub(crate) fn impls(companion: &Companion, sig: &Signature) -> TokenStream {
    let Companion { name, vis, attrs, .. } = companion;
    let at = Span::call_site();
    let root = companion.root();
    // With the context of the macro, so that lints pass over its name.
    let verbs = format_ident!("__{}_far", name.unraw(), span = generated(companion.function.span()));
    let remote_fn = remote_fn(companion, sig);
    let spawns = spawns(companion);
    let maps = maps(companion);
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

            fn verbs(__pool: #root::__private::remote::FarPool<#name>) -> #verbs { #verbs(__pool) }
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
//     pub fn on<E: Engine + Clone>(engine: &E) -> Far<fetch> { Far::on(Clone::clone(engine)) }
//     pub fn handler() -> Handler { __private::remote::handler::<fetch>(()) }
// }
fn entries(companion: &Companion) -> TokenStream {
    let Companion { name, attrs, .. } = companion;
    let at = Span::call_site();
    let root = companion.root();
    let handler = companion.method("handler");
    let doc_handler = companion.doc("Returns what a worker needs to serve", ".");
    quote_spanned! {at=>
        #(#attrs)*
        impl #name {
            const __UNUSED_FAR: () = ();
            #doc_handler
            pub fn #handler() -> #root::remote::Handler {
                #root::__private::remote::handler::<#name>(())
            }
        }
    }
}

// impl RemoteFn for fetch {
//     type Args = (String,); type Output = Page; type State = (); type Codecs = (Codec<String>,);
//     const NAME: &'static str = "fetch"; const SIGNATURE: &'static str = "27d38225d2ce1def"; const PATH: ..;
//     fn size() -> usize { 100 }
//     fn call(_: (), __args: (String,)) -> impl Future<Output = Page> + Send + 'static { fetch(__args.0) }
//     fn arguments() -> (Codec<String>,) { (codec::<String>(),) }
//     fn output() -> Codec<Page> { codec::<Page>() }
// }
fn remote_fn(companion: &Companion, sig: &Signature) -> TokenStream {
    let Companion { function, name, attrs, output, pool_name, .. } = companion;
    let at = Span::call_site();
    let root = companion.root();
    let private = quote_spanned!(at=> #root::__private::remote);
    let string = quote_spanned!(at=> &'static ::core::primitive::str);
    let tuple = companion.args_tuple();
    let types: Vec<_> = companion.params.iter().map(|param| &param.stored).collect();
    let codecs = types.iter().map(|ty| codec(companion, &ty.to_token_stream()));
    // Clippy does not like `()` as the value of a function.
    let codecs = if types.is_empty() { quote!(::core::default::Default::default()) } else { quote!((#(#codecs,)*)) };
    let output_codec = codec(companion, output);
    let fields = (0..types.len()).map(syn::Index::from);
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
            type State = ();
            type Codecs = (#(#private::Codec<#types>,)*);

            const NAME: #string = #pool_name;
            const SIGNATURE: #string = #signature;
            const PATH: #string = ::core::concat!(::core::module_path!(), "::", #text);

            fn size() -> ::core::primitive::usize { #size }
            fn call(
                (): (),
                __args: #tuple,
            ) -> impl ::core::future::Future<Output = #output> + ::core::marker::Send + 'static {
                #function(#(__args.#fields),*)
            }
            fn arguments() -> Self::Codecs { #codecs }
            fn output() -> #private::Codec<#output> { #output_codec }
        }
    }
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
    name: &'static str,
    doc: &'static str,
    output: TokenStream,
    /// Whether the runtime takes the arguments by reference.
    lends: bool,
}

// pub fn spawn(&self, url: String) -> FarSpawn<fetch> { self.0.spawn((url,)) }
fn spawns(companion: &Companion) -> TokenStream {
    let Companion { name, output, .. } = companion;
    let at = Span::call_site();
    let root = companion.root();
    let tuple = companion.args_tuple();
    let kinds = [
        Spawn {
            name: "spawn",
            doc: "Waits for a place in the window, submits a job, and returns its handle. Nothing happens until the \
                future is awaited.",
            output: quote_spanned!(at=> #root::remote::FarSpawn<#name>),
            lends: false,
        },
        Spawn {
            name: "try_spawn",
            doc: "Submits a job if there is a place in the window; otherwise returns the arguments.\n\n# Panics\n\n\
                Panics outside of a tokio runtime.",
            output: quote_spanned! {at=>
                ::core::result::Result<#root::remote::FarThread<#output>, #root::TrySpawnError<#tuple>>
            },
            lends: false,
        },
        Spawn {
            name: "spawn_n",
            doc: "Stores a job for which nobody waits. The future is ready when it is stored.",
            output: quote_spanned!(at=> #root::remote::SpawnFar),
            lends: true,
        },
        Spawn {
            name: "call",
            doc: "Returns the call as a future, outside the window. Dropping the future cancels the job.",
            output: quote_spanned!(at=> #root::remote::Call<#name>),
            lends: false,
        },
    ];
    kinds.iter().map(|kind| spawn(companion, kind)).collect()
}

fn spawn(companion: &Companion, kind: &Spawn) -> TokenStream {
    let at = Span::call_site();
    let Spawn { name, doc, output, lends } = kind;
    let inner = Ident::new(name, at);
    let method = companion.method(name);
    let names: Vec<_> = companion.params.iter().map(|param| &param.name).collect();
    let types = companion.params.iter().map(|param| &param.ty);
    let lend = lends.then(|| quote_spanned!(at=> &));
    quote_spanned! {at=>
        #[doc = #doc]
        #[track_caller]
        pub fn #method(&self, #(#names: #types),*) -> #output {
            self.0.#inner(#lend (#(#names,)*))
        }
    }
}

// pub fn imap<I0: ReadFromAnyThread<String>>(&self, url: I0) -> FarMap<Page> {
//     self.0.imap(Iterator::map(ReadFromAnyThread::into_reader(url), |__item0| (__item0,)), true)
// }
fn maps(companion: &Companion) -> TokenStream {
    if companion.params.is_empty() {
        return TokenStream::new();
    }
    let at = Span::call_site();
    let root = companion.root();
    let output = &companion.output;
    let names: Vec<_> = companion.params.iter().map(|param| &param.name).collect();
    let items: Vec<_> = companion.params.iter().map(|param| readable(companion, &param.stored)).collect();
    let sources: Vec<_> = (0..names.len()).map(|index| companion.unused_ident(&format!("I{index}"))).collect();
    let tuples_source = &sources[0];
    let zipped = zip(companion);
    let tuple = companion.args_tuple();
    let orders = [("", true, "in the order of the arguments"), ("_unordered", false, "in order of completion")];
    let maps = orders.iter().map(|(suffix, ordered, order)| {
        let imap = companion.method(&format!("imap{suffix}"));
        let starmap = companion.method(&format!("starmap{suffix}"));
        let doc = format!("Runs the function over iterables, one per parameter, and yields the results {order}.");
        let tuples =
            format!("Runs the function over an iterable of tuples of arguments, and yields the results {order}.");
        quote_spanned! {at=>
            #[doc = #doc]
            #[track_caller]
            pub fn #imap<#(#sources: #items),*>(&self, #(#names: #sources),*) -> #root::remote::FarMap<#output> {
                self.0.imap(#zipped, #ordered)
            }

            #[doc = #tuples]
            #[track_caller]
            pub fn #starmap<#tuples_source: #root::__private::ReadFromAnyThread<#tuple>>(
                &self,
                __tuples: #tuples_source,
            ) -> #root::remote::FarMap<#output> {
                self.0.imap(#root::__private::ReadFromAnyThread::into_reader(__tuples), #ordered)
            }
        }
    });
    maps.collect()
}

// Iterator::map(Iterator::zip(.., ..), |(__item0, __item1)| (__item0, __item1))
fn zip(companion: &Companion) -> TokenStream {
    let at = Span::call_site();
    let root = companion.root();
    let names: Vec<_> = (0..companion.params.len()).map(|index| format_ident!("__item{index}", span = at)).collect();
    let parts = companion.params.iter().zip(&names).map(|(param, item)| {
        let name = &param.name;
        (quote_spanned!(at=> #root::__private::ReadFromAnyThread::into_reader(#name)), quote!(#item))
    });
    let whole = parts.reduce(|(left, before), (right, item)| {
        (quote_spanned!(at=> ::core::iter::Iterator::zip(#left, #right)), quote_spanned!(at=> (#before, #item)))
    });
    let (sources, pattern) = whole.unwrap_or_default();
    quote_spanned!(at=> ::core::iter::Iterator::map(#sources, |#pattern| (#(#names,)*)))
}

// ReadFromAnyThread<String>
fn readable(companion: &Companion, item: &Type) -> TokenStream {
    let at = first_span(item);
    let root = companion.root_at(at);
    quote_spanned!(at=> #root::__private::ReadFromAnyThread<#item>)
}

/// FNV-1a 64 over the texts of the tokens of the parameters' types and of the output, as 16 hexadecimal digits. It is
/// of the text: a struct that changes keeps it.
fn signature(sig: &Signature) -> String {
    let mut hash = Fnv::new();
    for input in &sig.inputs {
        if let FnArg::Typed(param) = input {
            hash.tokens(param.ty.to_token_stream());
            hash.text(",");
        }
    }
    hash.text("-");
    hash.text(">");
    match &sig.output {
        ReturnType::Default => hash.tokens(quote!(())),
        ReturnType::Type(_, ty) => hash.tokens(ty.to_token_stream()),
    }
    format!("{:016x}", hash.0)
}

struct Fnv(u64);

impl Fnv {
    const fn new() -> Self {
        Fnv(0xcbf2_9ce4_8422_2325)
    }

    fn byte(&mut self, byte: u8) {
        self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }

    /// A token's text, and a 0 byte.
    fn text(&mut self, text: &str) {
        text.bytes().for_each(|byte| self.byte(byte));
        self.byte(0);
    }

    fn tokens(&mut self, tokens: TokenStream) {
        for token in tokens {
            let TokenTree::Group(group) = token else {
                self.text(&token.to_string());
                continue;
            };
            let (open, close) = match group.delimiter() {
                Delimiter::Parenthesis => ("(", ")"),
                Delimiter::Brace => ("{", "}"),
                Delimiter::Bracket => ("[", "]"),
                // What `macro_rules!` puts around a type is not part of its text.
                Delimiter::None => {
                    self.tokens(group.stream());
                    continue;
                }
            };
            self.text(open);
            self.tokens(group.stream());
            self.text(close);
        }
    }
}

#[cfg(test)]
mod tests;
