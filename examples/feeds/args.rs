//! The command line.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Parser;

/// An HTTP server that takes a list of feeds, fetches all of them at once, and answers with their titles.
///
/// Without --listen it serves a few sample feeds, one of them slow and some broken, requests them from itself,
/// prints the answer, and exits. With --listen it serves until Ctrl-C, then finishes the requests in progress.
///
/// It fetches every address that a client sends. Expose it only to clients that may reach those addresses too.
///
/// Exit status: 0 on success, 2 if it could not serve.
#[derive(Debug, Parser)]
#[command(name = "feeds", verbatim_doc_comment)]
pub(crate) struct Args {
    /// Serve on this address until Ctrl-C
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub(crate) listen: Option<SocketAddr>,

    /// Maximum number of feeds to fetch at once, across all requests
    #[arg(long, short, value_name = "N", default_value = "32", value_parser = positive)]
    pub(crate) jobs: u16,

    /// Time limit for one feed, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = positive)]
    pub(crate) feed: u16,

    /// Time limit for one request, including the wait for free slots, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = positive)]
    pub(crate) request: u16,
}

impl Args {
    pub(crate) fn limits(&self) -> (Duration, Duration) {
        (Duration::from_secs(self.feed.into()), Duration::from_secs(self.request.into()))
    }
}

fn positive(text: &str) -> Result<u16, &'static str> {
    match text.parse() {
        Ok(0) | Err(_) => Err("give a whole number from 1 to 65535"),
        Ok(number) => Ok(number),
    }
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "give an address and a port, such as 127.0.0.1:8080")
}
