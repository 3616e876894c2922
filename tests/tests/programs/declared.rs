//! Two declared functions that share one pool, and one for pools with a limit by key.

use greenpool::{GreenPool, green_pool};

use crate::job::Body;
use crate::world::Value;

static SHARED: GreenPool = GreenPool::const_new(1);

#[green_pool(pool = SHARED)]
pub(crate) async fn left(body: Body) -> Value {
    body.run().await
}

#[green_pool(pool = SHARED)]
pub(crate) async fn right(body: Body) -> Value {
    body.run().await
}

#[green_pool(size = 1, key = body.key(), per_key = 1)]
pub(crate) async fn keyed(body: Body) -> Value {
    body.run().await
}
