//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Makes thumbnails of all PNG and JPEG pictures in a folder, on a bounded number of threads.
///
/// Exit status: 0 if every picture has a thumbnail, 1 if some have none, 2 if the run failed,
/// 130 if it was interrupted.
#[derive(Debug, Parser)]
#[command(name = "thumbs", verbatim_doc_comment)]
pub(crate) struct Args {
    /// The folder of pictures. If omitted, thumbs generates some in a temporary folder and removes them afterwards
    #[arg(value_name = "FOLDER", value_parser = folder, requires = "out")]
    pub(crate) folder: Option<PathBuf>,

    /// The folder for the thumbnails; it is created if necessary
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: Option<PathBuf>,

    /// Maximum number of pictures to process at once; each is in memory as a whole [default: one per core]
    #[arg(long, short, value_name = "N", value_parser = positive)]
    pub(crate) jobs: Option<u32>,

    /// Maximum width and height of a thumbnail, in pixels
    #[arg(long, value_name = "PIXELS", default_value = "256", value_parser = positive)]
    pub(crate) size: u32,

    /// Number of pictures to generate
    #[arg(long, value_name = "N", default_value = "120", value_parser = positive, conflicts_with = "folder")]
    pub(crate) pictures: u32,

    /// Seed for the generated pictures
    #[arg(long, value_name = "N", default_value = "1", conflicts_with = "folder")]
    pub(crate) seed: u64,
}

fn positive(text: &str) -> Result<u32, &'static str> {
    match text.parse() {
        Ok(number @ 1..=10_000) => Ok(number),
        _ => Err("give a whole number from 1 to 10000"),
    }
}

fn folder(text: &str) -> Result<PathBuf, &'static str> {
    let path = PathBuf::from(text);
    if !path.is_dir() {
        return Err("no such folder; give a folder of pictures, or omit it to have some generated");
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
