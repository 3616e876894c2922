impl old {
    const __UNUSED: () = ();
    ///The pool that [`old`](fn@old) runs in. Its initial size is `4`.
    #[must_use]
    #[inline]
    pub fn pool() -> &'static ::greenpool::GreenPool {
        const SIZE: ::core::primitive::usize = 4;
        const _: () = ::core::assert!(
            SIZE != 0, "a pool of size 0 would never run anything; write at least 1"
        );
        static POOL: ::greenpool::__private::PoolCell = ::greenpool::__private::PoolCell::new(
            "old",
            || SIZE,
        );
        ::greenpool::__private::PoolCell::get(&POOL)
    }
    /**Waits for a free slot, starts [`old`](fn@old) in it, and returns its green thread.

Nothing is spawned until the future is awaited. If it is dropped before it gets a slot, it leaves the queue and starts nothing.*/
    #[inline]
    pub fn spawn(url: String) -> ::greenpool::SpawnCall<old, (String,), usize> {
        ::greenpool::__private::spawn::<old, (String,), usize>((url,))
    }
    /**Waits for a free slot and starts [`old`](fn@old) in it, without a handle to its result.

Nothing is spawned until the future is awaited. If it is dropped before it gets a slot, it leaves the queue and starts nothing.*/
    #[inline]
    pub fn spawn_n(url: String) -> ::greenpool::SpawnCallN<old, (String,), usize> {
        ::greenpool::__private::spawn_n::<old, (String,), usize>((url,))
    }
    /**Starts [`old`](fn@old) if a slot is free; otherwise returns the arguments.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    #[inline]
    pub fn try_spawn(
        url: String,
    ) -> ::core::result::Result<
        ::greenpool::GreenThread<usize>,
        ::greenpool::TrySpawnError<(String,)>,
    > {
        ::greenpool::__private::try_spawn::<old, (String,), usize>((url,))
    }
    /**Queues [`old`](fn@old) and returns at once: its job begins when its turn comes. Until then only the arguments are kept. For work that a job finds; it lends nothing, and the queue has no bound.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    #[inline]
    pub fn queue(url: String) {
        ::greenpool::__private::QueuedCall::<old, (String,), usize>::new((url,)).queue()
    }
    /**Runs [`old`](fn@old) over iterables, one per parameter, whose iterators are `Send` and `'static`, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap<I0: ::greenpool::__private::ReadFromAnyThread<String>>(
        url: I0,
    ) -> ::greenpool::GreenMap<usize> {
        ::greenpool::__private::imap::<old, (String,), usize, _>((url,), true)
    }
    /**Runs [`old`](fn@old) over iterables, one per parameter, whose iterators are `Send` and `'static`, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap_unordered<I0: ::greenpool::__private::ReadFromAnyThread<String>>(
        url: I0,
    ) -> ::greenpool::GreenMap<usize> {
        ::greenpool::__private::imap::<old, (String,), usize, _>((url,), false)
    }
    /**Runs [`old`](fn@old) over an iterable of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn starmap<I0: ::greenpool::__private::ReadFromAnyThread<(String,)>>(
        __tuples: I0,
    ) -> ::greenpool::GreenMap<usize> {
        ::greenpool::__private::starmap::<old, (String,), usize, _>(__tuples, true)
    }
    /**Runs [`old`](fn@old) over an iterable of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn starmap_unordered<I0: ::greenpool::__private::ReadFromAnyThread<(String,)>>(
        __tuples: I0,
    ) -> ::greenpool::GreenMap<usize> {
        ::greenpool::__private::starmap::<old, (String,), usize, _>(__tuples, false)
    }
    /**Runs [`old`](fn@old) over an iterable of `Result`s of arguments, whose iterator is `Send` and `'static`, and yields the results in the order of the arguments. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap<
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::ReadFromAnyThread<::core::result::Result<String, E>>,
    >(__source: I0) -> ::greenpool::TryGreenMap<usize, E> {
        ::greenpool::__private::try_imap::<old, (String,), usize, E, _>(__source, true)
    }
    /**Runs [`old`](fn@old) over an iterable of `Result`s of arguments, whose iterator is `Send` and `'static`, and yields the results in order of completion. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap_unordered<
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::ReadFromAnyThread<::core::result::Result<String, E>>,
    >(__source: I0) -> ::greenpool::TryGreenMap<usize, E> {
        ::greenpool::__private::try_imap::<old, (String,), usize, E, _>(__source, false)
    }
    /**Runs [`old`](fn@old) over a stream of arguments, which is `Send` and `'static`, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap_stream<I0: ::greenpool::__private::StreamFromAnyThread<String>>(
        __source: I0,
    ) -> ::greenpool::GreenMap<usize> {
        ::greenpool::__private::imap_stream::<old, (String,), usize, _>(__source, true)
    }
    /**Runs [`old`](fn@old) over a stream of arguments, which is `Send` and `'static`, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap_stream_unordered<
        I0: ::greenpool::__private::StreamFromAnyThread<String>,
    >(__source: I0) -> ::greenpool::GreenMap<usize> {
        ::greenpool::__private::imap_stream::<old, (String,), usize, _>(__source, false)
    }
    /**Runs [`old`](fn@old) over a stream of `Result`s of arguments, which is `Send` and `'static`, and yields the results in the order of the arguments. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap_stream<
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::TryStreamFromAnyThread<String, E>,
    >(__source: I0) -> ::greenpool::TryGreenMap<usize, E> {
        ::greenpool::__private::try_imap_stream::<
            old,
            (String,),
            usize,
            E,
            _,
        >(__source, true)
    }
    /**Runs [`old`](fn@old) over a stream of `Result`s of arguments, which is `Send` and `'static`, and yields the results in order of completion. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap_stream_unordered<
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::TryStreamFromAnyThread<String, E>,
    >(__source: I0) -> ::greenpool::TryGreenMap<usize, E> {
        ::greenpool::__private::try_imap_stream::<
            old,
            (String,),
            usize,
            E,
            _,
        >(__source, false)
    }
    ///Returns [`old`](fn@old) on a pool of your own: the verbs of this type, which run it there instead of in its own pool. A generic function is one instance of it. It starts nothing.
    #[must_use]
    #[inline]
    pub fn on<E: ::greenpool::Runs<old, fn(String) -> usize, On = F>, F>(
        __engine: &E,
    ) -> F {
        ::greenpool::Runs::on(__engine)
    }
    #[doc(hidden)]
    #[must_use]
    #[inline]
    pub fn __green_pool_on() -> ::greenpool::__private::Function<
        old,
        fn(String) -> usize,
    > {
        ::greenpool::__private::Function::new()
    }
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    #[inline]
    pub fn __green_pool(url: String) -> ::greenpool::GreenThread<usize> {
        ::greenpool::__private::submit::<old, (String,), usize>((url,))
    }
}
impl ::greenpool::PooledFn<(String,), usize> for ::greenpool::__private::Alias<old> {
    #[inline]
    fn name() -> &'static ::core::primitive::str {
        "old"
    }
    #[inline]
    fn pool() -> &'static ::greenpool::GreenPool {
        <old>::pool()
    }
    #[inline]
    fn call(
        __args: (String,),
    ) -> impl ::core::future::Future<Output = usize> + ::core::marker::Send + 'static {
        old(__args.0)
    }
    #[inline]
    fn workers() -> ::core::option::Option<
        &'static ::greenpool::__private::WorkersCell,
    > {
        static __WORKERS: ::greenpool::__private::WorkersCell = ::greenpool::__private::WorkersCell::new();
        ::core::option::Option::Some(&__WORKERS)
    }
}
