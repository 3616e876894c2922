//! An async source of a map, as the [driver](crate::map::feed) reads it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use crate::inner::Inner;
use crate::inner::member::Member;
use crate::job::error::JoinError;
use crate::lending::context::JobContext;
use crate::map::feed::{JobSource, Returned, UserCode};

/// A stream, and the function that is applied to each of its items.
///
/// The stream may wait for greenpool, although it is not part of a job. So it is polled as an outsider of the pool, and
/// a search for deadlocks sees what it waits for.
pub(crate) struct AppliedStream<S: Stream, F> {
    items: Pin<Box<S>>,
    apply: F,
    /// An item that has been read, and has no slot yet.
    item: Option<S::Item>,
    outsider: Arc<Member>,
    /// `None` only while the stream is being polled.
    context: Option<JobContext>,
}

impl<S: Stream, F> AppliedStream<S, F> {
    pub(crate) fn new(inner: &Arc<Inner>, items: S, apply: F) -> Self {
        let outsider = Member::outsider(inner.clone());
        let context = Some(JobContext::outsider(&outsider));
        AppliedStream { items: Box::pin(items), apply, item: None, outsider, context }
    }
}

impl<S, F, Fut> JobSource for AppliedStream<S, F>
where
    S: Stream<Item: Send> + Send + 'static,
    F: FnMut(S::Item) -> Fut + Send + 'static,
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    type Job = Fut;
    type Output = Fut::Output;

    const IS_ASYNC: bool = true;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        let AppliedStream { items, item, context, .. } = self;
        if item.is_none() {
            *item = ready!(JobContext::enter(context, || items.as_mut().poll_next(cx)));
        }
        Poll::Ready(item.is_some())
    }

    fn outsider(&self) -> Option<&Arc<Member>> {
        Some(&self.outsider)
    }

    #[inline]
    fn next(&mut self, mut job: Pin<&mut Option<Fut>>, user_code: &mut UserCode) -> bool {
        let Some(item) = self.item.take() else { return false };
        *user_code = UserCode::Function;
        job.set(Some((self.apply)(item)));
        true
    }

    fn next_boxed(&mut self, user_code: &mut UserCode) -> Option<Box<Fut>> {
        let item = self.item.take()?;
        *user_code = UserCode::Function;
        Some(Box::new((self.apply)(item)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }

    #[inline]
    fn result(returned: Returned<Self>) -> Result<Self::Output, JoinError> {
        Ok(returned)
    }
}
