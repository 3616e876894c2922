//! Broken input: for any input the macros return code or an error, and never panic.

use proc_macro2::{Group, TokenStream, TokenTree};
use proptest::prelude::{ProptestConfig, any};
use proptest::test_runner::{RngSeed, TestRunner};
use quote::ToTokens;

use crate::{green_pool, pile};

const FUNCTIONS: [&str; 12] = [
    "pub async fn fetch(url: String) -> Result<Page, Error> { get(url).await }",
    "async fn none() {}",
    "async fn show<T: Display + Send, const N: usize>(a: [T; N], b: impl Write) -> T where T: Clone { a }",
    "#[cfg(unix)] #[cfg_attr(all(), allow(dead_code), inline)] async fn f((a, b): (u8, u8), mut c: u8, _: u8) {}",
    "async fn borrow<'a>(a: &'a str, b: Vec<&str>, c: Cow<'_, str>, d: fn(&str), e: Box<dyn Fn(&u8)>) -> &'a str { a }",
    "unsafe extern \"C\" fn g(&self, x: Self, ...) -> impl Future<Output = u8> + '_ { x.await }",
    "#[green_pool(size = 2)] #[deprecated] async fn r#match(r#type: <u8 as Into<u16>>::T) -> ! { loop {} }",
    "pub(in crate::a) const async fn h(#[cfg(x)] a: u8);",
    "pub async fn share<T: Clone>(#[shared] (a, b): (T, u8), mut c: u8, #[shared] #[shared(x)] d: &str) -> T { a }",
    "pub struct Fetch<T> { a: T }",
    "#[deprecated] #[cfg_attr(all(), inline)] pub async fn old<T: Send>(a: T, (b, _): (u8, u8)) -> ! { loop {} }",
    "#[expect(unused, a::b, reason = \"c\")] async fn e<#[allow(x)] T: Send>(#[cfg_attr(d, expect(y))] a: T) {}",
];

const ARGUMENTS: [&str; 6] = [
    "size = 100",
    "size = A * 2 - f(3), name = \"a\", type = Fetch, crate = a::b",
    "pool = crate::POOL, size = -1",
    "100, size(3), size = , colour = 3, sise = 0",
    "crate = \"a b\", pool = \"p::q\", type = 3, name = x",
    "",
];

const PILES: [&str; 9] = [
    "(a) f(x), g::<u8>(y, 1), h()",
    "(a) < m::f(x), g() >",
    "(a) user: f(x), r#type: g(y), user: h()",
    "(a) in POOL; f(x), async { 1 }.await, 1 + 1",
    "(a) on POOL; f::<u8>(x), m::g(), on(x)",
    "(a) size = 4; f(x)",
    "(a) f, f(x).await, f::spawn(x), 1, |x| x, (f(x)), f(x) g(y)",
    "(a) pool = POOL; user = f(x), f(x)?, f(x).await?, f(x) +",
    "(a) in; <f>::g(x), f::<u8>::g::<u16>(x), r#in(x), f(x) > g(y)",
];

#[test]
fn broken_functions_never_panic() {
    check(|choice, edits| {
        let args = edited(ARGUMENTS[choice % ARGUMENTS.len()], &edits[..edits.len() / 2]);
        let item = edited(FUNCTIONS[choice % FUNCTIONS.len()], &edits[edits.len() / 2..]);
        let output = green_pool::expand(args, item.clone());
        assert!(!output.is_empty() || item.is_empty());
        let Ok(function) = syn::parse2::<syn::ItemFn>(item) else {
            let kept = output.to_string();
            assert!(kept.contains("compile_error") || kept.contains("struct"), "{kept}");
            return;
        };
        let file = syn::parse2::<syn::File>(output.clone());
        assert!(file.is_ok(), "{output}");
        for derived in
            file.into_iter().flat_map(|file| file.items).map(ToTokens::into_token_stream).map(green_pool::derive)
        {
            assert!(syn::parse2::<syn::File>(derived.clone()).is_ok(), "{derived}");
        }
        let words = output.into_iter().map(|token| token.to_string()).collect::<Vec<_>>();
        let name = function.sig.ident.to_string();
        assert!(words.windows(2).any(|pair| pair[0] == "fn" && pair[1] == name), "{words:?}");
    });
}

#[test]
fn broken_piles_never_panic() {
    check(|choice, edits| {
        let input = edited(PILES[choice % PILES.len()], edits);
        let output = pile::expand(input);
        assert!(!output.is_empty());
    });
}

/// Runs `GREENPOOL_FUZZ` random inputs. Without it the inputs are the same each time: 100,000 in release builds, 2,000
/// in debug builds.
fn check(property: impl Fn(usize, &[(usize, u8)])) {
    let default = if cfg!(debug_assertions) { 2_000 } else { 100_000 };
    let asked = std::env::var("GREENPOOL_FUZZ").ok().and_then(|cases| cases.parse().ok());
    let config = ProptestConfig {
        failure_persistence: None,
        rng_seed: if asked.is_some() { RngSeed::Random } else { RngSeed::Fixed(1) },
        ..ProptestConfig::with_cases(asked.unwrap_or(default))
    };
    let input = (any::<usize>(), proptest::collection::vec(any::<(usize, u8)>(), 0..8));
    let result = TestRunner::new(config).run(&input, |(choice, edits)| {
        property(choice, &edits);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

/// The tokens with some of them removed, doubled, swapped or moved.
fn edited(text: &str, edits: &[(usize, u8)]) -> TokenStream {
    let tokens = text.parse().expect("the test's own tokens");
    edits.iter().fold(tokens, |tokens, (at, edit)| mutate(tokens, *at, *edit))
}

fn mutate(tokens: TokenStream, at: usize, edit: u8) -> TokenStream {
    let mut tokens: Vec<_> = tokens.into_iter().collect();
    if tokens.is_empty() {
        return TokenStream::new();
    }
    let (at, rest) = (at % tokens.len(), at / tokens.len());
    match (edit % 5, tokens[at].clone()) {
        (_, TokenTree::Group(group)) if rest % 3 != 0 => {
            let inner = mutate(group.stream(), rest, edit);
            tokens[at] = Group::new(group.delimiter(), inner).into();
        }
        (1, token) => tokens.insert(at, token),
        (2, _) => {
            let other = rest % tokens.len();
            tokens.swap(at, other);
        }
        (3, token) => tokens.insert(rest % tokens.len(), token),
        (4, _) => tokens.truncate(at),
        _ => drop(tokens.remove(at)),
    }
    tokens.into_iter().collect()
}
