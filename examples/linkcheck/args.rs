//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use url::Url;

const EXAMPLES: &str = "\
Examples:
  linkcheck                                  check a built-in site of 2,000 pages with known faults
  linkcheck book/book                        serve a folder on a loopback port and check it
  linkcheck http://localhost:8000/ --jobs 5  check a site gently";

/// Checks every link of a site: pages, files, redirects, anchors, and links to other hosts.
///
/// Links are looked for in HTML, style sheets and SVG, as the server sends them. Links and anchors that a script would
/// add are not seen. What fails because a server is slow or busy is requested once more at the end, a few at a time.
///
/// Exit status: 0 if all links are fine, 1 if some are broken, 2 if the check failed,
/// 130 if it was interrupted before it found a broken link.
#[derive(Debug, Parser)]
#[command(name = "linkcheck", verbatim_doc_comment, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A folder of HTML files, or an http(s):// address
    ///
    /// If omitted, linkcheck builds a site with known faults, serves it on a loopback port, and checks it.
    #[arg(value_name = "FOLDER|URL", value_parser = Target::parse)]
    pub(crate) target: Option<Target>,

    /// Maximum number of pages to fetch at once
    #[arg(long, short, value_name = "N", default_value = "100", value_parser = positive)]
    pub(crate) jobs: u16,

    /// Time limit for one response, in seconds [default: 10; 3 on the built-in site]
    #[arg(long, value_name = "SECONDS", value_parser = positive)]
    pub(crate) timeout: Option<u16>,

    /// Maximum number of requests to one other host at once
    #[arg(long, value_name = "N", default_value = "4", value_parser = positive, conflicts_with = "inside")]
    pub(crate) per_host: u16,

    /// Do not check links to other hosts
    #[arg(long)]
    pub(crate) inside: bool,

    /// List every broken link and every page it is on
    ///
    /// Without it, a report on a terminal shows a few of each kind. A report that goes to a file has all of them.
    #[arg(long)]
    pub(crate) all: bool,

    /// Print the report as JSON
    #[arg(long)]
    pub(crate) json: bool,

    /// Number of pages of the built-in site
    #[arg(long, value_name = "N", default_value = "2000", value_parser = positive, conflicts_with = "target")]
    pub(crate) pages: u16,

    /// Seed for the built-in site: each seed puts different faults on different pages
    #[arg(long, value_name = "N", default_value = "1", conflicts_with = "target")]
    pub(crate) seed: u64,
}

/// What to check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A folder, which linkcheck serves itself.
    Folder(PathBuf),
    /// A site on some other server.
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
            return Err("no such folder; give a folder, or an address that starts with http:// or https://".to_owned());
        }
        if !folder.join("index.html").is_file() {
            return Err("this folder has no index.html; give the folder that contains the site's start page".to_owned());
        }
        Ok(Self::Folder(folder))
    }
}

impl Args {
    /// The time limit for one request.
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
