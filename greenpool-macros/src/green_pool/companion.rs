//! The struct that accompanies the function: its name, its parameters by position, and its generics, in which each
//! `impl Trait` has a name.

use std::collections::HashSet;
use std::slice::from_ref;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Attribute, Expr, FnArg, GenericParam, Generics, Lifetime, LitStr, Pat, Path, ReturnType, Signature, Token, Type,
    TypeParam, TypeParamBound, TypePath, Visibility, WherePredicate,
};

use super::args::Args;
use super::attrs;
use super::borrow;
use super::item::{Item, is_shared};
use crate::span::{generated, generated_ident};

/// Everything that the expansion needs.
pub(crate) struct Companion {
    pub(crate) krate: Option<Path>,
    pub(crate) vis: Visibility,
    pub(crate) function: Ident,
    /// Named like the function, unless `type = ..` says otherwise.
    pub(crate) name: Ident,
    /// `cfg` and lint attributes, for each generated item.
    pub(crate) attrs: Vec<Attribute>,
    /// `deprecated` and `doc(hidden)`, for the struct.
    pub(crate) struct_attrs: Vec<Attribute>,
    pub(crate) generics: Generics,
    /// The number of type parameters that stand for an `impl Trait`, which the function itself does not have.
    pub(crate) impl_trait_params: usize,
    pub(crate) params: Vec<Param>,
    pub(crate) output: TokenStream,
    /// Where errors and lints about the future point.
    pub(crate) future_span: Span,
    pub(crate) pool_name: LitStr,
    pub(crate) source: PoolSource,
    /// The key of a call, an expression over the arguments.
    pub(crate) key: Option<Expr>,
    pub(crate) per_key: Option<Expr>,
    /// The function has an error: generate signatures only, and nothing that calls it.
    pub(crate) broken: bool,
    used_names: HashSet<String>,
}

pub(crate) struct Param {
    pub(crate) name: Ident,
    /// The user's name for it, unless that is a pattern.
    pub(crate) own_name: Option<Ident>,
    pub(crate) ty: Type,
    /// The type in the tuple of arguments: `ty`, unless the function is broken.
    pub(crate) stored: Type,
    /// Whether all jobs of a map get a clone of one value.
    pub(crate) shared: bool,
}

/// Where the pool comes from.
pub(crate) enum PoolSource {
    Own(Option<Expr>),
    Shared(Path),
}

impl PoolSource {
    /// What the documentation says after "the pool that it runs in".
    pub(crate) fn description(&self, per_key: Option<&Expr>) -> String {
        let text = |tokens: &dyn ToTokens| tokens.to_token_stream().to_string().replace(" :: ", "::");
        match self {
            Self::Own(size) => {
                let size = size.as_ref().map_or_else(|| "1000".to_owned(), |size| format!("`{}`", text(size)));
                let per_key = per_key.map(|per_key| format!(", and its limit by key is `{}`", text(per_key)));
                format!(". Its initial size is {size}{}", per_key.unwrap_or_default())
            }
            Self::Shared(path) => format!(": `{}`", text(path)),
        }
    }
}

impl Companion {
    pub(crate) fn new(item: &Item, args: Args) -> Self {
        let function = item.sig.ident.clone();
        let name = args.type_name.unwrap_or_else(|| function.clone());
        let pool_name = args.name.unwrap_or_else(|| LitStr::new(&function.unraw().to_string(), function.span()));
        let mut used_names = HashSet::new();
        collect_idents(item.sig.to_token_stream(), &mut used_names);
        collect_idents(args.size.to_token_stream(), &mut used_names);
        collect_idents(args.krate.to_token_stream(), &mut used_names);
        collect_idents(args.per_key.to_token_stream(), &mut used_names);
        collect_idents(args.key.to_token_stream(), &mut used_names);
        used_names.insert(name.to_string());
        let output = output(&item.sig.output, function.span(), args.krate.as_ref());
        let all_attrs = [item.attrs.clone(), item.inner_attrs()].concat();
        let mut companion = Self {
            krate: args.krate,
            vis: generated_visibility(&item.vis),
            name,
            attrs: attrs::item_attrs(&all_attrs),
            struct_attrs: attrs::struct_attrs(&all_attrs),
            generics: item.sig.generics.clone(),
            impl_trait_params: 0,
            params: Vec::new(),
            output,
            future_span: future_span(&item.sig),
            pool_name,
            source: match args.pool {
                Some(path) => PoolSource::Shared(path),
                None => PoolSource::Own(args.size),
            },
            per_key: args.per_key.filter(|_| args.key.is_some()),
            key: args.key,
            broken: false,
            used_names,
            function,
        };
        for input in &item.sig.inputs {
            if let FnArg::Typed(param) = input {
                let shared = param.attrs.iter().any(is_shared);
                companion.attrs.extend(attrs::silencing_attrs(&param.attrs));
                companion.add_param(&param.pat, (*param.ty).clone(), shared);
            }
        }
        companion.hoist_generic_attrs();
        companion.require_static();
        companion
    }

