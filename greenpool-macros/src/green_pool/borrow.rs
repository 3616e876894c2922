//! Borrows in a type: `&T` and `'_`, except under a binder, as in `fn(&str)`.

use std::collections::HashSet;

use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{
    BoundLifetimes, Lifetime, LifetimeParam, ParenthesizedGenericArguments, Signature, Type, TypeFnPtr, TypeReference,
};

use crate::errors::Errors;

/// Refuses borrowed arguments.
pub(crate) fn check(ty: &Type, errors: &mut Errors) {
    RefuseBorrows(errors).visit_type(ty);
}

struct RefuseBorrows<'a>(&'a mut Errors);

impl<'ast> Visit<'ast> for RefuseBorrows<'_> {
    fn visit_type_reference(&mut self, ty: &'ast TypeReference) {
        match &ty.lifetime {
            Some(lifetime) if lifetime.ident != "_" => visit::visit_type(self, &ty.elem),
            _ => {
                let is_str = matches!(&*ty.elem, Type::Path(elem) if elem.path.is_ident("str"));
                self.0.on(ty, message(is_str));
            }
        }
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        if lifetime.ident == "_" {
            self.0.on(lifetime, message(false));
        }
    }

    fn visit_type_fn_ptr(&mut self, _: &'ast TypeFnPtr) {}

    fn visit_parenthesized_generic_arguments(&mut self, _: &'ast ParenthesizedGenericArguments) {}
}

fn message(is_str: bool) -> String {
    let such = if is_str { " such as `String`" } else { "" };
    format!(
        "an argument of a `#[green_pool]` function cannot be borrowed: the job may outlive \
         the caller; take an owned value{such}, an `Arc` or a `&'static` reference"
    )
}

/// Whether a type has a binder, as `fn(&str)` and `dyn for<'a> Trait<'a>` have.
pub(crate) fn has_binder(ty: &Type) -> bool {
    let mut find = FindBinder(false);
    find.visit_type(ty);
    find.0
}

struct FindBinder(bool);

impl<'ast> Visit<'ast> for FindBinder {
    fn visit_type_fn_ptr(&mut self, _: &'ast TypeFnPtr) {
        self.0 = true;
    }

    fn visit_parenthesized_generic_arguments(&mut self, _: &'ast ParenthesizedGenericArguments) {
        self.0 = true;
    }

    fn visit_bound_lifetimes(&mut self, _: &'ast BoundLifetimes) {
        self.0 = true;
    }
}

/// The lifetimes of a signature that nothing declares, on which rustc reports an error.
pub(crate) fn undeclared(sig: &Signature) -> Vec<Lifetime> {
    let mut found = Lifetimes { declared: HashSet::new(), used: Vec::new() };
    found.visit_signature(sig);
    let Lifetimes { declared, mut used } = found;
    used.retain(|lifetime| !declared.contains(lifetime) && lifetime.ident != "static" && lifetime.ident != "_");
    used
}

struct Lifetimes {
    /// By the function or by any `for<..>`.
    declared: HashSet<Lifetime>,
    used: Vec<Lifetime>,
}

impl<'ast> Visit<'ast> for Lifetimes {
    fn visit_lifetime_param(&mut self, param: &'ast LifetimeParam) {
        self.declared.insert(param.lifetime.clone());
        visit::visit_lifetime_param(self, param);
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        self.used.push(lifetime.clone());
    }
}

/// Replaces the lifetime of each borrow by `'static` if it is elided or one of the function's `own`. Returns whether
/// there was any.
pub(crate) fn make_static(ty: &mut Type, own: &[Lifetime]) -> bool {
    let mut make_static = MakeStatic { own, under_binder: false, found: false };
    make_static.visit_type_mut(ty);
    make_static.found
}

struct MakeStatic<'a> {
    own: &'a [Lifetime],
    /// Under a binder an elided lifetime borrows nothing.
    under_binder: bool,
    found: bool,
}

impl VisitMut for MakeStatic<'_> {
    fn visit_type_reference_mut(&mut self, ty: &mut TypeReference) {
        if ty.lifetime.is_none() && !self.under_binder {
            ty.lifetime = Some(Lifetime::new("'static", ty.and_token.span));
            self.found = true;
        }
        visit_mut::visit_type_reference_mut(self, ty);
    }

    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        let nameless = lifetime.ident == "_" && !self.under_binder;
        if nameless || self.own.contains(lifetime) {
            *lifetime = Lifetime::new("'static", lifetime.span());
            self.found = true;
        }
    }

    fn visit_type_fn_ptr_mut(&mut self, ty: &mut TypeFnPtr) {
        let outer = std::mem::replace(&mut self.under_binder, true);
        visit_mut::visit_type_fn_ptr_mut(self, ty);
        self.under_binder = outer;
    }

    fn visit_parenthesized_generic_arguments_mut(&mut self, arguments: &mut ParenthesizedGenericArguments) {
        let outer = std::mem::replace(&mut self.under_binder, true);
        visit_mut::visit_parenthesized_generic_arguments_mut(self, arguments);
        self.under_binder = outer;
    }
}
