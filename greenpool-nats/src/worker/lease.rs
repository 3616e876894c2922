//! Until when a job is this worker's.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::clock::Moment;

/// Until when a job is this worker's. It ends by time, or because it is given up.
pub(crate) struct Lease {
    /// On the clock of leases, in nanoseconds.
    until: AtomicU64,
    over: AtomicBool,
}

impl Lease {
    /// A lease that began at this moment.
    pub(crate) fn new(from: Moment, time: Duration) -> Self {
        Lease { until: AtomicU64::new(from.after(time).nanos()), over: AtomicBool::new(false) }
    }

    /// The server counts it anew, from this moment or a later one.
    pub(crate) fn renew(&self, from: Moment, time: Duration) {
        self.until.store(from.after(time).nanos(), Ordering::Relaxed);
    }

    /// Ends it. A lease that is over stays over.
    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// How much of it is left.
    pub(crate) fn left(&self) -> Duration {
        if self.over.load(Ordering::Relaxed) {
            return Duration::ZERO;
        }
        let left = self.until.load(Ordering::Relaxed).saturating_sub(Moment::now().nanos());
        Duration::from_nanos(left)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.left().is_zero()
    }
}

impl greenpool::__private::remote::Lease for Lease {
    fn left(&self) -> Duration {
        self.left()
    }
}

/// A future that is not polled beyond a lease. `None`: the lease is over.
pub(crate) struct Fenced<F> {
    pub(crate) future: Pin<Box<F>>,
    pub(crate) lease: std::sync::Arc<Lease>,
}

impl<F: Future> Future for Fenced<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.lease.is_over() {
            // Time does not run backwards, but it must not be extended any more either.
            self.lease.end();
            return Poll::Ready(None);
        }
        self.future.as_mut().poll(cx).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::{Fenced, Lease};
    use crate::clock::Moment;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn a_lease_is_as_old_as_the_question_before_it() {
        let now = Moment::now();
        assert!(Lease::new(now, Duration::ZERO).is_over());
        let lease = Lease::new(now, Duration::ZERO);
        lease.renew(now, HOUR);
        assert!(!lease.is_over());
        lease.renew(now, Duration::ZERO);
        assert!(lease.is_over());
        lease.renew(now, HOUR);
        assert!(!lease.is_over());
        lease.end();
        lease.renew(now, HOUR);
        assert!(lease.is_over());
    }

    #[tokio::test]
    async fn a_future_is_not_polled_beyond_its_lease() {
        let lease = Arc::new(Lease::new(Moment::now(), Duration::ZERO));
        let never = async { panic!("it was polled") };
        assert_eq!(Fenced { future: Box::pin(never), lease }.await, None::<()>);
        let lease = Arc::new(Lease::new(Moment::now(), HOUR));
        assert_eq!(Fenced { future: Box::pin(async { 7 }), lease }.await, Some(7));
    }
}
