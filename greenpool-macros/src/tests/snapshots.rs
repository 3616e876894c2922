//! What the macros generate, for reviewers. `UPDATE_EXPECT=1 cargo test -p greenpool-macros` updates the files.

use expect_test::expect_file;
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;

use crate::{green_pool, pile};

/// Compares each expansion with `snapshots/{name}.rs`.
macro_rules! snapshots {
    ($($name:ident: $tokens:expr;)*) => {$(
        #[test]
        fn $name() {
            let text = pretty(&$tokens);
            expect_file![concat!("snapshots/", stringify!($name), ".rs")].assert_eq(&text);
        }
    )*};
}

fn attribute(args: &str, item: &str) -> TokenStream {
    green_pool::expand(tokens(args), tokens(item))
}

/// What the derive macro adds to the struct of a deprecated function.
fn derived(args: &str, item: &str) -> TokenStream {
    let file: syn::File = syn::parse2(attribute(args, item)).expect("the expansion parses");
    let is_struct = |item: &syn::Item| matches!(item, syn::Item::Struct(_));
    let item = file.items.into_iter().find(is_struct).expect("the expansion has a struct");
    green_pool::derive(item.into_token_stream())
}

fn piled(entries: &str) -> TokenStream {
    let pile = pile::expand(tokens(entries));
    quote::quote!(fn piled() { #pile })
}

fn tokens(text: &str) -> TokenStream {
    text.parse().expect("the test's own tokens")
}

/// The formatted tokens. A function whose half-typed body does not parse stays unformatted.
fn pretty(tokens: &TokenStream) -> String {
    if let Ok(file) = syn::parse2(tokens.clone()) {
        return prettyplease::unparse(&file);
    }
    let is_body = |token: &TokenTree| matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
    let all: Vec<_> = tokens.clone().into_iter().collect();
    let end = all.iter().position(is_body).map_or(all.len(), |body| body + 1);
    let (function, rest) = all.split_at(end);
    let function: TokenStream = function.iter().cloned().collect();
    let rest = syn::parse2(rest.iter().cloned().collect()).expect("only the first body is half-typed");
    format!("{function}\n{}", prettyplease::unparse(&rest))
}

snapshots! {
    keyed: attribute(
        "size = 100, key = host(&url), per_key = LIMIT",
        "async fn fetch(url: String, _depth: u32, (a, b): (u8, u8)) -> usize { url.len() }",
    );
    none: attribute("size = 100", "async fn tick() {}");
    one: attribute(
        "size = 100",
        "/// Fetches one page.\npub async fn fetch(url: String) -> Result<Page, Error> { client().get(url).await }",
    );
    many: attribute("", "pub(crate) async fn add((a, b): (u8, u8), mut c: u8, _: u8) -> u8 { c += a; c + b }");
    generics: attribute(
        "",
        "async fn show<T: Display + Send, const N: usize>(all: [T; N], to: impl Write + Send) -> usize \
         where T: Clone { 0 }",
    );
    shared: attribute("size = 4", "async fn fetch(#[shared] client: Client, url: String) -> usize { 0 }");
    shared_anywhere: attribute(
        "",
        "async fn put<T: Send>(a: T, #[shared] (b, c): (u8, u8), #[shared] d: impl Clone + Send, e: u8) { f() }",
    );
    raw_identifiers: attribute(r#"name = "matching""#, "async fn r#match(r#type: u8) {}");
    conditions: attribute(
        "",
        "#[cfg(unix)] #[cfg_attr(all(), allow(dead_code), instrument)] #[deprecated] #[inline] async fn old() {}",
    );
    expected: attribute(
        "",
        "#[expect(unused, reason = \"a\")] #[cfg_attr(all(), expect(deprecated))] #[expect()] #[deprecated] \
         async fn old(#[expect(non_snake_case)] URL: String) {}",
    );
    deprecated: attribute("size = 4", "#[deprecated] pub async fn old(url: String) -> usize { url.len() }");
    deprecated_derived: derived("size = 4", "#[deprecated] pub async fn old(url: String) -> usize { url.len() }");
    never: attribute("", "async fn serve() -> ! { loop {} }");
    size_is_no_constant: attribute("size = *JOBS", "async fn fetch() {}");
    shared_pool: attribute("pool = crate::POOL, type = Fetch, crate = pools", "async fn fetch(url: String) {}");
    size_at_run_time: attribute("size = cores() * 2", "async fn fetch() {}");
    hidden: attribute("size = 2", "#[doc(hidden)] pub async fn tick() {}");
    half_typed_body: attribute("", "async fn fetch(url: String) -> usize { url. }");
    broken_argument: attribute("sise = 4", "async fn fetch(url: String) {}");
    broken_borrow: attribute("", "async fn fetch(url: &str, depth: u8) {}");
    broken_lifetime: attribute(
        "",
        "async fn fetch<'a, T: Trait<'a>>(url: &'a str, t: T) -> &'a str where T: Other<'a> { url }",
    );
    broken_not_async: attribute("", "fn fetch(url: String) { get(url).await }");
    broken_impl_future: attribute("", "fn fetch(url: String) -> impl Future<Output = u8> { async { 1 } }");
    broken_receiver: attribute("", "async fn fetch(&self) {}");
    broken_twice: attribute("", "#[green_pool] async fn fetch() {}");
    broken_item: attribute("", "struct Fetch;");
    broken_self: attribute("", "async fn fetch(client: Arc<Self>) {}");
    broken_output: attribute("", "async fn fetch(url: String) -> impl Display { url }");
    broken_body: attribute("", "async fn fetch(url: String);");
    broken_unsafe: attribute("", "async unsafe fn fetch(url: String) {}");
    broken_const: attribute("", "const async fn fetch(url: String) {}");
    broken_abi: attribute("", "async extern \"C\" fn fetch(url: String) {}");
    broken_variadic: attribute("", "async fn fetch(url: String, _: ...) {}");
    broken_shared: attribute("", "async fn fetch(#[shared(a)] #[shared] client: Client, url: &str) {}");
    broken_cfg: attribute("", "async fn fetch(#[cfg(unix)] url: String) {}");
    borrowed_output: attribute("", "async fn fetch(url: String) -> &str { \"\" }");
    unsized_argument: attribute("", "async fn fetch(url: [u8]) {}");
    pile_list: piled("(::greenpool) fetch(url), show::<u8>(all, to)");
    pile_brackets: piled("(::greenpool) <a::fetch(url), count()>");
    pile_named: piled("(::greenpool) user: get_user(id), posts: get_posts(id)");
    pile_in: piled("(::greenpool) in POOL; fetch(url), async { 1 }");
    pile_on: piled("(::greenpool) on POOL; fetch(url), a::show::<u8>(all, to)");
    pile_sized: piled("(::greenpool) size = 4; fetch(url)");
    pile_broken: piled("(::greenpool) fetch, fetch(a).await, fetch(b)");
    pile_broken_place: piled("(::greenpool) in; async { 1 }, fetch(b)");
}
