//! Serves sites to check from this process, on free ports of the loopback interface.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use axum::body::Body;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Router, routing::get};
use futures::stream;
use tokio::net::{TcpListener, TcpSocket};
use tower_http::services::ServeDir;
use url::Url;

use crate::site::{Answer, Fault, Outside, Site};

/// The built-in world: a site, another host, and an address that refuses connections.
pub(crate) struct World {
    /// The first page of the site.
    pub(crate) start: Url,
    /// Exactly the links that a checker must report.
    #[allow(dead_code, reason = "linkcheck must find the faults by itself")]
    pub(crate) faults: BTreeSet<Fault>,
    // Bound but not listening, so that its port refuses connections as long as this is alive.
    _dead: TcpSocket,
}

impl World {
    /// Plans the site and serves it.
    pub(crate) async fn open(seed: u64, pages: usize) -> Result<Self> {
        let dead = TcpSocket::new_v4()?;
        dead.bind(([127, 0, 0, 1], 0).into())?;
        let nobody = format!("http://{}", dead.local_addr()?);
        let elsewhere = serve(elsewhere()).await?;
        let outside = Outside { alive: elsewhere.as_str().trim_end_matches('/'), dead: &nobody };
        let site = Site::plan(seed, pages, outside);
        let faults = site.faults.clone();
        let start = serve(router(site)).await?;
        Ok(Self { start, faults, _dead: dead })
    }
}

/// Serves a folder, and returns the address of its first page.
pub(crate) async fn folder(folder: &Path) -> Result<Url> {
    serve(Router::new().fallback_service(ServeDir::new(folder))).await
}

/// The server of a planned site.
pub(crate) fn router(site: Site) -> Router {
    let site = Arc::new(site);
    Router::new().fallback(move |uri: Uri| {
        let answer = site.answers.get(uri.path()).cloned();
        async move { respond(answer).await }
    })
}

/// Serves until the runtime ends, and returns the address of the first page.
pub(crate) async fn serve(router: Router) -> Result<Url> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no free port on 127.0.0.1")?;
    let start = Url::parse(&format!("http://{}/", listener.local_addr()?))?;
    tokio::spawn(axum::serve(listener, router).into_future());
    Ok(start)
}

fn elsewhere() -> Router {
    Router::new().route("/gone/{id}", get(StatusCode::NOT_FOUND)).fallback("somebody else's page")
}

async fn respond(answer: Option<Answer>) -> Response {
    match answer {
        Some(Answer::Page(html, pause)) => {
            tokio::time::sleep(pause).await;
            ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response()
        }
        Some(Answer::File(kind, bytes)) => ([(header::CONTENT_TYPE, kind)], bytes).into_response(),
        Some(Answer::Moved(to)) => (StatusCode::FOUND, [(header::LOCATION, to)]).into_response(),
        Some(Answer::Status(code)) => {
            StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response()
        }
        Some(Answer::Cut(html)) => cut(&html),
        Some(Answer::Silence) => std::future::pending().await,
        None => (StatusCode::NOT_FOUND, "no such page").into_response(),
    }
}

/// Announces the whole page, sends half of it, and fails, so that the server has to close the connection.
fn cut(html: &str) -> Response {
    let half = html.as_bytes()[..html.len() / 2].to_vec();
    let body = stream::iter([Ok(half), Err(io::Error::other("cut off, as planned"))]);
    let headers = [(header::CONTENT_TYPE, "text/html".to_owned()), (header::CONTENT_LENGTH, html.len().to_string())];
    (headers, Body::from_stream(body)).into_response()
}
