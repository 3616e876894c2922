//! A web of eight pages that needs no network: each answer takes a while of tokio's clock, and is always the same.
//!
//! The clock of a sample may stand still, so that waiting takes no time.

use std::fmt;
use std::time::Duration;

use tokio::time::sleep;

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The address.
    pub url: String,
    /// The addresses that it links to.
    pub links: Vec<String>,
}

/// Why there is no page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchError {
    /// The server knows no such page.
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

/// Path, milliseconds, links.
const SITE: [(&str, u64, &[&str]); 7] = [
    ("/", 20, &["/guide", "/faq", "/news"]),
    ("/guide", 60, &["/", "/guide/install", "/guide/use"]),
    ("/guide/install", 30, &["/guide", "/old"]),
    ("/guide/use", 30, &["/guide", "/faq"]),
    ("/faq", 10, &["/", "/guide"]),
    ("/news", 40, &["/", "/old"]),
    ("/slow", 5000, &[]),
];

/// Asks for a page.
///
/// # Errors
/// When there is no such page.
pub async fn get(url: &str) -> Result<Page, FetchError> {
    let page = SITE.iter().find(|(path, ..)| *path == url);
    let Some((path, milliseconds, links)) = page else {
        sleep(Duration::from_millis(20)).await;
        return Err(FetchError::NotFound(url.to_owned()));
    };
    sleep(Duration::from_millis(*milliseconds)).await;
    Ok(Page { url: (*path).to_owned(), links: links.iter().map(|&link| link.to_owned()).collect() })
}

/// The addresses of all pages but the slow one, and of one that is gone.
#[must_use]
pub fn addresses() -> Vec<String> {
    let paths = SITE.iter().map(|(path, ..)| *path);
    let paths = paths.filter(|path| *path != "/slow").chain(["/old"]);
    paths.map(str::to_owned).collect()
}
