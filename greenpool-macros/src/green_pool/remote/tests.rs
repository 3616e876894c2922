use expect_test::expect_file;
use proc_macro2::TokenStream;
use quote::quote;

use super::super::args::Args;
use super::super::item::Item;
use super::valid::is_wire_name;
use super::{Companion, impls, signature};
use crate::errors::Errors;

fn of(function: TokenStream) -> String {
    let item: syn::ItemFn = syn::parse2(function).unwrap();
    signature(&item.sig)
}

#[test]
fn the_signature_is_that_of_the_wire_protocol() {
    let fetch = quote!(
        async fn fetch(url: String, depth: u32) -> Result<Page, FetchError> {}
    );
    assert_eq!(of(fetch), "27d38225d2ce1def");
    assert_eq!(
        of(quote!(
            async fn f() {}
        )),
        "c960c28a96f6296f"
    );
}

#[test]
fn the_signature_is_of_the_types_and_not_of_the_names() {
    let one = of(quote!(
        async fn one(url: String) -> u8 {}
    ));
    assert_eq!(
        of(quote!(
            pub async fn two(mut other: String) -> u8 {}
        )),
        one
    );
    assert_ne!(
        of(quote!(
            async fn one(url: String, n: u8) -> u8 {}
        )),
        one
    );
    assert_ne!(
        of(quote!(
            async fn one(url: String) -> u16 {}
        )),
        one
    );
    assert_eq!(
        of(quote!(
            async fn f() -> () {}
        )),
        of(quote!(
            async fn f() {}
        ))
    );
}

#[test]
fn a_name_on_the_wire_has_letters_digits_and_two_signs() {
    assert!(is_wire_name("store-page_2"));
    assert!(is_wire_name(&"x".repeat(64)));
    for name in ["", "a.b", "a b", "ä", "a*", &"x".repeat(65)] {
        assert!(!is_wire_name(name), "{name}");
    }
}

#[test]
fn what_a_worker_has_itself_is_not_in_the_signature() {
    let store = quote!(
        async fn store(#[shared] db: Db, page: Page) -> u64 {}
    );
    let alone = quote!(
        async fn store(page: Page) -> u64 {}
    );
    assert_eq!(of(store), of(alone));
}

fn expanded(args: TokenStream, function: TokenStream) -> String {
    let mut errors = Errors::default();
    let args = Args::parse(args, &mut errors);
    let Ok(item) = Item::parse(function) else { panic!("it is a function") };
    let tokens = impls(&Companion::new(&item, args), &item.sig);
    assert!(errors.is_empty());
    prettyplease::unparse(&syn::parse2(tokens).expect("the expansion parses"))
}

#[test]
fn the_code_of_a_remote_function_is_the_saved_one() {
    let function = quote!(
        pub async fn fetch(url: String, depth: u32) -> Result<Page, FetchError> {
            get(url, depth).await
        }
    );
    let code = expanded(quote!(size = 100, remote, name = "fetch-page"), function);
    expect_file!["../../tests/snapshots/remote.rs"].assert_eq(&code);
}

#[test]
fn the_code_of_a_remote_function_with_a_state_is_the_saved_one() {
    let function = quote!(
        async fn store(page: Page, #[shared] db: Db<u8>, again: bool) -> u64 {
            db.insert(page).await
        }
    );
    expect_file!["../../tests/snapshots/remote_shared.rs"].assert_eq(&expanded(quote!(remote), function));
}
