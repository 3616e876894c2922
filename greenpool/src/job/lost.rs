//! Why the result of a job on another machine is lost.

use std::error::Error;
use std::fmt;

/// Says why the result of a job on another machine is lost; see [`JoinError::lost`](crate::JoinError::lost).
///
/// ```
/// use greenpool::remote::Lost;
///
/// let lost = Lost::GaveUp { deaths: 3 };
/// assert_eq!(lost.to_string(), "the job was given up after it had taken down 3 workers");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lost {
    /// Each worker that ran the job alone died. It lies in the dead list.
    GaveUp {
        /// How many workers died while they ran this job and no other suspect.
        deaths: u32,
    },
    /// The arguments or the output cannot be written or read.
    Unreadable {
        /// Which of the two.
        what: Part,
        /// What the codec says about it.
        why: String,
    },
    /// The server does not take the job, or the engine serves no such function.
    Refused {
        /// What the server says.
        why: String,
    },
    /// The named run has a result of this number already, and it belongs to other arguments.
    OtherArguments,
    /// The verb was used in a job of a worker. A cluster of jobs that wait for queued jobs could hang; return the value
    /// and let the submitter continue, or call the function itself.
    InAJob,
    /// The connection to the cluster was closed before the result came.
    Closed,
}

/// What could not be written or read; see [`Lost::Unreadable`].
///
/// ```
/// use greenpool::remote::Part;
///
/// assert_eq!(Part::Output.to_string(), "output");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The arguments of the function.
    Arguments,
    /// What the function returned.
    Output,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Arguments => "arguments",
            Part::Output => "output",
        })
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lost::GaveUp { deaths } => write!(f, "the job was given up after it had taken down {deaths} workers"),
            Lost::Unreadable { what, why } => write!(f, "the {what} of the job cannot be written or read: {why}"),
            Lost::Refused { why } => write!(f, "the job was refused: {why}"),
            Lost::OtherArguments => f.write_str("the run has a result for other arguments at this place"),
            Lost::InAJob => f.write_str("a job of a worker cannot wait for another job of the cluster"),
            Lost::Closed => f.write_str("the connection to the cluster was closed before the result came"),
        }
    }
}

impl Error for Lost {}
