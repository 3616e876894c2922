//! The command line.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Parser;

/// An HTTP server that is sent a list of feeds, fetches them all at once, and answers with their titles.
///
/// Without --listen it serves a few feeds of its own, one of them slow and some broken, asks itself for them,
/// prints the answer, and ends. With --listen it serves until Ctrl-C, and then finishes the requests it has.
///
/// It asks for whatever address it is sent. So let only those reach it who may reach those addresses too.
///
/// Exit status: 0 when all went well, 2 when it could not serve.
#[derive(Debug, Parser)]
#[command(name = "feeds", verbatim_doc_comment)]
pub(crate) struct Args {
    /// Serve on this address until Ctrl-C
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub(crate) listen: Option<SocketAddr>,

    /// How many feeds may be fetched at the same time, over all requests
    #[arg(long, short, value_name = "N", default_value = "32", value_parser = positive)]
    pub(crate) jobs: u16,

    /// How many seconds one feed may take
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = positive)]
    pub(crate) feed: u16,

    /// How many seconds one request may take, the wait for free slots included
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
