//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Sums up a web server's access log of any size, in memory that does not grow with the size.
///
/// It reads the common log format of nginx and Apache:
///
///     203.0.113.9 - - [25/Nov/2026:10:00:00 +0000] "GET /faq HTTP/1.1" 200 5120
///
/// Exit status: 0 if the log was read, 2 if it could not be read, 130 if the run was interrupted.
#[derive(Debug, Parser)]
#[command(name = "logstat", verbatim_doc_comment)]
pub(crate) struct Args {
    /// The log. If omitted, logstat generates one in a temporary folder, sums it up, and removes it
    #[arg(value_name = "FILE", value_parser = file)]
    pub(crate) file: Option<PathBuf>,

    /// Maximum number of blocks to read at once [default: one per core]
    #[arg(long, short, value_name = "N", value_parser = positive)]
    pub(crate) jobs: Option<u32>,

    /// Size of the block that one job reads, in KiB
    #[arg(long, value_name = "KIB", default_value = "1024", value_parser = positive)]
    pub(crate) block: u32,

    /// Number of paths in the report
    #[arg(long, value_name = "N", default_value = "10", value_parser = positive)]
    pub(crate) top: u32,

    /// Size of the generated log, in MiB
    #[arg(long, value_name = "MIB", default_value = "256", value_parser = positive, conflicts_with = "file")]
    pub(crate) size: u32,

    /// Seed for the generated log
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
        return Err("no such file; give a log, or omit it to have one generated");
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
