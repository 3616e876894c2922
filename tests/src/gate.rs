use tokio::sync::watch;

/// What a job waits at until the test opens it. A clone is the same gate.
#[derive(Clone, Debug)]
pub struct Gate(watch::Sender<bool>);

impl Gate {
    /// A gate that is closed.
    #[must_use]
    pub fn new() -> Self {
        Gate(watch::Sender::new(false))
    }

    /// Lets everybody through, now and later.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    /// Waits until the gate is open.
    ///
    /// # Panics
    /// Never: the gate that is waited at is there.
    pub async fn passed(self) {
        self.0.subscribe().wait_for(|open| *open).await.expect("the gate is there");
    }
}

impl Default for Gate {
    fn default() -> Self {
        Gate::new()
    }
}
