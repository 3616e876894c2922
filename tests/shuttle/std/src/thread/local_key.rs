use std::cell::Cell;

use shuttle::thread::AccessError;

/// As `std::thread::LocalKey`: each of the model's threads has its own.
#[derive(Debug)]
pub struct LocalKey<T: 'static>(&'static shuttle::thread::LocalKey<T>);

impl<T> LocalKey<T> {
    #[doc(hidden)]
    pub const fn new(key: &'static shuttle::thread::LocalKey<T>) -> Self {
        LocalKey(key)
    }

    /// Looks at this thread's value.
    pub fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        self.0.with(f)
    }

    /// Likewise.
    ///
    /// # Errors
    /// If it has been dropped, since the thread ends.
    pub fn try_with<R>(&'static self, f: impl FnOnce(&T) -> R) -> Result<R, AccessError> {
        self.0.try_with(f)
    }
}

impl<T> LocalKey<Cell<T>> {
    /// What is in this thread's cell.
    pub fn get(&'static self) -> T
    where
        T: Copy,
    {
        self.with(Cell::get)
    }

    /// Puts it there.
    pub fn set(&'static self, value: T) {
        self.with(|cell| cell.set(value));
    }

    /// Puts it there, and gives what was there.
    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }
}

/// As `std::thread_local!`.
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
