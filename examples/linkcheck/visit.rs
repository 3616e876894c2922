//! What a request for one address gives.

use std::collections::{BTreeSet, HashSet};

use reqwest::{Client, Response, header};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::html::{Kind, Link};
use crate::reason::Reason;

/// The outcome for one address.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Visit {
    /// A document and its links and anchors. A style sheet has no anchors.
    Document { kind: Kind, links: BTreeSet<Link>, anchors: Option<HashSet<String>> },
    /// The address works, and the checker needs nothing else from it: it has no links, or is not on this site.
    Fine,
    /// A redirect. Its target is visited like any other address.
    Moved(Url),
    /// The address does not work.
    Broken(Reason),
}

/// The answer of a server.
pub(crate) enum Answer {
    /// A document, which is still to be read.
    Document(Kind, String),
    /// Any other.
    Visit(Visit),
}

/// Requests an address. The client must not follow redirects.
pub(crate) async fn request(client: &Client, url: &Url) -> Result<Answer, Reason> {
    let response = client.get(url.clone()).send().await?;
    if let Some(to) = redirect(&response, url)? {
        return Ok(Answer::Visit(Visit::Moved(to)));
    }
    if !response.status().is_success() {
        return Err(Reason::Status(response.status()));
    }
    match kind(&response) {
        Some(kind) => Ok(Answer::Document(kind, response.text().await?)),
        None => Ok(Answer::Visit(Visit::Fine)),
    }
}

impl Visit {
    /// The addresses that the response mentions.
    pub(crate) fn targets(&self) -> Vec<&Url> {
        match self {
            Self::Document { links, .. } => links.iter().filter_map(Link::target).collect(),
            Self::Moved(to) => vec![to],
            Self::Fine | Self::Broken(_) => Vec::new(),
        }
    }
}

/// The address without its fragment, as a server sees it.
pub(crate) fn without_fragment(url: &Url) -> Url {
    let mut url = url.clone();
    url.set_fragment(None);
    url
}

fn redirect(response: &Response, url: &Url) -> Result<Option<Url>, Reason> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location = response.headers().get(header::LOCATION);
    let to = location.and_then(|to| url.join(to.to_str().ok()?).ok());
    match to {
        Some(to) if matches!(to.scheme(), "http" | "https") => Ok(Some(to)),
        _ => Err(Reason::BadRedirect),
    }
}

fn kind(response: &Response) -> Option<Kind> {
    Kind::of(response.headers().get(header::CONTENT_TYPE)?.to_str().ok()?)
}
