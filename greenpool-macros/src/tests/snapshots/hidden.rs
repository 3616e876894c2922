#[doc(hidden)]
pub async fn tick() {}
#[doc(hidden)]
///The pool of [`tick`](fn@tick), and the functions that run jobs in it.
#[non_exhaustive]
pub struct tick {}
impl tick {
    const __UNUSED: () = ();
    ///The pool that [`tick`](fn@tick) runs in. Its initial size is `2`.
    #[must_use]
    #[inline]
    pub fn pool() -> &'static ::greenpool::GreenPool {
        const SIZE: ::core::primitive::usize = 2;
        const _: () = ::core::assert!(
            SIZE != 0, "a pool of size 0 would never run anything; write at least 1"
        );
        static POOL: ::greenpool::__private::PoolCell = ::greenpool::__private::PoolCell::new(
            "tick",
            || SIZE,
        );
        ::greenpool::__private::PoolCell::get(&POOL)
    }
    /**Waits for a free slot, starts [`tick`](fn@tick) in it, and returns its green thread.

Nothing is spawned until the future is awaited. If it is dropped before it gets a slot, it leaves the queue and starts nothing.*/
    #[inline]
    pub fn spawn() -> ::greenpool::SpawnCall<tick, (), ()> {
        ::greenpool::__private::spawn::<tick, (), ()>(())
    }
    /**Waits for a free slot and starts [`tick`](fn@tick) in it, without a handle to its result.

Nothing is spawned until the future is awaited. If it is dropped before it gets a slot, it leaves the queue and starts nothing.*/
    #[inline]
    pub fn spawn_n() -> ::greenpool::SpawnCallN<tick, (), ()> {
        ::greenpool::__private::spawn_n::<tick, (), ()>(())
    }
    /**Starts [`tick`](fn@tick) if a slot is free; otherwise returns the arguments.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    #[inline]
    pub fn try_spawn() -> ::core::result::Result<
        ::greenpool::GreenThread<()>,
        ::greenpool::TrySpawnError<()>,
    > {
        ::greenpool::__private::try_spawn::<tick, (), ()>(())
    }
    /**Queues [`tick`](fn@tick) and returns at once: its job begins when its turn comes. Until then only the arguments are kept. For work that a job finds; it lends nothing, and the queue has no bound.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    #[inline]
    pub fn queue() {
        ::greenpool::__private::QueuedCall::<tick, (), ()>::new(()).queue()
    }
    /**Runs [`tick`](fn@tick) over an iterable of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn starmap<I0: ::greenpool::__private::ReadFromAnyThread<()>>(
        __tuples: I0,
    ) -> ::greenpool::GreenMap<()> {
        ::greenpool::__private::starmap::<tick, (), (), _>(__tuples, true)
    }
    /**Runs [`tick`](fn@tick) over an iterable of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn starmap_unordered<I0: ::greenpool::__private::ReadFromAnyThread<()>>(
        __tuples: I0,
    ) -> ::greenpool::GreenMap<()> {
        ::greenpool::__private::starmap::<tick, (), (), _>(__tuples, false)
    }
    /**Runs [`tick`](fn@tick) over an iterable of `Result`s of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in the order of the arguments. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap<
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::ReadFromAnyThread<::core::result::Result<(), E>>,
    >(__source: I0) -> ::greenpool::TryGreenMap<(), E> {
        ::greenpool::__private::try_imap::<tick, (), (), E, _>(__source, true)
    }
    /**Runs [`tick`](fn@tick) over an iterable of `Result`s of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in order of completion. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap_unordered<
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::ReadFromAnyThread<::core::result::Result<(), E>>,
    >(__source: I0) -> ::greenpool::TryGreenMap<(), E> {
        ::greenpool::__private::try_imap::<tick, (), (), E, _>(__source, false)
    }
    /**Runs [`tick`](fn@tick) over a stream of tuples of arguments, which is `Send` and `'static`, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap_stream<I0: ::greenpool::__private::StreamFromAnyThread<()>>(
        __source: I0,
    ) -> ::greenpool::GreenMap<()> {
        ::greenpool::__private::imap_stream::<tick, (), (), _>(__source, true)
    }
    /**Runs [`tick`](fn@tick) over a stream of tuples of arguments, which is `Send` and `'static`, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap_stream_unordered<I0: ::greenpool::__private::StreamFromAnyThread<()>>(
        __source: I0,
    ) -> ::greenpool::GreenMap<()> {
        ::greenpool::__private::imap_stream::<tick, (), (), _>(__source, false)
    }
    /**Runs [`tick`](fn@tick) over a stream of `Result`s of tuples of arguments, which is `Send` and `'static`, and yields the results in the order of the arguments. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap_stream<
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::TryStreamFromAnyThread<(), E>,
    >(__source: I0) -> ::greenpool::TryGreenMap<(), E> {
        ::greenpool::__private::try_imap_stream::<tick, (), (), E, _>(__source, true)
    }
    /**Runs [`tick`](fn@tick) over a stream of `Result`s of tuples of arguments, which is `Send` and `'static`, and yields the results in order of completion. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap_stream_unordered<
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::TryStreamFromAnyThread<(), E>,
    >(__source: I0) -> ::greenpool::TryGreenMap<(), E> {
        ::greenpool::__private::try_imap_stream::<tick, (), (), E, _>(__source, false)
    }
    ///Returns [`tick`](fn@tick) on a pool of your own: the verbs of this type, which run it there instead of in its own pool. A generic function is one instance of it. It starts nothing.
    #[must_use]
    #[inline]
    pub fn on<E: ::greenpool::Runs<tick, fn() -> (), On = F>, F>(__engine: &E) -> F {
        ::greenpool::Runs::on(__engine)
    }
    #[doc(hidden)]
    #[must_use]
    #[inline]
    pub fn __green_pool_on() -> ::greenpool::__private::Function<tick, fn() -> ()> {
        ::greenpool::__private::Function::new()
    }
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    #[inline]
    pub fn __green_pool() -> ::greenpool::GreenThread<()> {
        ::greenpool::__private::submit::<tick, (), ()>(())
    }
}
impl ::greenpool::PooledFn<(), ()> for ::greenpool::__private::Alias<tick> {
    #[inline]
    fn name() -> &'static ::core::primitive::str {
        "tick"
    }
    #[inline]
    fn pool() -> &'static ::greenpool::GreenPool {
        <tick>::pool()
    }
    #[inline]
    fn call(
        __args: (),
    ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send + 'static {
        tick()
    }
    #[inline]
    fn workers() -> ::core::option::Option<
        &'static ::greenpool::__private::WorkersCell,
    > {
        static __WORKERS: ::greenpool::__private::WorkersCell = ::greenpool::__private::WorkersCell::new();
        ::core::option::Option::Some(&__WORKERS)
    }
}
