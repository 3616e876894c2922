//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Loads a CSV file of sales into an SQL database. Bad rows are set aside and told of; none is lost.
///
/// The first line of the file names its columns: date, shop, item, quantity and price, in any order, such as
///
///     date,shop,item,quantity,price
///     2026-11-25,harbour,pears,12,0.35
///
/// Exit status: 0 when every row was loaded, 1 when some were set aside (but for the bad rows of a file that etl
/// wrote itself), 2 when the file could not be loaded, 130 when it was interrupted. What a run with status 2 or 130
/// has loaded is whole batches, and it says how many rows.
#[derive(Debug, Parser)]
#[command(name = "etl", verbatim_doc_comment)]
pub(crate) struct Args {
    /// The CSV file. Without it, etl writes one with some bad rows into a temporary folder, loads that, and removes it
    #[arg(value_name = "FILE", value_parser = file, requires = "db")]
    pub(crate) file: Option<PathBuf>,

    /// The database, which must not exist yet
    #[arg(long, value_name = "PATH", value_parser = new)]
    pub(crate) db: Option<PathBuf>,

    /// How many batches of rows are converted at the same time [default: one for each core]
    #[arg(long, short, value_name = "N", value_parser = positive)]
    pub(crate) jobs: Option<u32>,

    /// How many rows a batch has
    #[arg(long, value_name = "N", default_value = "1000", value_parser = positive)]
    pub(crate) batch: u32,

    /// How many rows the file has that etl writes
    #[arg(long, value_name = "N", default_value = "500000", value_parser = positive, conflicts_with = "file")]
    pub(crate) rows: u32,

    /// Which rows it writes: another seed gives others
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
        return Err("no such file; give a CSV file, or nothing to have one written");
    }
    Ok(path)
}

fn new(text: &str) -> Result<PathBuf, &'static str> {
    let path = PathBuf::from(text);
    if path.exists() {
        return Err("there is something of that name; give the name of a database to be made");
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
