use std::fmt;

use shuttle::sync::Mutex;

use crate::model::{execution, switch};

/// Replaces `std::sync::OnceLock`.
///
/// It is empty again in each execution, so it can be used in a `static`. (From the second execution on, the values that
/// a `static` holds are leaked.)
pub struct OnceLock<T: 'static> {
    first: std::sync::OnceLock<(u64, T)>,
    later: std::sync::Mutex<Option<(u64, &'static T)>>,
    setting: Mutex<()>,
}

impl<T> OnceLock<T> {
    /// Creates an empty lock.
    pub const fn new() -> Self {
        OnceLock { first: std::sync::OnceLock::new(), later: std::sync::Mutex::new(None), setting: Mutex::new(()) }
    }

    /// Returns the value, if it has been set.
    pub fn get(&self) -> Option<&T> {
        switch();
        let now = execution();
        match self.first.get() {
            Some((at, value)) if *at == now => return Some(value),
            Some(_) => {}
            None => return None,
        }
        let later = self.later.lock().expect("nothing panics while this lock is held");
        later.and_then(|(at, value)| (at == now).then_some(value))
    }

    /// Returns the value, and sets it to the result of `f` first if it has not been set.
    pub fn get_or_init(&self, f: impl FnOnce() -> T) -> &T {
        if let Some(value) = self.get() {
            return value;
        }
        let _setting = self.setting.lock();
        if self.get().is_none() {
            self.put(f());
        }
        self.get().expect("it has just been set")
    }

    /// Sets the value.
    ///
    /// # Errors
    /// Returns `value` if the lock has a value already.
    pub fn set(&self, value: T) -> Result<(), T> {
        let _setting = self.setting.lock();
        if self.get().is_some() {
            return Err(value);
        }
        self.put(value);
        Ok(())
    }

    fn put(&self, value: T) {
        if let Err((at, value)) = self.first.set((execution(), value)) {
            *self.later.lock().expect("nothing panics while this lock is held") =
                Some((at, Box::leak(Box::new(value))));
        }
    }
}

impl<T> Default for OnceLock<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> From<T> for OnceLock<T> {
    fn from(value: T) -> Self {
        let lock = Self::new();
        lock.put(value);
        lock
    }
}

impl<T: fmt::Debug> fmt::Debug for OnceLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OnceLock").field(&self.get()).finish()
    }
}
