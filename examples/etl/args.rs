//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Loads a CSV file of sales into an SQL database. Bad rows are set aside and reported; no row is lost.
///
/// The first line of the file names its columns: date, shop, item, quantity and price, in any order. For example:
///
///     date,shop,item,quantity,price
///     2026-11-25,harbour,pears,12,0.35
///
/// Exit status: 0 if every row was loaded, 1 if some were set aside (bad rows in a file that etl generated do not
/// count), 2 if the file could not be loaded, 130 if the run was interrupted. A run with status 2 or 130 has loaded
/// whole batches, and prints the number of rows.
#[derive(Debug, Parser)]
#[command(name = "etl", verbatim_doc_comment)]
pub(crate) struct Args {
    /// The CSV file. If omitted, etl generates one with some bad rows in a temporary folder, loads it, and removes it
    #[arg(value_name = "FILE", value_parser = file, requires = "db")]
    pub(crate) file: Option<PathBuf>,

    /// The database to create
    #[arg(long, value_name = "PATH", value_parser = new)]
    pub(crate) db: Option<PathBuf>,

    /// Maximum number of batches to convert at once [default: one per core]
    #[arg(long, short, value_name = "N", value_parser = positive)]
    pub(crate) jobs: Option<u32>,

    /// Number of rows in a batch
    #[arg(long, value_name = "N", default_value = "1000", value_parser = positive)]
    pub(crate) batch: u32,

    /// Number of rows in the generated file
    #[arg(long, value_name = "N", default_value = "500000", value_parser = positive, conflicts_with = "file")]
    pub(crate) rows: u32,

    /// Seed for the generated rows
    #[arg(long, value_name = "N", default_value = "1", conflicts_with = "file")]
    pub(crate) seed: u64,
}

fn positive(text: &str) -> Result<u32, &'static str> {
    match text.parse() {
        Ok(number @ 1..=100_000_000) => Ok(number),
        _ => Err("give a whole number from 1 to 100000000"),
    }
}

fn file(text: &str) -> Result<PathBuf, &'static str> {
    let path = PathBuf::from(text);
    if !path.is_file() {
        return Err("no such file; give a CSV file, or omit it to have one generated");
    }
    Ok(path)
}

fn new(text: &str) -> Result<PathBuf, &'static str> {
    let path = PathBuf::from(text);
    if path.exists() {
        return Err("this path exists already; give the path of a new database");
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
