//! What the server does not allow. It says so, but not to the request that it drops.

use std::sync::Arc;

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{self, Receiver};

/// Something that the user of the connection may not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    Publish(Arc<str>),
    Subscribe(Arc<str>),
}

impl Denied {
    /// Reads an error of the server: `Permissions Violation for Publish to "gp.shop.who"`.
    fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once('"')?;
        let (subject, _) = rest.split_once('"')?;
        match kind.to_lowercase().trim() {
            "permissions violation for publish to" => Some(Denied::Publish(subject.into())),
            "permissions violation for subscription to" => Some(Denied::Subscribe(subject.into())),
            _ => None,
        }
    }

    /// What it may not do.
    fn right(&self) -> String {
        match self {
            Denied::Publish(subject) => format!("publish to `{subject}`"),
            Denied::Subscribe(subject) => format!("subscribe to `{subject}`"),
        }
    }
}

/// What the server has not allowed.
#[derive(Clone)]
pub(crate) struct Rights(broadcast::Sender<Denied>);

impl Rights {
    pub(crate) fn new() -> Self {
        Rights(broadcast::Sender::new(256))
    }

    /// The server has said this.
    pub(crate) fn hear(&self, error: &str) {
        if let Some(denied) = Denied::parse(error) {
            tracing::warn!(target: "greenpool", right = denied.right(), "forbidden");
            // Nobody may be waiting for it.
            let _ = self.0.send(denied);
        }
    }

    /// Waits for something. If the server does not allow what it concerns, returns the right that is missing.
    pub(crate) async fn needed<F: Future>(
        &self,
        concerns: impl Fn(&Denied) -> bool,
        request: F,
    ) -> Result<F::Output, String> {
        let missing = self.missing(concerns);
        tokio::select! {
            biased;
            value = request => Ok(value),
            right = missing => Err(right),
        }
    }

    /// Waits until the server does not allow something, from this call on. Returns the right that is missing.
    pub(crate) fn missing(&self, concerns: impl Fn(&Denied) -> bool) -> impl Future<Output = String> {
        missing(self.0.subscribe(), concerns)
    }
}

async fn missing(mut denied: Receiver<Denied>, concerns: impl Fn(&Denied) -> bool) -> String {
    loop {
        match denied.recv().await {
            Ok(denied) if concerns(&denied) => return denied.right(),
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Denied, Rights};

    #[test]
    fn an_error_of_the_server_says_which_right_is_missing() {
        let publish = Denied::parse(r#"Permissions Violation for Publish to "gp.shop.who""#).unwrap();
        assert_eq!(publish.right(), "publish to `gp.shop.who`");
        let subscribe = r#"Permissions Violation for Subscription to "_INBOX.x.*" using queue "q""#;
        assert_eq!(Denied::parse(subscribe), Some(Denied::Subscribe("_INBOX.x.*".into())));
        assert_eq!(Denied::parse("maximum connections exceeded"), None);
    }

    #[tokio::test]
    async fn a_request_ends_when_it_is_not_allowed() {
        let rights = Rights::new();
        let is = |subject: &'static str| move |denied: &Denied| *denied == Denied::Publish(subject.into());
        let forever = rights.needed(is("b"), std::future::pending::<()>());
        let (ended, ()) = tokio::join!(forever, async {
            rights.hear(r#"Permissions Violation for Publish to "a""#);
            rights.hear(r#"Permissions Violation for Publish to "b""#);
        });
        assert_eq!(ended, Err("publish to `b`".to_owned()));
        assert_eq!(rights.needed(is("b"), async { 7 }).await, Ok(7));
    }
}
