//! Waking wakers that may panic.

use std::task::Waker;

use crate::sync::quiet::run_quietly;

/// Registers `waker` in a place that a lock guards. A waker is foreign code, so it is neither cloned nor dropped under
/// the lock: this returns false if it needs a clone, which the caller must make without the lock before it tries again.
/// Then the caller must drop what is left in `clone`, again without the lock.
#[inline]
pub(crate) fn register(place: &mut Option<Waker>, waker: &Waker, clone: &mut Option<Waker>) -> bool {
    if place.as_ref().is_some_and(|old| old.will_wake(waker)) {
        return true;
    }
    let is_cloned = clone.is_some();
    if is_cloned {
        std::mem::swap(place, clone);
    }
    is_cloned
}

/// Wakes all of them. If a waker panics, the panic hook reports it and nothing else happens: code that ends a job,
/// releases a slot or leaves a queue must not unwind because of a stranger's waker.
#[inline]
pub(crate) fn wake(wakers: impl IntoIterator<Item = Waker>) {
    wakers.into_iter().for_each(wake_one);
}

fn wake_one(waker: Waker) {
    let mut waker = Some(waker);
    run_quietly(|| waker.take().into_iter().for_each(Waker::wake));
}
