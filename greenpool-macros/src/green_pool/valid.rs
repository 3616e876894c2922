//! What a pooled function must not be. All errors of one item are reported together.

use proc_macro2::Span;
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{FnArg, GenericParam, Meta, MetaList, Path, ReturnType, Safety, Signature, Type};

use super::borrow;
use super::item::{Item, is_shared, param_attrs};
use crate::errors::Errors;

/// Checks everything except the attribute's arguments. Returns whether the function itself is valid.
pub(crate) fn check(item: &Item, is_remote: bool, errors: &mut Errors) -> bool {
    let mut found = Errors::default();
    check_function(item, is_remote, &mut found);
    let is_valid = found.is_empty();
    errors.append(found);
    for attr in item.attrs.iter().filter(|attr| is_green_pool(attr.path())) {
        errors.on(attr, "`#[green_pool]` is on this function twice");
    }
    is_valid
}

fn check_function(item: &Item, is_remote: bool, errors: &mut Errors) {
    if let Some(span) = item.semicolon {
        errors.at(span, "a `#[green_pool]` function needs a body");
    }
    check_attributes(item, errors);
    check_shared(&item.sig, errors);
    check_qualifiers(&item.sig, errors);
    check_generics(&item.sig, errors);
    check_self(&item.sig, errors);
    for input in &item.sig.inputs {
        if let FnArg::Typed(param) = input {
            for attr in param.attrs.iter().filter(|attr| attr.path().is_ident("cfg")) {
                let message = "put `#[cfg]` on the function; a parameter of a `#[green_pool]` \
                    function cannot have it";
                errors.on(attr, message);
            }
            match &*param.ty {
                Type::Reference(_) if is_remote => errors.on(
                    &param.ty,
                    "an argument of a `remote` function cannot be borrowed, not even for `'static`: a worker reads it \
                     from a message; take an owned value, such as `String`",
                ),
                ty => borrow::check(ty, errors),
            }
        }
    }
    check_output(&item.sig, errors);
}

/// Whether a path names this attribute, however it was imported.
pub(crate) fn is_green_pool(path: &Path) -> bool {
    path.segments.last().is_some_and(|last| last.ident == "green_pool")
}

/// Refuses `#[tokio::main]`, `#[tokio::test]` and their like below the attribute. Above it they take the `async` away.
fn check_attributes(item: &Item, errors: &mut Errors) {
    for attr in &item.attrs {
        let path = attr.path();
        let Some(last) = path.segments.last() else { continue };
        let blocks = last.ident == "main" || last.ident == "test" && path.segments.len() > 1;
        if blocks {
            let name = path.to_token_stream().to_string().replace(' ', "");
            let message = format!(
                "a `#[green_pool]` function cannot be `#[{name}]`, which makes it block its caller; move its body into \
                 a pooled function and call that"
            );
            errors.on(path, message);
        }
    }
}

/// Refuses `#[shared]` with arguments, twice, and on all parameters. On `self` the error is that of `self`.
fn check_shared(sig: &Signature, errors: &mut Errors) {
    let mut last = None;
    for input in &sig.inputs {
        let mut shared = param_attrs(input).iter().filter(|attr| is_shared(attr));
        last = shared.next();
        if let Some(Meta::List(MetaList { tokens, .. })) = last.map(|attr| &attr.meta) {
            // Without arguments the caret is at the whole attribute.
            let at = if tokens.is_empty() { last.to_token_stream() } else { tokens.clone() };
            errors.on(at, "`#[shared]` takes no arguments; write `#[shared]`");
        } else if let Some(Meta::NameValue(meta)) = last.map(|attr| &attr.meta) {
            errors.on(&meta.value, "`#[shared]` takes no arguments; write `#[shared]`");
        }
        for attr in shared {
            errors.on(attr, "`#[shared]` is on this parameter twice");
        }
    }
    let all = sig.inputs.iter().all(|input| param_attrs(input).iter().any(is_shared));
    if let (Some(attr), true, None) = (last, all, sig.receiver()) {
        let message = if sig.inputs.len() == 1 {
            "`#[shared]` on the only parameter leaves nothing to map over; remove it"
        } else {
            "`#[shared]` on every parameter leaves nothing to map over; remove one of them"
        };
        errors.on(attr, message);
    }
}

