//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Makes thumbnails of all PNG and JPEG pictures of a folder, on so many cores and no more.
///
/// Exit status: 0 when every picture has its thumbnail, 1 when some have none, 2 when there could be no run,
/// 130 when it was interrupted.
#[derive(Debug, Parser)]
#[command(name = "thumbs", verbatim_doc_comment)]
pub(crate) struct Args {
    /// The folder of pictures. Without it, thumbs makes some in a temporary folder, works on those, and removes them
    #[arg(value_name = "FOLDER", value_parser = folder, requires = "out")]
    pub(crate) folder: Option<PathBuf>,

    /// The folder for the thumbnails; it is made if need be
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: Option<PathBuf>,

    /// How many pictures are worked on at the same time; each is in memory as a whole [default: one for each core]
    #[arg(long, short, value_name = "N", value_parser = positive)]
    pub(crate) jobs: Option<u32>,

    /// How wide and how high a thumbnail is at most, in pixels
    #[arg(long, value_name = "PIXELS", default_value = "256", value_parser = positive)]
    pub(crate) size: u32,

    /// How many pictures thumbs makes
    #[arg(long, value_name = "N", default_value = "120", value_parser = positive, conflicts_with = "folder")]
    pub(crate) pictures: u32,

    /// Which pictures it makes: another seed makes others
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
        return Err("no such folder; give a folder of pictures, or nothing to have some made");
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
