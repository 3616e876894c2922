//! What a remote function must not be.

use syn::{FnArg, PatType, Signature, Type};

use super::super::args::Args;
use super::super::item::{Item, is_shared};
use crate::errors::Errors;

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
    if let Some(key) = &args.key {
        let message = "a limit by key holds in one process, and a `remote` function runs in many; remove `key`";
        found.on(key, message);
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
    for param in typed(sig) {
        if let Type::ImplTrait(_) = &*param.ty {
            errors.on(&param.ty, generic);
        }
    }
    if let Some(param) = travelling(sig).nth(MOST_ARGUMENTS) {
        errors.on(param, format!("a `remote` function has at most {MOST_ARGUMENTS} arguments"));
    }
    let mut shared = typed(sig).filter_map(|param| param.attrs.iter().find(|attr| is_shared(attr)));
    if let Some(second) = shared.nth(1) {
        errors
            .on(second, "only one parameter of a `remote` function can be `#[shared]`; put the values into one struct");
    }
}

fn typed(sig: &Signature) -> impl Iterator<Item = &PatType> {
    sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(param) => Some(param),
        FnArg::Receiver(_) => None,
    })
}

/// The parameters whose values go to another machine.
pub(super) fn travelling(sig: &Signature) -> impl Iterator<Item = &PatType> {
    typed(sig).filter(|param| !param.attrs.iter().any(is_shared))
}

/// The runtime has codecs for tuples of so many.
const MOST_ARGUMENTS: usize = 12;

pub(super) fn is_wire_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}
