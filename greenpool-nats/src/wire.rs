//! What goes over the wire: headers, ends of jobs, and what the server says to a publish.

use std::time::Duration;

use async_nats::{HeaderMap, Message, RequestError, RequestErrorKind, StatusCode};
use bytes::Bytes;
use greenpool::__private::remote::End;
use greenpool::remote::{Lost, Part};
use serde::Deserialize;

pub(crate) const MESSAGE_ID: &str = "Nats-Msg-Id";
/// With the value `0`: store it only if the subject has no message. On a job it means that the job may have been stored
/// before, so its worker looks for its result.
pub(crate) const EXPECTED: &str = "Nats-Expected-Last-Subject-Sequence";
/// With a name that is not the stream's: do not store it, and send it to those who listen.
pub(crate) const EXPECTED_STREAM: &str = "Nats-Expected-Stream";
/// On a job: what becomes of its result. Without it, somebody waits for the result.
pub(crate) const REPLY: &str = "Gp-Reply";
/// On a result: how the job ended.
pub(crate) const END: &str = "Gp-End";
/// On a result that is `unreadable`: which part.
pub(crate) const PART: &str = "Gp-Part";
/// On a result: the fingerprint of the arguments.
pub(crate) const ARGS: &str = "Gp-Args";
pub(crate) const WORKER: &str = "Gp-Worker";
pub(crate) const MILLISECONDS: &str = "Gp-Ms";
/// On a job that was made by hand, and on its result: `json` if it is no `MessagePack`.
pub(crate) const CODEC: &str = "Gp-Codec";
/// On a message whose body is larger than a message: where it lies.
pub(crate) const BLOB: &str = "Gp-Blob";
/// On a dead job: why.
pub(crate) const WHY: &str = "Gp-Why";
/// On a dead job: the function's signature.
pub(crate) const SIGNATURE: &str = "Gp-Sig";

/// How long a submitter waits for an answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) fn header<'a>(headers: Option<&'a HeaderMap>, name: &str) -> Option<&'a str> {
    headers?.get(name).map(async_nats::HeaderValue::as_str)
}

/// Whether a job was made by hand, with arguments in JSON.
pub(crate) fn is_json(headers: Option<&HeaderMap>) -> bool {
    header(headers, CODEC) == Some("json")
}

/// The end of a job as a message: what kind, the headers, and the body.
pub(crate) fn write_end(end: &End) -> (HeaderMap, Bytes) {
    let mut headers = HeaderMap::new();
    let (kind, body) = match end {
        End::Value(body) => ("ok", body.clone()),
        End::Panic(text) => ("panic", text.clone().into_bytes()),
        End::Lost(Lost::GaveUp { deaths }) => ("gaveup", deaths.to_string().into_bytes()),
        End::Lost(Lost::Unreadable { what, why }) => {
            headers.insert(PART, what.to_string());
            ("unreadable", why.clone().into_bytes())
        }
        End::Lost(lost) => ("refused", lost.to_string().into_bytes()),
    };
    headers.insert(END, kind);
    (headers, body.into())
}

/// Reads the end of a job.
pub(crate) fn read_end(headers: Option<&HeaderMap>, body: &Bytes) -> End {
    let text = || String::from_utf8_lossy(body).into_owned();
    match header(headers, END) {
        Some("ok") => End::Value(body.to_vec()),
        Some("panic") => End::Panic(text()),
        Some("gaveup") => End::Lost(Lost::GaveUp { deaths: text().parse().unwrap_or(0) }),
        Some("unreadable") => {
            let arguments = header(headers, PART) == Some("arguments");
            End::Lost(Lost::Unreadable { what: if arguments { Part::Arguments } else { Part::Output }, why: text() })
        }
        _ => End::Lost(Lost::Refused { why: text() }),
    }
}

/// What the server said to a publish.
#[derive(Debug)]
pub(crate) enum Stored {
    Yes,
    /// There is a message on that subject already.
    There,
    /// The stream is full.
    Full,
    NoStream,
    /// No answer, or none that says yes or no: it may be stored.
    Unknown,
    /// The user lacks this right.
    Forbidden(String),
    Refused(String),
}

#[derive(Deserialize)]
struct Answer {
    error: Option<ApiError>,
}

#[derive(Deserialize)]
struct ApiError {
    err_code: u64,
    #[serde(default)]
    description: String,
}

/// What the server said to a request that stores something.
pub(crate) fn stored(answered: Result<Message, RequestError>) -> Stored {
    match answered {
        Ok(message) => answer(&message),
        Err(error) => match error.kind() {
            RequestErrorKind::NoResponders => Stored::NoStream,
            RequestErrorKind::MaxPayloadExceeded | RequestErrorKind::InvalidSubject => {
                Stored::Refused(error.to_string())
            }
            _ => Stored::Unknown,
        },
    }
}

fn answer(message: &Message) -> Stored {
    if message.status == Some(StatusCode::NO_RESPONDERS) {
        return Stored::NoStream;
    }
    match serde_json::from_slice::<Answer>(&message.payload) {
        Ok(Answer { error: None }) => Stored::Yes,
        Ok(Answer { error: Some(error) }) => code(&error),
        Err(error) => Stored::Refused(error.to_string()),
    }
}

fn code(error: &ApiError) -> Stored {
    match error.err_code {
        // The expected sequence is another one.
        10071 | 10164 => Stored::There,
        // A limit is reached; the server is out of memory or storage.
        10077 | 10023 | 10047 => Stored::Full,
        // The servers are not ready: no leader, no quorum, not current, another publish in flight, perhaps of this job.
        10008 | 10009 | 10074 | 10118 | 10076 | 10158 => Stored::Unknown,
        code => Stored::Refused(format!("{} (error {code})", error.description)),
    }
}

/// How long to wait before the next attempt.
pub(crate) struct Backoff(Duration);

impl Backoff {
    pub(crate) fn new() -> Self {
        Backoff(Duration::from_millis(20))
    }

    pub(crate) async fn wait(&mut self) {
        tokio::time::sleep(self.0).await;
        self.0 = (self.0 * 2).min(Duration::from_secs(1));
    }
}

#[cfg(test)]
mod tests {
    use greenpool::__private::remote::End;
    use greenpool::remote::{Lost, Part};

    use super::{read_end, write_end};

    #[test]
    fn an_end_is_read_as_it_was_written() {
        let ends = [
            End::Value(vec![0, 1, 255]),
            End::Panic("no\r\nsuch page".to_owned()),
            End::Lost(Lost::GaveUp { deaths: 3 }),
            End::Lost(Lost::Unreadable { what: Part::Arguments, why: "expected an array".to_owned() }),
            End::Lost(Lost::Unreadable { what: Part::Output, why: "not today".to_owned() }),
        ];
        for end in ends {
            let (headers, body) = write_end(&end);
            assert_eq!(read_end(Some(&headers), &body), end);
        }
    }

    #[test]
    fn a_message_without_an_end_is_no_result() {
        assert!(matches!(read_end(None, &"x".into()), End::Lost(Lost::Refused { .. })));
    }
}