fn check_qualifiers(sig: &Signature, errors: &mut Errors) {
    if sig.asyncness.is_none() {
        let message = "a `#[green_pool]` function must be `async`; write `async fn`";
        errors.on(sig.fn_token, message);
    }
    if let Some(token) = sig.constness {
        errors.on(token, "a `#[green_pool]` function cannot be `const`");
    }
    if let Safety::Unsafe(token) = sig.safety {
        let message = "a `#[green_pool]` function cannot be `unsafe`: the pool calls it and \
            could not keep its contract; make the body safe";
        errors.on(token, message);
    }
    if let Some(abi) = &sig.abi {
        errors.on(abi, "a `#[green_pool]` function cannot have an ABI");
    }
    if let Some(variadic) = &sig.variadic {
        errors.on(variadic.dots, "a `#[green_pool]` function cannot be variadic");
    }
}

fn check_generics(sig: &Signature, errors: &mut Errors) {
    for param in &sig.generics.params {
        if let GenericParam::Lifetime(param) = param {
            let message = "a `#[green_pool]` function cannot have lifetime parameters: its \
                arguments outlive the caller; take owned values";
            errors.on(&param.lifetime, message);
        }
    }
}

fn check_self(sig: &Signature, errors: &mut Errors) {
    if let Some(receiver) = sig.receiver() {
        let message = "a `#[green_pool]` function cannot take `self`; pool a free function \
            that takes `Arc<Self>` and call it from the method";
        let mut receiver = receiver.clone();
        receiver.attrs.clear();
        errors.on(receiver, message);
        return;
    }
    if let Some(span) = find_self(sig) {
        let message = "a `#[green_pool]` function cannot name `Self`; pool a free function \
            that names the type and call it from the method";
        errors.at(span, message);
    }
}

/// Whether a function is a method, or can only be one.
pub(crate) fn mentions_self(sig: &Signature) -> bool {
    sig.receiver().is_some() || find_self(sig).is_some()
}

fn find_self(sig: &Signature) -> Option<Span> {
    let mut find = FindSelf(None);
    find.visit_signature(sig);
    find.0
}

struct FindSelf(Option<Span>);

impl<'ast> Visit<'ast> for FindSelf {
    fn visit_path(&mut self, path: &'ast Path) {
        if let Some(first) = path.segments.first() {
            if first.ident == "Self" && self.0.is_none() {
                self.0 = Some(first.ident.span());
            }
        }
        visit::visit_path(self, path);
    }
}

fn check_output(sig: &Signature, errors: &mut Errors) {
    let ReturnType::Type(_, output) = &sig.output else {
        return;
    };
    let Some(span) = find_impl(output) else {
        return;
    };
    // Without `async`, `-> impl Future` is one error, not two.
    if sig.asyncness.is_some() {
        let message = "a `#[green_pool]` function cannot return `impl Trait`; name the type, \
            or box it as `Box<dyn .. + Send>`";
        errors.on(span, message);
    }
}

/// The first `impl Trait` in a type.
pub(crate) fn find_impl(ty: &Type) -> Option<&syn::TypeImplTrait> {
    struct FindImpl<'ast>(Option<&'ast syn::TypeImplTrait>);
    impl<'ast> Visit<'ast> for FindImpl<'ast> {
        fn visit_type_impl_trait(&mut self, ty: &'ast syn::TypeImplTrait) {
            self.0.get_or_insert(ty);
        }
    }
    let mut find = FindImpl(None);
    find.visit_type(ty);
    find.0
}
