//! Sample feeds, served by the server itself.

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;

/// The paths of the samples. The last one does not exist.
pub(crate) const PATHS: [&str; 6] = [
    "/samples/harbour.xml",
    "/samples/slow.xml",
    "/samples/orchard.atom",
    "/samples/cut.xml",
    "/samples/page.html",
    "/samples/gone.xml",
];

const HARBOUR: &str = r#"<?xml version="1.0"?>
<rss version="2.0"><channel>
<title>Harbour news</title><link>http://harbour.example/</link><description>Ships and tides</description>
<item><title>The new crane lifts its first ship</title><guid>1</guid></item>
<item><title>Low tide at noon &amp; midnight</title><guid>2</guid></item>
</channel></rss>"#;

const ORCHARD: &str = r#"<?xml version="1.0"?>
<feed xmlns="http://www.w3.org/2005/Atom">
<title>The orchard</title><id>urn:orchard</id><updated>2026-09-01T08:00:00Z</updated>
<entry><title>Pears are early this year</title><id>urn:orchard:1</id><updated>2026-09-01T08:00:00Z</updated></entry>
<entry><title>How to store apples</title><id>urn:orchard:2</id><updated>2026-08-20T08:00:00Z</updated></entry>
<entry><title>A ladder for sale</title><id>urn:orchard:3</id><updated>2026-08-02T08:00:00Z</updated></entry>
</feed>"#;

/// A feed cut short by a broken connection.
const CUT: &str = r#"<?xml version="1.0"?><rss version="2.0"><channel><title>Half of a feed</title><item><tit"#;

const PAGE: &str = "<!DOCTYPE html><html><head><title>Not a feed</title></head><body></body></html>";

pub(crate) fn router() -> Router {
    let xml = |text: &'static str| get(move || async move { ([(CONTENT_TYPE, "application/xml")], text) });
    Router::new()
        .route(PATHS[0], xml(HARBOUR))
        .route(PATHS[1], get(never))
        .route(PATHS[2], xml(ORCHARD))
        .route(PATHS[3], xml(CUT))
        .route(PATHS[4], get(async || ([(CONTENT_TYPE, "text/html")], PAGE)))
}

/// Accepts the request and never answers.
async fn never() -> impl IntoResponse {
    std::future::pending::<&str>().await
}