    /// Whether a use of the function may be reported as one of what is deprecated.
    pub(crate) fn is_deprecated(&self) -> bool {
        self.struct_attrs.iter().any(|attr| !attr.path().is_ident("doc"))
    }

    /// The same with names that a derive macro wrote.
    pub(crate) fn derived(mut self) -> Self {
        self.function = generated_ident(&self.function);
        self.name = generated_ident(&self.name);
        self
    }

    /// Silences for each item what the function silences at a generic parameter. Not all of the generated code repeats
    /// the attributes of these.
    fn hoist_generic_attrs(&mut self) {
        for param in &mut self.generics.params {
            let own = match param {
                GenericParam::Type(param) => &mut param.attrs,
                GenericParam::Const(param) => &mut param.attrs,
                GenericParam::Lifetime(_) => continue,
            };
            self.attrs.extend(attrs::silencing_attrs(own));
            own.retain(|attr| attrs::silencing_attrs(from_ref(attr)).is_empty());
        }
    }

    /// Adds the bound `'static`, which every job needs, to each type parameter, where the parameter's other bounds are.
    fn require_static(&mut self) {
        let Generics { params, where_clause, .. } = &mut self.generics;
        for param in params {
            let GenericParam::Type(param) = param else { continue };
            let span = generated(param.ident.span());
            let bound = TypeParamBound::Lifetime(Lifetime::new("'static", span));
            let mut predicates = where_clause.iter_mut().flat_map(|clause| &mut clause.predicates);
            let predicate = predicates.find_map(|predicate| bounds_of(&param.ident, predicate));
            if let (true, Some(bounds)) = (param.bounds.is_empty(), predicate) {
                bounds.push(bound);
            } else {
                param.colon_token.get_or_insert(Token![:](span));
                param.bounds.push(bound);
            }
        }
    }

    /// Adds a parameter under the user's name for it, or one made from its position. A name with an underscore gets
    /// another: the companion uses what the function leaves unused, and clippy passes over `__name` only.
    fn add_param(&mut self, pat: &Pat, mut ty: Type, shared: bool) {
        let own_name = match pat {
            Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => Some(pat.ident.clone()),
            _ => None,
        };
        let name = match pat {
            Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => {
                let name = pat.ident.to_string();
                let mut ident = if name.starts_with('_') && !name.starts_with("__") {
                    self.fresh_ident(&format!("_{name}"))
                } else {
                    pat.ident.clone()
                };
                ident.set_span(pat.ident.span());
                ident
            }
            _ => self.fresh_ident(&format!("__arg{}", self.params.len())),
        };
        NameImplTraits(self).visit_type_mut(&mut ty);
        self.params.push(Param { name, own_name, stored: ty.clone(), ty, shared });
    }

    /// A name that the signature does not use, and that is not given out twice.
    fn fresh_ident(&mut self, base: &str) -> Ident {
        let name = self.unused_ident(base);
        self.used_names.insert(name.to_string());
        name
    }

    /// The path to the runtime crate.
    pub(crate) fn root(&self) -> TokenStream {
        self.root_at(Span::call_site())
    }

