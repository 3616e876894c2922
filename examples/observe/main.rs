//! What a pool is doing, in three ways: log lines in spans on the terminal, `/metrics` for Prometheus, and `/report` for
//! people.
//!
//! ```text
//! cargo run -p greenpool-examples --features observe --example observe
//! curl http://127.0.0.1:9000/metrics
//! curl http://127.0.0.1:9000/report
//! ```

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use greenpool::{green_pool, pile};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use tokio::net::TcpListener;
use tokio::time::{interval, sleep};
use tracing::{Instrument, info, info_span};

/// Visits a page and, while its own slot is lent, the two pages that it links to.
#[green_pool(size = 4)]
async fn visit(page: u32, depth: u32) -> u32 {
    sleep(Duration::from_millis(u64::from(page % 7) * 20)).await;
    info!(page, "visited");
    if depth == 0 {
        return 1;
    }
    let (left, right) = pile![visit(2 * page, depth - 1), visit(2 * page + 1, depth - 1)].join().await;
    1 + left.unwrap_or(0) + right.unwrap_or(0)
}

/// Crawls the same site again and again. Each crawl has a span, and so has each of its jobs, inside it.
async fn crawl_for_ever() {
    for round in 1_u32.. {
        let span = info_span!("crawl", round);
        let pages = async { visit::spawn(1, 6).await.await }.instrument(span.clone()).await;
        span.in_scope(|| info!(pages = pages.unwrap_or(0), "done"));
    }
}

/// Publishes the numbers of the pool from time to time.
async fn publish_for_ever() {
    let mut ticks = interval(Duration::from_secs(1));
    loop {
        ticks.tick().await;
        visit::pool().publish_metrics();
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9000".to_owned());
    let Ok(address) = address.parse::<SocketAddr>() else {
        eprintln!("usage: observe [ADDRESS], for example: observe 127.0.0.1:9000");
        return ExitCode::from(2);
    };
    let listener = match TcpListener::bind(address).await {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("cannot listen on {address}: {error}; try another address");
            return ExitCode::FAILURE;
        }
    };
    let address = listener.local_addr().unwrap_or(address);
    tracing_subscriber::fmt().with_target(false).init();
    // Seconds, from a millisecond to a minute.
    let buckets = [0.001, 0.01, 0.1, 1.0, 10.0, 60.0];
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &buckets)
        .and_then(PrometheusBuilder::install_recorder);
    let page = match recorder {
        Ok(page) => page,
        Err(error) => {
            eprintln!("the metrics cannot be recorded: {error}");
            return ExitCode::FAILURE;
        }
    };
    visit::pool().track(true);
    visit::pool().publish_metrics();
    let routes = Router::new()
        .route("/metrics", get(move || std::future::ready(page.render())))
        .route("/report", get(|| async { visit::pool().report().to_string() }));
    println!("http://{address}/metrics and http://{address}/report; Ctrl-C ends this");
    let work = async {
        tokio::select! {
            error = async { axum::serve(listener, routes).await } => eprintln!("the server ended: {error:?}"),
            () = crawl_for_ever() => {}
            () = publish_for_ever() => {}
        }
    };
    let interrupted = greenpool_examples::until_interrupt(work).await.is_none();
    print!("{}", visit::pool().report());
    if interrupted { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
