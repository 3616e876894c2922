//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use url::Url;

const EXAMPLES: &str = "\
Examples:
  linkcheck                                  a site of 2,000 pages with known faults
  linkcheck book/book                        a folder, served on a loopback port
  linkcheck http://localhost:8000/ --jobs 5  a site, gently";

/// Checks every link of a site: its pages, files, redirects and anchors, and each link to another host once.
///
/// A page is taken as its server sends it: links and anchors that a script would add to it are not seen.
///
/// Exit status: 0 when all links are fine, 1 when some are broken, 2 when the check could not be done,
/// 130 when it was interrupted before a broken link was found.
#[derive(Debug, Parser)]
#[command(name = "linkcheck", verbatim_doc_comment, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A folder of HTML files, or an http(s):// address
    ///
    /// With neither, linkcheck builds a site with known faults, serves it on a loopback port, and checks that.
    #[arg(value_name = "FOLDER|URL", value_parser = Target::parse)]
    pub(crate) target: Option<Target>,

    /// How many pages may be fetched at the same time
    #[arg(long, short, value_name = "N", default_value = "100", value_parser = positive)]
    pub(crate) jobs: u16,

    /// How many seconds a server may take for one answer [default: 10; 3 on the built-in site]
    #[arg(long, value_name = "SECONDS", value_parser = positive)]
    pub(crate) timeout: Option<u16>,

    /// Leave links to other hosts untested
    #[arg(long)]
    pub(crate) inside: bool,

    /// Print the report as JSON
    #[arg(long)]
    pub(crate) json: bool,

    /// How many pages the built-in site has
    #[arg(long, value_name = "N", default_value = "2000", value_parser = positive, conflicts_with = "target")]
    pub(crate) pages: u16,

    /// Which built-in site to build: another seed puts other faults on other pages
    #[arg(long, value_name = "N", default_value = "1", conflicts_with = "target")]
    pub(crate) seed: u64,
}

/// What to check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Served by us.
    Folder(PathBuf),
    /// Served by somebody else.
    Address(Url),
}

impl Target {
    fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with("http://") || text.starts_with("https://") {
            return match Url::parse(text) {
                Ok(url) => Ok(Self::Address(url)),
                Err(error) => Err(format!("{error}; give an address like http://example.org/docs/")),
            };
        }
        let folder = PathBuf::from(text);
        if !folder.is_dir() {
            return Err("no such folder; give a folder, or an address that begins with http:// or https://".to_owned());
        }
        if !folder.join("index.html").is_file() {
            return Err("this folder has no index.html; give the folder that holds the site's first page".to_owned());
        }
        Ok(Self::Folder(folder))
    }
}

impl Args {
    /// The time that one request may take.
    pub(crate) fn timeout(&self) -> Duration {
        let usual = if self.target.is_some() { 10 } else { 3 };
        Duration::from_secs(self.timeout.unwrap_or(usual).into())
    }
}

fn positive(text: &str) -> Result<u16, &'static str> {
    match text.parse() {
        Ok(0) | Err(_) => Err("give a whole number from 1 to 65535"),
        Ok(number) => Ok(number),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn an_address_and_a_folder_are_told_apart() {
        let url = Url::parse("https://example.org/").unwrap();
        assert_eq!(Target::parse("https://example.org"), Ok(Target::Address(url)));
        assert!(Target::parse("example.org").unwrap_err().contains("http://"));
        assert!(Target::parse("http://").is_err());
    }
}
