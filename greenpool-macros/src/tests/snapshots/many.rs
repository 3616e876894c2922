pub(crate) async fn add((a, b): (u8, u8), mut c: u8, _: u8) -> u8 {
    c += a;
    c + b
}
///The pool of [`add`](fn@add), and the functions that run jobs in it.
#[non_exhaustive]
pub(crate) struct add {}
impl add {
    const __UNUSED: () = ();
    ///The pool that [`add`](fn@add) runs in. Its initial size is 1000.
    #[must_use]
    #[inline]
    pub fn pool() -> &'static ::greenpool::GreenPool {
        static POOL: ::greenpool::__private::PoolCell = ::greenpool::__private::PoolCell::new(
            "add",
            || -> ::core::primitive::usize { (1000) },
        );
        ::greenpool::__private::PoolCell::get(&POOL)
    }
    /**Waits for a free slot, starts [`add`](fn@add) in it, and returns its green thread.

Nothing is spawned until the future is awaited. If it is dropped before it gets a slot, it leaves the queue and starts nothing.*/
    #[inline]
    pub fn spawn(
        __arg0: (u8, u8),
        c: u8,
        __arg2: u8,
    ) -> ::greenpool::SpawnCall<add, ((u8, u8), u8, u8), u8> {
        ::greenpool::__private::spawn::<add, ((u8, u8), u8, u8), u8>((__arg0, c, __arg2))
    }
    /**Waits for a free slot and starts [`add`](fn@add) in it, without a handle to its result.

Nothing is spawned until the future is awaited. If it is dropped before it gets a slot, it leaves the queue and starts nothing.*/
    #[inline]
    pub fn spawn_n(
        __arg0: (u8, u8),
        c: u8,
        __arg2: u8,
    ) -> ::greenpool::SpawnCallN<add, ((u8, u8), u8, u8), u8> {
        ::greenpool::__private::spawn_n::<
            add,
            ((u8, u8), u8, u8),
            u8,
        >((__arg0, c, __arg2))
    }
    /**Starts [`add`](fn@add) if a slot is free; otherwise returns the arguments.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    #[inline]
    pub fn try_spawn(
        __arg0: (u8, u8),
        c: u8,
        __arg2: u8,
    ) -> ::core::result::Result<
        ::greenpool::GreenThread<u8>,
        ::greenpool::TrySpawnError<((u8, u8), u8, u8)>,
    > {
        ::greenpool::__private::try_spawn::<
            add,
            ((u8, u8), u8, u8),
            u8,
        >((__arg0, c, __arg2))
    }
    /**Queues [`add`](fn@add) and returns at once: its job begins when its turn comes. Until then only the arguments are kept. For work that a job finds; it lends nothing, and the queue has no bound.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    #[inline]
    pub fn queue(__arg0: (u8, u8), c: u8, __arg2: u8) {
        ::greenpool::__private::QueuedCall::<
            add,
            ((u8, u8), u8, u8),
            u8,
        >::new((__arg0, c, __arg2))
            .queue()
    }
    /**Runs [`add`](fn@add) over iterables, one per parameter, whose iterators are `Send` and `'static`, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap<
        I0: ::greenpool::__private::ReadFromAnyThread<(u8, u8)>,
        I1: ::greenpool::__private::ReadFromAnyThread<u8>,
        I2: ::greenpool::__private::ReadFromAnyThread<u8>,
    >(__arg0: I0, c: I1, __arg2: I2) -> ::greenpool::GreenMap<u8> {
        ::greenpool::__private::imap::<
            add,
            ((u8, u8), u8, u8),
            u8,
            _,
        >((__arg0, c, __arg2), true)
    }
    /**Runs [`add`](fn@add) over iterables, one per parameter, whose iterators are `Send` and `'static`, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap_unordered<
        I0: ::greenpool::__private::ReadFromAnyThread<(u8, u8)>,
        I1: ::greenpool::__private::ReadFromAnyThread<u8>,
        I2: ::greenpool::__private::ReadFromAnyThread<u8>,
    >(__arg0: I0, c: I1, __arg2: I2) -> ::greenpool::GreenMap<u8> {
        ::greenpool::__private::imap::<
            add,
            ((u8, u8), u8, u8),
            u8,
            _,
        >((__arg0, c, __arg2), false)
    }
    /**Runs [`add`](fn@add) over an iterable of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn starmap<I0: ::greenpool::__private::ReadFromAnyThread<((u8, u8), u8, u8)>>(
        __tuples: I0,
    ) -> ::greenpool::GreenMap<u8> {
        ::greenpool::__private::starmap::<add, ((u8, u8), u8, u8), u8, _>(__tuples, true)
    }
    /**Runs [`add`](fn@add) over an iterable of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn starmap_unordered<
        I0: ::greenpool::__private::ReadFromAnyThread<((u8, u8), u8, u8)>,
    >(__tuples: I0) -> ::greenpool::GreenMap<u8> {
        ::greenpool::__private::starmap::<
            add,
            ((u8, u8), u8, u8),
            u8,
            _,
        >(__tuples, false)
    }
    /**Runs [`add`](fn@add) over an iterable of `Result`s of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in the order of the arguments. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap<
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::ReadFromAnyThread<
                ::core::result::Result<((u8, u8), u8, u8), E>,
            >,
    >(__source: I0) -> ::greenpool::TryGreenMap<u8, E> {
        ::greenpool::__private::try_imap::<
            add,
            ((u8, u8), u8, u8),
            u8,
            E,
            _,
        >(__source, true)
    }
    /**Runs [`add`](fn@add) over an iterable of `Result`s of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in order of completion. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap_unordered<
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::ReadFromAnyThread<
                ::core::result::Result<((u8, u8), u8, u8), E>,
            >,
    >(__source: I0) -> ::greenpool::TryGreenMap<u8, E> {
        ::greenpool::__private::try_imap::<
            add,
            ((u8, u8), u8, u8),
            u8,
            E,
            _,
        >(__source, false)
    }
    /**Runs [`add`](fn@add) over a stream of tuples of arguments, which is `Send` and `'static`, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap_stream<
        I0: ::greenpool::__private::StreamFromAnyThread<((u8, u8), u8, u8)>,
    >(__source: I0) -> ::greenpool::GreenMap<u8> {
        ::greenpool::__private::imap_stream::<
            add,
            ((u8, u8), u8, u8),
            u8,
            _,
        >(__source, true)
    }
    /**Runs [`add`](fn@add) over a stream of tuples of arguments, which is `Send` and `'static`, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap_stream_unordered<
        I0: ::greenpool::__private::StreamFromAnyThread<((u8, u8), u8, u8)>,
    >(__source: I0) -> ::greenpool::GreenMap<u8> {
        ::greenpool::__private::imap_stream::<
            add,
            ((u8, u8), u8, u8),
            u8,
            _,
        >(__source, false)
    }
    /**Runs [`add`](fn@add) over a stream of `Result`s of tuples of arguments, which is `Send` and `'static`, and yields the results in the order of the arguments. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap_stream<
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::TryStreamFromAnyThread<((u8, u8), u8, u8), E>,
    >(__source: I0) -> ::greenpool::TryGreenMap<u8, E> {
        ::greenpool::__private::try_imap_stream::<
            add,
            ((u8, u8), u8, u8),
            u8,
            E,
            _,
        >(__source, true)
    }
    /**Runs [`add`](fn@add) over a stream of `Result`s of tuples of arguments, which is `Send` and `'static`, and yields the results in order of completion. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap_stream_unordered<
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::TryStreamFromAnyThread<((u8, u8), u8, u8), E>,
    >(__source: I0) -> ::greenpool::TryGreenMap<u8, E> {
        ::greenpool::__private::try_imap_stream::<
            add,
            ((u8, u8), u8, u8),
            u8,
            E,
            _,
        >(__source, false)
    }
    ///Returns [`add`](fn@add) on a pool of your own: the verbs of this type, which run it there instead of in its own pool. A generic function is one instance of it. It starts nothing.
    #[must_use]
    #[inline]
    pub fn on<E: ::greenpool::Runs<add, fn((u8, u8), u8, u8) -> u8, On = F>, F>(
        __engine: &E,
    ) -> F {
        ::greenpool::Runs::on(__engine)
    }
    #[doc(hidden)]
    #[must_use]
    #[inline]
    pub fn __green_pool_on() -> ::greenpool::__private::Function<
        add,
        fn((u8, u8), u8, u8) -> u8,
    > {
        ::greenpool::__private::Function::new()
    }
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    #[inline]
    pub fn __green_pool(
        __arg0: (u8, u8),
        c: u8,
        __arg2: u8,
    ) -> ::greenpool::GreenThread<u8> {
        ::greenpool::__private::submit::<
            add,
            ((u8, u8), u8, u8),
            u8,
        >((__arg0, c, __arg2))
    }
}
impl ::greenpool::PooledFn<((u8, u8), u8, u8), u8>
for ::greenpool::__private::Alias<add> {
    #[inline]
    fn name() -> &'static ::core::primitive::str {
        "add"
    }
    #[inline]
    fn pool() -> &'static ::greenpool::GreenPool {
        <add>::pool()
    }
    #[inline]
    fn call(
        __args: ((u8, u8), u8, u8),
    ) -> impl ::core::future::Future<Output = u8> + ::core::marker::Send + 'static {
        add(__args.0, __args.1, __args.2)
    }
    #[inline]
    fn workers() -> ::core::option::Option<
        &'static ::greenpool::__private::WorkersCell,
    > {
        static __WORKERS: ::greenpool::__private::WorkersCell = ::greenpool::__private::WorkersCell::new();
        ::core::option::Option::Some(&__WORKERS)
    }
}
