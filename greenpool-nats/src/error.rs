//! What a farm or a worker can fail with.

use std::error::Error;
use std::fmt;

use async_nats::ConnectErrorKind;

/// Says why a farm could not be reached, or a worker could not work.
///
/// Its `Debug` is its message, since that is what a `main` that returns it prints.
#[non_exhaustive]
pub enum FarmError {
    /// There is no connection to a server.
    Connect {
        /// The host and the port, or those of all servers that were tried.
        server: String,
        /// What the last attempt failed with.
        error: async_nats::ConnectError,
    },
    /// The address of a server cannot be used.
    Address(std::io::Error),
    /// The connection has broken, and the server was not back in time.
    Away {
        /// What it was to do.
        what: String,
    },
    /// The server is older than 2.10.23, and such a server loses confirmed messages in a crash.
    ServerTooOld {
        /// The version of the server.
        version: String,
    },
    /// What is on the server under this name was made by another version of this crate, or by something else.
    Protocol {
        /// The stream.
        stream: String,
        /// How it describes itself.
        description: String,
    },
    /// The user of this connection lacks a right.
    Forbidden {
        /// What it was to do.
        what: String,
        /// What the user may not do, such as ``publish to `gp.shop.job.fetch.27d38225d2ce1def.run.0` ``.
        right: String,
    },
    /// The server refused something.
    Refused {
        /// What it was to do.
        what: String,
        /// What it says.
        why: String,
    },
}

impl fmt::Display for FarmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FarmError::Connect { server, error } => {
                write!(f, "no connection to the NATS server at {server}: {error}")?;
                match error.kind() {
                    ConnectErrorKind::Io | ConnectErrorKind::TimedOut => write!(f, "; is it running?"),
                    _ => Ok(()),
                }
            }
            FarmError::Address(error) => write!(f, "the address of the NATS server cannot be used: {error}"),
            FarmError::Away { what } => write!(f, "there is no connection to the NATS server to {what}"),
            FarmError::ServerTooOld { version } => {
                write!(f, "the NATS server has version {version}; it must be 2.10.23 or newer")
            }
            FarmError::Protocol { stream, description } => {
                write!(f, "the stream {stream} is not of this version of greenpool-nats: it says `{description}`")
            }
            FarmError::Forbidden { what, right } => {
                write!(f, "the user of this connection may not {right}, which is needed to {what}")
            }
            FarmError::Refused { what, why } => {
                write!(f, "the NATS server refused to {what}: {why}")?;
                if why.contains("jetstream unavailable") { write!(f, "; start it with `-js`") } else { Ok(()) }
            }
        }
    }
}

impl fmt::Debug for FarmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for FarmError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            FarmError::Connect { error, .. } => Some(error),
            FarmError::Address(error) => Some(error),
            _ => None,
        }
    }
}

/// The error of a request.
pub(crate) fn refused(what: impl Into<String>, why: impl fmt::Display) -> FarmError {
    FarmError::Refused { what: what.into(), why: why.to_string() }
}
