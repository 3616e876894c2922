//! The crawler visits every page of a site once and reports the broken links.

#[allow(dead_code, reason = "not every test uses all of it")]
#[path = "../tests/program/mod.rs"]
mod program;

use std::sync::LazyLock;

use axum::response::{Html, Redirect};
use axum::{Router, routing::get};
use program::Program;
use tokio::net::TcpListener;

static CRAWL: LazyLock<Program> = LazyLock::new(|| Program::build("crawl"));

async fn serve(pages: Router) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let start = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, pages).await });
    start
}

/// A start page with these links.
fn first(links: &'static str) -> Router {
    Router::new().route("/", get(async move || Html(links)))
}

#[tokio::test]
async fn broken_links_are_found_behind_pages_and_redirects() {
    let pages = first(r#"<a href="a">a</a> <a href="/moved">m</a> <a href="mailto:x@y">x</a>"#)
        .route("/a", get(async || Html(r#"<a href="/gone#x">g</a> <a href="/#top">up</a> <a href="/text">t</a>"#)))
        .route("/text", get(async || r#"<a href="/not-a-link">"#))
        .route("/moved", get(async || Redirect::to("/b")))
        .route("/b", get(async || Html(r#"<a href="/gone-too">g</a>"#)));
    let start = serve(pages).await;
    let text = CRAWL.prints(&[&start], 1).await;
    assert!(text.contains(&format!("broken  {start}gone: HTTP status client error (404 Not Found)")), "{text}");
    assert!(text.contains(&format!("broken  {start}gone-too: ")), "{text}");
    // The start page, a, moved, gone, text, gone-too; not b, which no page links to.
    assert!(text.contains("6 links, 2 of them broken"), "{text}");
}

#[tokio::test]
async fn a_site_without_faults_is_a_success() {
    let start = serve(first(r#"<a href="/">here</a>"#)).await;
    assert_eq!(CRAWL.prints(&[&start], 0).await, "1 links, 0 of them broken\n");
}

#[tokio::test]
async fn bad_usage_is_refused_with_advice() {
    CRAWL.refuses(&[], "http://localhost:8000/").await;
    CRAWL.refuses(&["localhost"], "usage").await;
}
