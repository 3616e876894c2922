//! A server that fans each request out over one bounded pool.
//!
//! ```text
//! cargo run --release --example feeds                               # serves sample feeds and requests them itself
//! cargo run --release --example feeds -- --listen 127.0.0.1:8080    # serves until Ctrl-C
//! curl -H 'content-type: application/json' -d '{"feeds": ["https://example.org/feed.xml"]}' \
//!     http://127.0.0.1:8080/feeds
//! ```
//!
//! The modules that use greenpool are `feed` (a worker whose pool all requests share) and `api` (a pile for each
//! request).

mod api;
mod args;
mod feed;
mod samples;

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::task::Poll;

use anyhow::{Context as _, Result};
use axum::Router;
use clap::Parser as _;
use comfy_table::{ContentArrangement, Table, presets};
use futures::poll;
use greenpool_examples::until_interrupt;
use reqwest::{Client, header};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::signal;

use crate::api::Api;
use crate::args::Args;
use crate::feed::fetch;

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    // Fails only if a provider is already installed, which is fine too.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match run(&args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("feeds: {error:#}");
            ExitCode::from(2)
        }
    }
}

async fn run(args: &Args) -> Result<()> {
    fetch::pool().resize(args.jobs.into());
    let (feed, request) = args.limits();
    let client = client(args.listen.is_none())?;
    let router = api::router(Api { client: client.clone(), feed, request }).merge(samples::router());
    let address = args.listen.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 0).into());
    let listener = TcpListener::bind(address).await;
    let listener =
        listener.with_context(|| format!("cannot listen on {address}; give another address with --listen"))?;
    let address = listener.local_addr()?;
    let mut interrupt = Box::pin(signal::ctrl_c());
    // The first poll installs the handler, so Ctrl-C works once the next line is printed.
    if args.listen.is_some()
        && let Poll::Ready(deaf) = poll!(interrupt.as_mut())
    {
        deaf.context("cannot install a handler for Ctrl-C")?;
    }
    println!("serving on http://{address}");
    if args.listen.is_some() {
        println!("try: curl -H 'content-type: application/json' -d '{}' http://{address}/feeds", wanted(address, 2));
        println!("     curl http://{address}/status");
        return serve(listener, router, async { drop(interrupt.await) }).await;
    }
    tokio::spawn(axum::serve(listener, router).into_future());
    let answered = until_interrupt(ask(&client, address)).await;
    answered.unwrap_or_else(|| {
        println!("interrupted; feeds fetched: {}", fetch::pool().stats().finished);
        Ok(())
    })
}

/// Serves until `stop`, then accepts no more requests and answers those in progress.
async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()> + Send + 'static) -> Result<()> {
    axum::serve(listener, router).with_graceful_shutdown(stop).await.context("the server failed")?;
    let stats = fetch::pool().stats();
    println!("feeds fetched: {}, aborted: {}", stats.finished, stats.aborted);
    Ok(())
}

/// Requests the sample feeds from the server, and prints its answer.
async fn ask(client: &Client, address: SocketAddr) -> Result<()> {
    println!("requesting {} sample feeds from it\n", samples::PATHS.len());
    let request = client.post(format!("http://{address}/feeds")).header(header::CONTENT_TYPE, "application/json");
    let response = request.body(wanted(address, samples::PATHS.len()).to_string()).send().await?.error_for_status()?;
    let answer: Value = serde_json::from_str(&response.text().await?)?;
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(["feed", "title", "entries"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for entry in answer["feeds"].as_array().context("the answer has no feeds")? {
        let url = text(&entry["url"]);
        let path = url.split_once(&address.to_string()).map_or(&*url, |(_, path)| path);
        let titles: Vec<_> = entry["entries"].as_array().into_iter().flatten().map(text).collect();
        match &entry["error"] {
            Value::String(error) => table.add_row([path, "-", error]),
            _ => table.add_row([path, &text(&entry["title"]), &titles.join("\n")]),
        };
    }
    println!("{table}");
    println!("{} read, {} failed, in {} ms", answer["read"], answer["failed"], answer["milliseconds"]);
    Ok(())
}

/// A request for the first `feeds` sample feeds.
fn wanted(address: SocketAddr, feeds: usize) -> Value {
    let urls = samples::PATHS.iter().take(feeds).map(|path| format!("http://{address}{path}"));
    json!({ "feeds": urls.collect::<Vec<_>>() })
}

/// The client for all jobs. `local` means that it talks only to this process.
fn client(local: bool) -> Result<Client> {
    let mut builder = Client::builder().user_agent("greenpool-feeds");
    if local {
        // Plain HTTP on the loopback interface must not depend on the machine's proxies or certificates.
        builder = builder.no_proxy().tls_certs_only([]);
    }
    builder.build().context("cannot set up the HTTP client")
}
