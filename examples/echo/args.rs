//! The command line.

use std::net::SocketAddr;

use clap::Parser;

/// An echo server that serves a bounded number of clients at once, and a load generator for it.
///
/// Without --listen, both run in this process, on a loopback port.
/// The first Ctrl-C lets the clients that are being served finish. The second does not wait for them.
///
/// Exit status: 0 if every client was served, 1 if some were not, 2 if the run could not start,
/// 130 if the load was interrupted. A server alone stops on Ctrl-C with status 0.
#[derive(Debug, Parser)]
#[command(name = "echo", verbatim_doc_comment)]
pub(crate) struct Args {
    /// Run the server alone, on this address, until Ctrl-C
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    #[arg(conflicts_with_all = ["clients", "at_once", "rounds", "pause"])]
    pub(crate) listen: Option<SocketAddr>,

    /// Maximum number of clients to serve at once
    #[arg(long, value_name = "N", default_value = "1000", value_parser = positive)]
    pub(crate) handlers: u32,

    /// Total number of clients
    #[arg(long, value_name = "N", default_value = "10000", value_parser = positive)]
    pub(crate) clients: u32,

    /// Maximum number of clients connected at once, served or queued
    #[arg(long, value_name = "N", default_value = "4000", value_parser = positive)]
    pub(crate) at_once: u32,

    /// Number of messages that each client sends
    #[arg(long, value_name = "N", default_value = "4", value_parser = positive)]
    pub(crate) rounds: u32,

    /// Pause of a client before each message, in milliseconds
    #[arg(long, value_name = "MILLISECONDS", default_value = "50")]
    pub(crate) pause: u32,

    /// Time for clients to finish after Ctrl-C, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "5")]
    pub(crate) grace: u32,
}

fn positive(text: &str) -> Result<u32, &'static str> {
    match text.parse() {
        Ok(number @ 1..=1_000_000) => Ok(number),
        _ => Err("give a whole number from 1 to 1000000"),
    }
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "give an address and a port, such as 127.0.0.1:7000")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Args::command().debug_assert();
    }
}
