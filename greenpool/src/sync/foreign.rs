//! Where foreign code may run: wakers, and the destructors and futures of the user. Never while this thread holds a
//! lock, since such code may call anything. Checked in debug builds.

use std::marker::PhantomData;

#[cfg(debug_assertions)]
mod held {
    use std::cell::Cell;

    thread_local! {
        /// How many locks this thread holds.
        static LOCKS: Cell<u32> = const { Cell::new(0) };
    }

    pub(super) fn add(change: i32) {
        // While the thread-locals are being destroyed, nothing is counted.
        let _ = LOCKS.try_with(|locks| locks.set(locks.get().wrapping_add_signed(change)));
    }

    pub(super) fn count() -> u32 {
        LOCKS.try_with(Cell::get).unwrap_or(0)
    }
}

/// While this exists, no foreign code may run on this thread.
pub(crate) struct Forbidden(PhantomData<*const ()>);

impl Forbidden {
    #[inline]
    pub(crate) fn new() -> Self {
        #[cfg(debug_assertions)]
        held::add(1);
        Forbidden(PhantomData)
    }
}

impl Drop for Forbidden {
    #[inline]
    fn drop(&mut self) {
        #[cfg(debug_assertions)]
        held::add(-1);
    }
}

/// Whether foreign code may run here. In release builds, always.
#[inline]
pub(crate) fn is_allowed() -> bool {
    #[cfg(debug_assertions)]
    return held::count() == 0;
    #[cfg(not(debug_assertions))]
    true
}

/// Foreign code is about to run here.
#[inline]
#[track_caller]
pub(crate) fn check() {
    debug_assert!(is_allowed(), "a lock of greenpool is held while foreign code runs");
}
