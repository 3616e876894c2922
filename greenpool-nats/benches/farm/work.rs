//! The function that both sides run.

use std::time::Duration;

use greenpool::green_pool;
use serde::{Deserialize, Serialize};

/// An argument as programs have them.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) id: u64,
    pub(crate) milliseconds: u64,
    pub(crate) article: String,
}

impl Order {
    pub(crate) fn new(id: u64, milliseconds: u64) -> Self {
        Order { id, milliseconds, article: "a pound of tea".to_owned() }
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Done {
    pub(crate) id: u64,
    pub(crate) process: u32,
}

#[green_pool(size = 100, remote)]
pub(crate) async fn work(order: Order) -> Result<Done, String> {
    if order.milliseconds > 0 {
        tokio::time::sleep(Duration::from_millis(order.milliseconds)).await;
    }
    Ok(Done { id: order.id, process: std::process::id() })
}
