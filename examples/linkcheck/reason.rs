//! Why a link is broken.

use std::error::Error;
use std::fmt;

use reqwest::StatusCode;
use serde::{Deserialize, Serialize};

/// The reason: `Display` is for people, [`class`](Self::class) for machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Reason {
    /// The server answered with an error status.
    Status(#[serde(with = "status")] StatusCode),
    /// The page exists, but has no such anchor.
    NoAnchor(String),
    /// The redirects form a loop.
    RedirectLoop,
    /// More redirects than a browser would follow.
    TooManyRedirects,
    /// The redirect has no valid target address.
    BadRedirect,
    /// The server did not answer in time.
    Timeout,
    /// No connection: the name is unknown, or nothing listens there.
    Unreachable(String),
    /// The connection was closed before the response was complete.
    CutOff,
    /// No browser can parse the address.
    Malformed,
    /// The page could not be parsed.
    Unreadable(String),
}

impl Reason {
    /// Whether a second try may have another outcome, because a server or a network was busy.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Status(status) => matches!(status.as_u16(), 429 | 502 | 503 | 504),
            Self::Timeout | Self::Unreachable(_) | Self::CutOff => true,
            _ => false,
        }
    }

    /// What the report calls the links that are broken for this reason.
    pub(crate) fn title(&self) -> String {
        match self {
            Self::NoAnchor(_) => "the page has no such anchor".to_owned(),
            _ => self.to_string(),
        }
    }

    /// A stable name for scripts.
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
            Self::RedirectLoop => f.write_str("redirects in a loop"),
            Self::TooManyRedirects => f.write_str("too many redirects"),
            Self::BadRedirect => f.write_str("redirects to nowhere"),
            Self::Timeout => f.write_str("no answer within the time limit"),
            Self::Unreachable(why) => write!(f, "unreachable: {why}"),
            Self::CutOff => f.write_str("connection closed halfway"),
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

/// A status as its number.
mod status {
    use reqwest::StatusCode;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
    pub(super) fn serialize<S: Serializer>(status: &StatusCode, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u16(status.as_u16())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<StatusCode, D::Error> {
        StatusCode::from_u16(u16::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// The innermost error says what happened; the outer ones only say where.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let text = cause.to_string();
    // The operating system's error number means nothing to most people.
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_page_stays_missing_and_a_busy_server_may_recover() {
        assert!(!Reason::Status(StatusCode::NOT_FOUND).may_pass());
        assert!(!Reason::Status(StatusCode::INTERNAL_SERVER_ERROR).may_pass());
        assert!(Reason::Status(StatusCode::TOO_MANY_REQUESTS).may_pass());
        assert!(Reason::Timeout.may_pass());
        assert!(!Reason::NoAnchor("x".to_owned()).may_pass());
    }
}
