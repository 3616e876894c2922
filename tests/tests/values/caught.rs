//! Catches the panic of a future, and says where it was raised.

use std::any::Any;
use std::cell::Cell;
use std::fmt::Debug;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use futures::FutureExt;

thread_local! {
    /// Whether this thread expects a panic.
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
    /// The file and line of the last one that was expected. A panic that resumes has none.
    static LOCATION: Cell<Option<(String, u32)>> = const { Cell::new(None) };
}

/// The panic of a future.
pub(crate) struct Caught {
    pub(crate) message: String,
    /// The file and line, unless the panic was resumed.
    pub(crate) location: Option<(String, u32)>,
}

/// Awaits a future that must panic.
pub(crate) async fn caught<T: Debug>(future: impl Future<Output = T>) -> Caught {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if EXPECTED.get() {
                LOCATION.set(info.location().map(|at| (at.file().to_owned(), at.line())));
            } else {
                print(info);
            }
        }));
    });
    EXPECTED.set(true);
    let output = AssertUnwindSafe(future).catch_unwind().await;
    EXPECTED.set(false);
    let payload = output.expect_err("it must panic");
    Caught { message: text(&*payload), location: LOCATION.take() }
}

fn text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).expect("the payload is text")
}

/// Checks that a future panics with a message of greenpool's own, at the line that awaits it.
macro_rules! panics_here {
    ($future:expr, $message:literal) => {{
        let future = $future;
        #[expect(clippy::redundant_async_block, reason = "a future that is passed on is awaited elsewhere")]
        let (caught, line) = (crate::caught::caught(async { future.await }).await, line!());
        assert_eq!(caught.message, $message);
        assert_eq!(caught.location, Some((file!().to_owned(), line)));
    }};
}

pub(crate) use panics_here;
