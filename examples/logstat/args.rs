//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Sums up the access log of a web server, of any size, in memory that does not grow with it.
///
/// It reads the common log format, as nginx and Apache write it:
///
///     203.0.113.9 - - [25/Nov/2026:10:00:00 +0000] "GET /faq HTTP/1.1" 200 5120
///
/// Exit status: 0 when the log was read, 2 when it could not be, 130 when it was interrupted.
#[derive(Debug, Parser)]
#[command(name = "logstat", verbatim_doc_comment)]
pub(crate) struct Args {
    /// The log. Without it, logstat writes one into a temporary folder, sums that up, and removes it
    #[arg(value_name = "FILE", value_parser = file)]
    pub(crate) file: Option<PathBuf>,

    /// How many blocks of the log are read at the same time [default: one for each core]
    #[arg(long, short, value_name = "N", value_parser = positive)]
    pub(crate) jobs: Option<u32>,

    /// How many KiB of the log one job reads
    #[arg(long, value_name = "KIB", default_value = "1024", value_parser = positive)]
    pub(crate) block: u32,

    /// How many paths the report names
    #[arg(long, value_name = "N", default_value = "10", value_parser = positive)]
    pub(crate) top: u32,

    /// How many MiB the log has that logstat writes
    #[arg(long, value_name = "MIB", default_value = "256", value_parser = positive, conflicts_with = "file")]
    pub(crate) size: u32,

    /// Which log it writes: another seed gives another
    #[arg(long, value_name = "N", default_value = "1", conflicts_with = "file")]
    pub(crate) seed: u64,
}

fn positive(text: &str) -> Result<u32, &'static str> {
    match text.parse() {
        Ok(number @ 1..=1_000_000) => Ok(number),
        _ => Err("give a whole number from 1 to 1000000"),
    }
}

fn file(text: &str) -> Result<PathBuf, &'static str> {
    let path = PathBuf::from(text);
    if !path.is_file() {
        return Err("no such file; give a log, or nothing to have one written");
    }
    Ok(path)
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
