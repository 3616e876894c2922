use tokio::sync::watch;

/// Blocks jobs until the test opens it. Clones share the same gate.
#[derive(Clone, Debug)]
pub struct Gate(watch::Sender<bool>);

impl Gate {
    /// Creates a closed gate.
    #[must_use]
    pub fn new() -> Self {
        Gate(watch::Sender::new(false))
    }

    /// Opens the gate for all current and future waiters.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    /// Waits until the gate is open.
    ///
    /// # Panics
    /// Never: `self` keeps the sender alive.
    pub async fn opened(self) {
        self.0.subscribe().wait_for(|open| *open).await.expect("`self` keeps the sender alive");
    }
}

impl Default for Gate {
    fn default() -> Self {
        Gate::new()
    }
}
