//! Replaces `std::sync::atomic`: another thread may run before each operation. Every ordering is as strong as `SeqCst`,
//! like that of the model checker's own atomics. Unlike those, these can be used in a `static`.

pub use std::sync::atomic::Ordering;

use crate::model::switch;

/// Replaces `std::sync::atomic::fence`.
pub fn fence(_order: Ordering) {
    switch();
}

macro_rules! atomic {
    ($Atomic:ident, $T:ty) => {
        /// Replaces the type in the standard library.
        #[derive(Debug, Default)]
        pub struct $Atomic(std::sync::atomic::$Atomic);

        impl $Atomic {
            /// Creates an atomic with this value.
            pub const fn new(value: $T) -> Self {
                $Atomic(std::sync::atomic::$Atomic::new(value))
            }

            /// Returns the value, which no other thread can access.
            pub fn get_mut(&mut self) -> &mut $T {
                self.0.get_mut()
            }

            /// Returns the value.
            pub fn load(&self, _order: Ordering) -> $T {
                switch();
                self.0.load(Ordering::SeqCst)
            }

            /// Sets the value.
            pub fn store(&self, value: $T, _order: Ordering) {
                switch();
                self.0.store(value, Ordering::SeqCst);
            }

            atomic!(fetch $Atomic $T: swap fetch_and fetch_or);

            /// Sets the value to `new` if it equals `old`.
            pub fn compare_exchange(&self, old: $T, new: $T, _ok: Ordering, _not: Ordering) -> Result<$T, $T> {
                switch();
                self.0.compare_exchange(old, new, Ordering::SeqCst, Ordering::SeqCst)
            }

            /// Like `compare_exchange`. Never fails spuriously.
            pub fn compare_exchange_weak(&self, old: $T, new: $T, _ok: Ordering, _not: Ordering) -> Result<$T, $T> {
                self.compare_exchange(old, new, Ordering::SeqCst, Ordering::SeqCst)
            }

            /// Sets the value to the result of `f`.
            pub fn fetch_update(
                &self,
                _set: Ordering,
                _get: Ordering,
                mut f: impl FnMut($T) -> Option<$T>,
            ) -> Result<$T, $T> {
                let mut old = self.load(Ordering::SeqCst);
                while let Some(new) = f(old) {
                    match self.compare_exchange(old, new, Ordering::SeqCst, Ordering::SeqCst) {
                        Ok(_) => return Ok(old),
                        Err(now) => old = now,
                    }
                }
                Err(old)
            }
        }
    };
    (fetch $Atomic:ident $T:ty: $($method:ident)*) => {
        $(
            /// Replaces the method in the standard library.
            pub fn $method(&self, value: $T, _order: Ordering) -> $T {
                switch();
                self.0.$method(value, Ordering::SeqCst)
            }
        )*
    };
    (sums $($Atomic:ident $T:ty),*) => {
        $(
            atomic!($Atomic, $T);

            impl $Atomic {
                atomic!(fetch $Atomic $T: fetch_add fetch_sub fetch_max fetch_min);
            }
        )*
    };
}

atomic!(AtomicBool, bool);
atomic!(sums AtomicU8 u8, AtomicU32 u32, AtomicU64 u64, AtomicUsize usize, AtomicIsize isize);
