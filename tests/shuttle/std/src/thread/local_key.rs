use std::cell::Cell;

use shuttle::thread::AccessError;

/// Replaces `std::thread::LocalKey`: each thread of the model has its own value.
#[derive(Debug)]
pub struct LocalKey<T: 'static>(&'static shuttle::thread::LocalKey<T>);

impl<T> LocalKey<T> {
    #[doc(hidden)]
    pub const fn new(key: &'static shuttle::thread::LocalKey<T>) -> Self {
        LocalKey(key)
    }

    /// Calls `f` with this thread's value.
    pub fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        self.0.with(f)
    }

    /// Like `with`.
    ///
    /// # Errors
    /// If the value has been dropped because the thread is ending.
    pub fn try_with<R>(&'static self, f: impl FnOnce(&T) -> R) -> Result<R, AccessError> {
        self.0.try_with(f)
    }
}

impl<T> LocalKey<Cell<T>> {
    /// Returns the value of this thread's cell.
    pub fn get(&'static self) -> T
    where
        T: Copy,
    {
        self.with(Cell::get)
    }

    /// Sets the value of this thread's cell.
    pub fn set(&'static self, value: T) {
        self.with(|cell| cell.set(value));
    }

    /// Sets the value of this thread's cell and returns the old one.
    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }
}

/// Replaces `std::thread_local!`.
#[macro_export]
macro_rules! thread_local {
    ($($(#[$attr:meta])* $vis:vis static $NAME:ident: $T:ty = const $init:block;)*) => {
        $(
            $(#[$attr])*
            $vis static $NAME: $crate::thread::LocalKey<$T> = {
                $crate::shuttle::thread_local! {
                    static KEY: $T = $init;
                }
                $crate::thread::LocalKey::new(&KEY)
            };
        )*
    };
}
