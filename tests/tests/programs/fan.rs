//! Executes `pile!` fan-outs.

use greenpool::{Handles, PileOf, SameType, pile};

use crate::declared::{left, right};
use crate::job::{Actor, Body};
use crate::program::{Fan, Taken, Way};
use crate::world::Value;

pub(crate) async fn run(actor: &Actor, fan: Fan) {
    let pool = actor.world.pool(fan.pool);
    let declared = actor.world.is_declared(fan.pool);
    let mut bodies = fan.jobs.into_iter().map(|job| Body::new(&actor.world, fan.pool, job));
    match (bodies.next(), bodies.next(), bodies.next()) {
        (Some(a), Some(b), Some(c)) if declared => take(pile![left(a), right(b), left(c)], fan.way).await,
        (Some(a), Some(b), None) if declared => take(pile![right(a), left(b)], fan.way).await,
        (Some(a), Some(b), Some(c)) => take(pile![in pool; a.run(), b.run(), c.run()], fan.way).await,
        (Some(a), Some(b), None) => take(pile![in pool; a.run(), b.run()], fan.way).await,
        (Some(a), None, _) => take(pile![in pool; a.run()], fan.way).await,
        _ => {}
    }
}

async fn take<R>(mut results: PileOf<R>, way: Way)
where
    R: Handles + SameType<Output = Value>,
{
    let limit = match way {
        Way::Join => return drop(results.join().await),
        Way::TryJoin => return drop(results.try_join().await),
        Way::Next(taken) | Way::Unordered(taken) => taken.limit(),
    };
    let mut count = 0;
    while count < limit && next(&mut results, way).await {
        count += 1;
    }
    if let Way::Next(Taken::ThenDetached(_)) | Way::Unordered(Taken::ThenDetached(_)) = way {
        results.detach();
    }
}

/// Takes a result. Returns whether there was one.
async fn next<R>(results: &mut PileOf<R>, way: Way) -> bool
where
    R: Handles + SameType<Output = Value>,
{
    if let Way::Unordered(_) = way { results.next_unordered().await.is_some() } else { results.next().await.is_some() }
}
