//! The expansion for a function with an error: the function itself, so that its callers still compile, and a companion
//! whose functions have the right signatures and do nothing.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::punctuated::Punctuated;
use syn::visit::Visit;
use syn::{
    FnArg, GenericArgument, GenericParam, Generics, Lifetime, Pat, PatType, PatWild, PathArguments, Receiver,
    ReturnType, Token, Type, TypeImplTrait, TypeParamBound,
};

use super::borrow;
use super::companion::Companion;
use super::item::{Item, is_shared, param_attrs};
use super::valid::{find_impl, is_green_pool, mentions_self};
use crate::span::first_span;

/// Whether rustc reports an error on the signature that a companion would only repeat: a borrowed output, an unsized
/// argument or an undeclared lifetime.
pub(crate) fn is_needed(item: &Item) -> bool {
    let borrows = match &item.sig.output {
        ReturnType::Default => false,
        ReturnType::Type(_, output) => borrow::make_static(&mut output.clone(), &[]),
    };
    borrows
        || !borrow::undeclared(&item.sig).is_empty()
        || item.sig.inputs.iter().any(|input| matches!(input, FnArg::Typed(param) if is_unsized(&param.ty)))
}

/// Whether a type is unsized by its syntax. `str` may name another type.
fn is_unsized(ty: &Type) -> bool {
    matches!(ty, Type::Slice(_) | Type::TraitObject(_))
}

/// The function, without `#[shared]` and without what would make rustc report the same error again.
pub(crate) fn function(item: &Item, tokens: TokenStream) -> TokenStream {
    let twice = item.attrs.iter().any(|attr| is_green_pool(attr.path()));
    let sig = &item.sig;
    let awaits = sig.asyncness.is_none() && awaits(&item.body);
    let both = sig.constness.is_some() && sig.asyncness.is_some();
    // A method of a trait that takes `self` needs no body.
    let needs_body = item.semicolon.is_some() && !mentions_self(sig);
    let shared = sig.inputs.iter().any(|input| param_attrs(input).iter().any(is_shared));
    if !twice && !awaits && !both && !needs_body && !shared && sig.variadic.is_none() {
        return tokens;
    }
    let attrs = item.attrs.iter().filter(|attr| !is_green_pool(attr.path()));
    let mut sig = sig.clone();
    if awaits {
        sig.asyncness = Some(Token![async](sig.fn_token.span));
    }
    if sig.asyncness.is_some() {
        sig.constness = None;
    }
    sig.variadic = None;
    for input in &mut sig.inputs {
        let (FnArg::Receiver(Receiver { attrs, .. }) | FnArg::Typed(PatType { attrs, .. })) = input;
        attrs.retain(|attr| !is_shared(attr));
    }
    let vis = &item.vis;
    let body = &item.body;
    if needs_body {
        for input in &mut sig.inputs {
            if let FnArg::Typed(param) = input {
                *param.pat =
                    Pat::Wild(PatWild { attrs: Vec::new(), underscore_token: Token![_](first_span(&param.pat)) });
            }
        }
        quote!(#(#attrs)* #vis #sig { loop {} })
    } else {
        quote!(#(#attrs)* #vis #sig #body)
    }
}

/// Whether a body contains an `.await`, which only an `async fn` may.
fn awaits(body: &TokenTree) -> bool {
    match body {
        TokenTree::Ident(ident) => ident == "await",
        TokenTree::Group(group) => group.stream().into_iter().any(|token| awaits(&token)),
        _ => false,
    }
}

/// The companion without what is wrong in the signature. `None` if the item cannot be a free function.
pub(crate) fn companion(item: &Item, mut companion: Companion) -> Option<Companion> {
    if item.semicolon.is_some() || mentions_self(&item.sig) {
        return None;
    }
    let mut own = borrow::undeclared(&item.sig);
    own.extend(item.sig.generics.lifetimes().map(|param| param.lifetime.clone()));
    for param in &mut companion.params {
        if borrow::make_static(&mut param.stored, &own) || is_unsized(&param.stored) {
            param.ty = Type::Verbatim(quote!(impl ::core::marker::Sized));
            param.stored = Type::Verbatim(quote!(()));
        }
    }
    if let ReturnType::Type(_, output) = &item.sig.output {
        let mut output = (**output).clone();
        borrow::make_static(&mut output, &own);
        companion.output = match find_impl(&output) {
            Some(found) => future_output(found).unwrap_or_else(|| quote!(())),
            None => output.into_token_stream(),
        };
    }
    without_lifetimes(&mut companion.generics, &own);
    companion.broken = true;
    Some(companion)
}

/// The `T` of `impl Future<Output = T>`.
fn future_output(found: &TypeImplTrait) -> Option<TokenStream> {
    found.bounds.iter().find_map(|bound| {
        let TypeParamBound::Trait(bound) = bound else {
            return None;
        };
        let last = bound.path.segments.last().filter(|last| last.ident == "Future")?;
        let PathArguments::AngleBracketed(arguments) = &last.arguments else {
            return None;
        };
        arguments.args.iter().find_map(|argument| match argument {
            GenericArgument::AssocType(output) if output.ident == "Output" => Some(output.ty.to_token_stream()),
            _ => None,
        })
    })
}

/// Removes the function's lifetime parameters and all bounds that name them.
fn without_lifetimes(generics: &mut Generics, own: &[Lifetime]) {
    let params = std::mem::take(&mut generics.params);
    for mut param in params {
        match &mut param {
            GenericParam::Lifetime(_) => continue,
            GenericParam::Type(param) => {
                let bounds = std::mem::take(&mut param.bounds);
                param.bounds = retain(bounds, |bound, names| names.visit_type_param_bound(bound), own);
            }
            GenericParam::Const(_) => {}
        }
        generics.params.push(param);
    }
    if let Some(clause) = &mut generics.where_clause {
        let predicates = std::mem::take(&mut clause.predicates);
        clause.predicates = retain(predicates, |bound, names| names.visit_where_predicate(bound), own);
    }
}

/// The bounds that name none of the lifetimes `own`.
fn retain<T, P: Default>(
    bounds: Punctuated<T, P>,
    visit: fn(&T, &mut MentionsLifetime<'_>),
    own: &[Lifetime],
) -> Punctuated<T, P> {
    let mut kept = Punctuated::new();
    for bound in bounds {
        let mut names = MentionsLifetime { own, found: false };
        visit(&bound, &mut names);
        if !names.found {
            kept.push(bound);
        }
    }
    kept
}

struct MentionsLifetime<'a> {
    own: &'a [Lifetime],
    found: bool,
}

impl<'ast> Visit<'ast> for MentionsLifetime<'_> {
    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        self.found |= self.own.contains(lifetime);
    }
}
