//! Replaces `tokio::time`. A timeout may elapse at any moment.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

pub use std::time::Instant;

/// The timeout has elapsed.
#[derive(Debug, PartialEq, Eq)]
pub struct Elapsed(());

/// Runs `future` until it completes, or until a random moment.
///
/// # Errors
/// If that moment comes first.
pub async fn timeout<F: Future>(_time: Duration, future: F) -> Result<F::Output, Elapsed> {
    let mut future = pin!(future);
    let over = Arc::new(AtomicBool::new(false));
    let mut started = false;
    poll_fn(|cx| {
        if let Poll::Ready(value) = future.as_mut().poll(cx) {
            return Poll::Ready(Ok(value));
        }
        if over.load(Ordering::SeqCst) {
            return Poll::Ready(Err(Elapsed(())));
        }
        if !std::mem::replace(&mut started, true) {
            let (over, waker) = (over.clone(), cx.waker().clone());
            shuttle::thread::spawn(move || {
                over.store(true, Ordering::SeqCst);
                waker.wake();
            });
        }
        Poll::Pending
    })
    .await
}
