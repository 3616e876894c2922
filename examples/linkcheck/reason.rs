//! Why a link is broken.

use std::error::Error;
use std::fmt;

use reqwest::StatusCode;

/// The reason, for people with `Display`, for machines with [`class`](Self::class).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The answer was an error.
    Status(StatusCode),
    /// The page is there, but it has no such anchor.
    NoAnchor(String),
    /// The redirects come back to where they began.
    RedirectLoop,
    /// More redirects than a browser would follow.
    TooManyRedirects,
    /// A redirect without an address that can be followed.
    BadRedirect,
    /// No answer in time.
    Timeout,
    /// No connection: the name is unknown, or nobody listens.
    Unreachable(String),
    /// The connection closed before the whole answer had come.
    CutOff,
    /// No browser could read the address.
    Malformed,
    /// The page could not be read by us.
    Unreadable(String),
}

impl Reason {
    /// A name that scripts can rely on.
    pub(crate) fn class(&self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::NoAnchor(_) => "no-anchor",
            Self::RedirectLoop => "redirect-loop",
            Self::TooManyRedirects => "too-many-redirects",
            Self::BadRedirect => "bad-redirect",
            Self::Timeout => "timeout",
            Self::Unreachable(_) => "unreachable",
            Self::CutOff => "cut-off",
            Self::Malformed => "malformed",
            Self::Unreadable(_) => "unreadable",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "{status}"),
            Self::NoAnchor(name) => write!(f, "no anchor #{name}"),
            Self::RedirectLoop => f.write_str("redirects in a circle"),
            Self::TooManyRedirects => f.write_str("too many redirects"),
            Self::BadRedirect => f.write_str("redirects to nowhere"),
            Self::Timeout => f.write_str("no answer in time"),
            Self::Unreachable(why) => write!(f, "unreachable: {why}"),
            Self::CutOff => f.write_str("connection closed half way"),
            Self::Malformed => f.write_str("not an address"),
            Self::Unreadable(why) => write!(f, "unreadable: {why}"),
        }
    }
}

impl From<reqwest::Error> for Reason {
    fn from(error: reqwest::Error) -> Self {
        // The order matters: a connection that takes too long is both a timeout and a failed connection.
        if error.is_timeout() {
            Self::Timeout
        } else if error.is_connect() {
            Self::Unreachable(root_cause(&error))
        } else if error.is_redirect() {
            Self::TooManyRedirects
        } else if error.is_builder() {
            Self::Malformed
        } else {
            Self::CutOff
        }
    }
}

/// The innermost error says what happened; those around it say only where.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let text = cause.to_string();
    // The number that an operating system gives an error tells most people nothing.
    text.split(" (os error").next().unwrap_or_default().to_owned()
}
