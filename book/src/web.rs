//! A site of seven pages that needs no network. Each answer is fixed and takes a fixed time on tokio's clock.
//!
//! It is all that the samples of the first chapters need: put it next to your `main.rs`.

// A sample uses only a part of it.
#![allow(dead_code)]

use std::fmt;
use std::time::Duration;

use tokio::time::sleep;

/// A page as the server returns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The address.
    pub url: String,
    /// The addresses it links to.
    pub links: Vec<String>,
}

/// Why there is no page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchError {
    /// The server has no such page.
    NotFound(String),
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FetchError::NotFound(url) => write!(f, "{url}: not found"),
        }
    }
}

impl std::error::Error for FetchError {}

/// Path, response time in milliseconds, links.
const SITE: [(&str, u64, &[&str]); 7] = [
    ("/", 20, &["/guide", "/faq", "/news"]),
    ("/guide", 60, &["/", "/guide/install", "/guide/use"]),
    ("/guide/install", 30, &["/guide", "/old"]),
    ("/guide/use", 30, &["/guide", "/faq"]),
    ("/faq", 10, &["/", "/guide"]),
    ("/news", 40, &["/", "/old"]),
    ("/slow", 2000, &[]),
];

/// Fetches a page.
///
/// # Errors
/// If there is no such page.
pub async fn get(url: &str) -> Result<Page, FetchError> {
    let page = SITE.iter().find(|(path, ..)| *path == url);
    let Some((path, milliseconds, links)) = page else {
        sleep(Duration::from_millis(20)).await;
        return Err(FetchError::NotFound(url.to_owned()));
    };
    sleep(Duration::from_millis(*milliseconds)).await;
    Ok(Page { url: (*path).to_owned(), links: links.iter().map(|&link| link.to_owned()).collect() })
}

/// The addresses of all pages except the slow one, and of one missing page.
#[must_use]
pub fn addresses() -> Vec<String> {
    let paths = SITE.iter().map(|(path, ..)| *path);
    let paths = paths.filter(|path| *path != "/slow").chain(["/old"]);
    paths.map(str::to_owned).collect()
}
