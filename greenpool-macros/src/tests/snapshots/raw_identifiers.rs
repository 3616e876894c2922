async fn r#match(r#type: u8) {}
///The pool of `match`, and the functions that run jobs in it.
#[non_exhaustive]
struct r#match {}
impl r#match {
    const __UNUSED: () = ();
    ///The pool that `match` runs in. Its initial size is 1000.
    #[must_use]
    #[inline]
    pub fn pool() -> &'static ::greenpool::GreenPool {
        static POOL: ::greenpool::__private::PoolCell = ::greenpool::__private::PoolCell::new(
            "matching",
            || -> ::core::primitive::usize { (1000) },
        );
        ::greenpool::__private::PoolCell::get(&POOL)
    }
    /**Waits for a free slot, starts `match` in it, and returns its green thread.

Nothing is spawned until the future is awaited. If it is dropped before it gets a slot, it leaves the queue and starts nothing.*/
    #[inline]
    pub fn spawn(r#type: u8) -> ::greenpool::SpawnCall<r#match, (u8,), ()> {
        ::greenpool::__private::spawn::<r#match, (u8,), ()>((r#type,))
    }
    /**Waits for a free slot and starts `match` in it, without a handle to its result.

Nothing is spawned until the future is awaited. If it is dropped before it gets a slot, it leaves the queue and starts nothing.*/
    #[inline]
    pub fn spawn_n(r#type: u8) -> ::greenpool::SpawnCallN<r#match, (u8,), ()> {
        ::greenpool::__private::spawn_n::<r#match, (u8,), ()>((r#type,))
    }
    /**Starts `match` if a slot is free; otherwise returns the arguments.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    #[inline]
    pub fn try_spawn(
        r#type: u8,
    ) -> ::core::result::Result<
        ::greenpool::GreenThread<()>,
        ::greenpool::TrySpawnError<(u8,)>,
    > {
        ::greenpool::__private::try_spawn::<r#match, (u8,), ()>((r#type,))
    }
    /**Queues `match` and returns at once: its job begins when its turn comes. Until then only the arguments are kept. For work that a job finds; it lends nothing, and the queue has no bound.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    #[inline]
    pub fn queue(r#type: u8) {
        ::greenpool::__private::QueuedCall::<r#match, (u8,), ()>::new((r#type,)).queue()
    }
    /**Runs `match` over iterables, one per parameter, whose iterators are `Send` and `'static`, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap<I0: ::greenpool::__private::ReadFromAnyThread<u8>>(
        r#type: I0,
    ) -> ::greenpool::GreenMap<()> {
        ::greenpool::__private::imap::<r#match, (u8,), (), _>((r#type,), true)
    }
    /**Runs `match` over iterables, one per parameter, whose iterators are `Send` and `'static`, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap_unordered<I0: ::greenpool::__private::ReadFromAnyThread<u8>>(
        r#type: I0,
    ) -> ::greenpool::GreenMap<()> {
        ::greenpool::__private::imap::<r#match, (u8,), (), _>((r#type,), false)
    }
    /**Runs `match` over an iterable of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn starmap<I0: ::greenpool::__private::ReadFromAnyThread<(u8,)>>(
        __tuples: I0,
    ) -> ::greenpool::GreenMap<()> {
        ::greenpool::__private::starmap::<r#match, (u8,), (), _>(__tuples, true)
    }
    /**Runs `match` over an iterable of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn starmap_unordered<I0: ::greenpool::__private::ReadFromAnyThread<(u8,)>>(
        __tuples: I0,
    ) -> ::greenpool::GreenMap<()> {
        ::greenpool::__private::starmap::<r#match, (u8,), (), _>(__tuples, false)
    }
    /**Runs `match` over an iterable of `Result`s of arguments, whose iterator is `Send` and `'static`, and yields the results in the order of the arguments. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap<
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::ReadFromAnyThread<::core::result::Result<u8, E>>,
    >(__source: I0) -> ::greenpool::TryGreenMap<(), E> {
        ::greenpool::__private::try_imap::<r#match, (u8,), (), E, _>(__source, true)
    }
    /**Runs `match` over an iterable of `Result`s of arguments, whose iterator is `Send` and `'static`, and yields the results in order of completion. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap_unordered<
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::ReadFromAnyThread<::core::result::Result<u8, E>>,
    >(__source: I0) -> ::greenpool::TryGreenMap<(), E> {
        ::greenpool::__private::try_imap::<r#match, (u8,), (), E, _>(__source, false)
    }
    /**Runs `match` over a stream of arguments, which is `Send` and `'static`, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap_stream<I0: ::greenpool::__private::StreamFromAnyThread<u8>>(
        __source: I0,
    ) -> ::greenpool::GreenMap<()> {
        ::greenpool::__private::imap_stream::<r#match, (u8,), (), _>(__source, true)
    }
    /**Runs `match` over a stream of arguments, which is `Send` and `'static`, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap_stream_unordered<I0: ::greenpool::__private::StreamFromAnyThread<u8>>(
        __source: I0,
    ) -> ::greenpool::GreenMap<()> {
        ::greenpool::__private::imap_stream::<r#match, (u8,), (), _>(__source, false)
    }
    /**Runs `match` over a stream of `Result`s of arguments, which is `Send` and `'static`, and yields the results in the order of the arguments. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap_stream<
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::TryStreamFromAnyThread<u8, E>,
    >(__source: I0) -> ::greenpool::TryGreenMap<(), E> {
        ::greenpool::__private::try_imap_stream::<
            r#match,
            (u8,),
            (),
            E,
            _,
        >(__source, true)
    }
    /**Runs `match` over a stream of `Result`s of arguments, which is `Send` and `'static`, and yields the results in order of completion. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap_stream_unordered<
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::TryStreamFromAnyThread<u8, E>,
    >(__source: I0) -> ::greenpool::TryGreenMap<(), E> {
        ::greenpool::__private::try_imap_stream::<
            r#match,
            (u8,),
            (),
            E,
            _,
        >(__source, false)
    }
    ///Returns `match` on a pool of your own: the verbs of this type, which run it there instead of in its own pool. A generic function is one instance of it. It starts nothing.
    #[must_use]
    #[inline]
    pub fn on<E: ::greenpool::Runs<r#match, fn(u8) -> (), On = F>, F>(
        __engine: &E,
    ) -> F {
        ::greenpool::Runs::on(__engine)
    }
    #[doc(hidden)]
    #[must_use]
    #[inline]
    pub fn __green_pool_on() -> ::greenpool::__private::Function<r#match, fn(u8) -> ()> {
        ::greenpool::__private::Function::new()
    }
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    #[inline]
    pub fn __green_pool(r#type: u8) -> ::greenpool::GreenThread<()> {
        ::greenpool::__private::submit::<r#match, (u8,), ()>((r#type,))
    }
}
impl ::greenpool::PooledFn<(u8,), ()> for ::greenpool::__private::Alias<r#match> {
    #[inline]
    fn name() -> &'static ::core::primitive::str {
        "matching"
    }
    #[inline]
    fn pool() -> &'static ::greenpool::GreenPool {
        <r#match>::pool()
    }
    #[inline]
    fn call(
        __args: (u8,),
    ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send + 'static {
        r#match(__args.0)
    }
    #[inline]
    fn workers() -> ::core::option::Option<
        &'static ::greenpool::__private::WorkersCell,
    > {
        static __WORKERS: ::greenpool::__private::WorkersCell = ::greenpool::__private::WorkersCell::new();
        ::core::option::Option::Some(&__WORKERS)
    }
}
