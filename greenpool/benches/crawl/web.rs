//! The web that is crawled: numbered pages with addresses.

use std::fmt::Write as _;

/// The number of links on a page.
pub(crate) const LINKS: u64 = 10;

const SITE: &str = "https://www.example.com/articles/";

/// The address of a page.
pub(crate) fn address(page: u64) -> String {
    let mut address = String::with_capacity(SITE.len() + 7);
    write!(address, "{SITE}{page}").expect("a string takes everything");
    address
}

/// Fetches a page. Returns the addresses that it links to.
pub(crate) async fn fetch(address: &str, pages: u64) -> Vec<String> {
    // The answer takes a while.
    tokio::task::yield_now().await;
    let page = address.strip_prefix(SITE).and_then(|page| page.parse().ok()).expect("the link is from this site");
    links(page, pages).map(self::address).collect()
}

/// The pages that a page links to. Two of these are its own below it, so that every page can be found; the others are
/// anywhere.
fn links(page: u64, pages: u64) -> impl Iterator<Item = u64> {
    (0..LINKS).map(move |link| match link {
        0 | 1 if 2 * page + 1 + link < pages => 2 * page + 1 + link,
        _ => mix(page * LINKS + link) % pages,
    })
}

/// A number that looks random: `SplitMix64`.
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