    /// The same with another span, unless the user wrote the path.
    pub(crate) fn root_at(&self, span: Span) -> TokenStream {
        root(self.krate.as_ref(), span)
    }

    /// The hidden struct that implements `PooledFn` for a generic function, since the companion has no parameters. A
    /// companion called `spawn` has one as well: clippy takes `spawn::spawn`, which would name it in its result, for a
    /// constructor.
    ///
    /// Its name is unlike those of the generated parameters, which may not have the name of a struct.
    pub(crate) fn marker(&self) -> Option<Ident> {
        let name = self.name.unraw().to_string().to_lowercase();
        let constructs = matches!(&*name, "spawn" | "spawn_n" | "spawnn");
        let needed = constructs || !self.generics.params.is_empty();
        let span = generated(self.function.span());
        needed.then(|| format_ident!("__pooled_{}", self.name, span = span))
    }

    /// The type that implements `PooledFn`, as a path.
    pub(crate) fn pooled_type(&self) -> TokenStream {
        let name = &self.name;
        let arguments = self.generics.split_for_impl().1;
        self.marker().map_or_else(|| quote!(#name), |marker| quote!(#marker #arguments))
    }

    /// Whether the types of the arguments say what each type parameter is.
    pub(crate) fn has_inferred_generics(&self) -> bool {
        let mut names = HashSet::new();
        collect_idents(self.args_tuple(), &mut names);
        self.generics.params.iter().all(|param| match param {
            GenericParam::Type(param) => names.contains(&param.ident.to_string()),
            GenericParam::Const(param) => names.contains(&param.ident.to_string()),
            GenericParam::Lifetime(_) => true,
        })
    }

    /// `(A, B,)`
    pub(crate) fn args_tuple(&self) -> TokenStream {
        types(self.params.iter())
    }

    /// The types of the shared parameters.
    pub(crate) fn shared_tuple(&self) -> TokenStream {
        types(self.shared())
    }

    /// The types of the other parameters.
    pub(crate) fn rest_tuple(&self) -> TokenStream {
        types(self.rest())
    }

    /// The parameters of which a map takes one value.
    pub(crate) fn shared(&self) -> impl Iterator<Item = &Param> + Clone {
        self.params.iter().filter(|param| param.shared)
    }

    /// The parameters of which a map takes a value for each job.
    pub(crate) fn rest(&self) -> impl Iterator<Item = &Param> + Clone {
        self.params.iter().filter(|param| !param.shared)
    }

    pub(crate) fn has_shared(&self) -> bool {
        self.shared().next().is_some()
    }

    /// The generic arguments of a call to the function.
    pub(crate) fn turbofish(&self) -> TokenStream {
        let own = self.generics.params.len() - self.impl_trait_params;
        let mut arguments = self
            .generics
            .params
            .iter()
            .take(own)
            .filter_map(|param| match param {
                GenericParam::Type(param) => Some(&param.ident),
                GenericParam::Const(param) => Some(&param.ident),
                GenericParam::Lifetime(_) => None,
            })
            .peekable();
        match arguments.peek() {
            Some(_) => quote!(::<#(#arguments),*>),
            None => TokenStream::new(),
        }
    }

    /// A name that the signature does not use.
    pub(crate) fn unused_ident(&self, base: &str) -> Ident {
        let mut name = base.to_owned();
        while self.used_names.contains(&name) {
            name.push('_');
        }
        Ident::new(&name, Span::call_site())
    }

    /// `#[doc = "{before} `fetch`{after}"]`, with a link to the function.
    pub(crate) fn doc(&self, before: &str, after: &str) -> TokenStream {
        let doc = format!("{before} {}{after}", self.link());
        quote!(#[doc = #doc])
    }

    /// The function's name for documentation, without a link for a raw identifier, which rustdoc cannot resolve.
    fn link(&self) -> String {
        let name = self.function.to_string();
        match name.strip_prefix("r#") {
            Some(name) => format!("`{name}`"),
            None => format!("[`{name}`](fn@{name})"),
        }
    }

    /// The body of a method. For a broken function it does nothing, so that it causes no second error.
    pub(crate) fn body(&self, arguments: &TokenStream, body: impl FnOnce() -> TokenStream) -> TokenStream {
        if self.broken { quote_spanned!(Span::call_site()=> let _ = #arguments; loop {}) } else { body() }
    }

    /// The name of a method, at the function's name: what errors call the definition of the method is the user's own
    /// signature, and not part of a macro.
    pub(crate) fn method(&self, name: &str) -> Ident {
        Ident::new(name, self.function.span())
    }
}

/// `(A, B,)`
fn types<'a>(params: impl Iterator<Item = &'a Param>) -> TokenStream {
    let types = params.map(|param| &param.stored);
    quote_spanned!(Span::call_site()=> (#(#types,)*))
}

/// The bounds of a predicate on the type parameter `name`.
fn bounds_of<'a>(
    name: &Ident,
    predicate: &'a mut WherePredicate,
) -> Option<&'a mut Punctuated<TypeParamBound, Token![+]>> {
    let WherePredicate::Type(predicate) = predicate else { return None };
    let is_param = matches!(&predicate.bounded_ty, Type::Path(ty) if ty.qself.is_none() && ty.path.is_ident(name));
    is_param.then_some(&mut predicate.bounds)
}

/// Replaces each `impl Trait` by a type parameter.
struct NameImplTraits<'a>(&'a mut Companion);

impl VisitMut for NameImplTraits<'_> {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        visit_mut::visit_type_mut(self, ty);
        let Type::ImplTrait(found) = ty else { return };
        let name = self.0.fresh_ident(&format!("Arg{}", self.0.params.len()));
        let param = TypeParam {
            attrs: Vec::new(),
            ident: name.clone(),
            colon_token: Some(Token![:](found.impl_token.span)),
            bounds: found.bounds.clone(),
            default: None,
        };
        self.0.generics.params.push(GenericParam::Type(param));
        self.0.impl_trait_params += 1;
        *ty = named(name);
    }
}

/// A type that is a single identifier.
fn named(name: Ident) -> Type {
    Type::Path(TypePath { attrs: Vec::new(), qself: None, path: name.into() })
}

/// The visibility with the context of the macro: it starts the struct, and lints skip a struct that starts there.
fn generated_visibility(vis: &Visibility) -> Visibility {
    let mut vis = vis.clone();
    if let Visibility::Public(word) = &mut vis {
        word.span = generated(word.span);
    }
    if let Visibility::Restricted(vis) = &mut vis {
        vis.pub_token.span = generated(vis.pub_token.span);
    }
    vis
}

/// The function's name. rustc takes two mentions of a type with a binder, such as `fn(&str)`, for different types and
/// warns that the future's type refines the trait's, unless a macro wrote it.
fn future_span(sig: &Signature) -> Span {
    let span = sig.ident.span();
    match &sig.output {
        ReturnType::Type(_, ty) if borrow::has_binder(ty) => generated(span),
        _ => span,
    }
}

/// The type of a function's result. `!` is a type only as the result of a function.
fn output(output: &ReturnType, span: Span, krate: Option<&Path>) -> TokenStream {
    match output {
        ReturnType::Default => quote_spanned!(span=> ()),
        ReturnType::Type(_, ty) => match peel(ty) {
            Type::Never(never) => {
                let at = never.bang_token.span;
                let root = root(krate, at);
                quote_spanned!(at=> <fn() -> ! as #root::__private::FnOutput>::Output)
            }
            _ => ty.to_token_stream(),
        },
    }
}

/// A type without the invisible groups of `macro_rules!`.
fn peel(ty: &Type) -> &Type {
    if let Type::Group(group) = ty { peel(&group.elem) } else { ty }
}

/// The path to the runtime crate: with the span `at`, unless the user wrote it.
fn root(krate: Option<&Path>, at: Span) -> TokenStream {
    krate.map_or_else(|| quote_spanned!(at=> ::greenpool), ToTokens::to_token_stream)
}

/// All identifiers of a token stream.
fn collect_idents(tokens: TokenStream, found: &mut HashSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => {
                found.insert(ident.to_string());
            }
            TokenTree::Group(group) => collect_idents(group.stream(), found),
            _ => {}
        }
    }
}
