async fn fetch(url: String, _depth: u32, (a, b): (u8, u8)) -> usize {
    url.len()
}
///The pool of [`fetch`](fn@fetch), and the functions that run jobs in it.
#[non_exhaustive]
struct fetch {}
impl fetch {
    const __UNUSED: () = ();
    ///The pool that [`fetch`](fn@fetch) runs in. Its initial size is `100`, and its limit by key is `LIMIT`.
    #[must_use]
    #[inline]
    pub fn pool() -> &'static ::greenpool::GreenPool {
        const SIZE: ::core::primitive::usize = 100;
        const _: () = ::core::assert!(
            SIZE != 0, "a pool of size 0 would never run anything; write at least 1"
        );
        const PER_KEY: ::core::primitive::usize = LIMIT;
        const _: () = ::core::assert!(
            PER_KEY != 0,
            "with a limit of 0 per key nothing would ever run; write at least 1"
        );
        static POOL: ::greenpool::__private::PoolCell = ::greenpool::__private::PoolCell::with_keys(
            "fetch",
            || SIZE,
            || PER_KEY,
        );
        ::greenpool::__private::PoolCell::get(&POOL)
    }
    /**Waits for a free slot, starts [`fetch`](fn@fetch) in it, and returns its green thread.

Nothing is spawned until the future is awaited. If it is dropped before it gets a slot, it leaves the queue and starts nothing.*/
    #[inline]
    pub fn spawn(
        url: String,
        __depth: u32,
        __arg2: (u8, u8),
    ) -> ::greenpool::SpawnCall<fetch, (String, u32, (u8, u8)), usize> {
        ::greenpool::__private::spawn::<
            fetch,
            (String, u32, (u8, u8)),
            usize,
        >((url, __depth, __arg2))
    }
    /**Waits for a free slot and starts [`fetch`](fn@fetch) in it, without a handle to its result.

Nothing is spawned until the future is awaited. If it is dropped before it gets a slot, it leaves the queue and starts nothing.*/
    #[inline]
    pub fn spawn_n(
        url: String,
        __depth: u32,
        __arg2: (u8, u8),
    ) -> ::greenpool::SpawnCallN<fetch, (String, u32, (u8, u8)), usize> {
        ::greenpool::__private::spawn_n::<
            fetch,
            (String, u32, (u8, u8)),
            usize,
        >((url, __depth, __arg2))
    }
    /**Starts [`fetch`](fn@fetch) if a slot is free; otherwise returns the arguments.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    #[inline]
    pub fn try_spawn(
        url: String,
        __depth: u32,
        __arg2: (u8, u8),
    ) -> ::core::result::Result<
        ::greenpool::GreenThread<usize>,
        ::greenpool::TrySpawnError<(String, u32, (u8, u8))>,
    > {
        ::greenpool::__private::try_spawn::<
            fetch,
            (String, u32, (u8, u8)),
            usize,
        >((url, __depth, __arg2))
    }
    /**Queues [`fetch`](fn@fetch) and returns at once: its job begins when its turn comes. Until then only the arguments are kept. For work that a job finds; it lends nothing, and the queue has no bound.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    #[inline]
    pub fn queue(url: String, __depth: u32, __arg2: (u8, u8)) {
        ::greenpool::__private::QueuedCall::<
            fetch,
            (String, u32, (u8, u8)),
            usize,
        >::new((url, __depth, __arg2))
            .queue()
    }
    /**Runs [`fetch`](fn@fetch) over iterables, one per parameter, whose iterators are `Send` and `'static`, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap<
        I0: ::greenpool::__private::ReadFromAnyThread<String>,
        I1: ::greenpool::__private::ReadFromAnyThread<u32>,
        I2: ::greenpool::__private::ReadFromAnyThread<(u8, u8)>,
    >(url: I0, __depth: I1, __arg2: I2) -> ::greenpool::GreenMap<usize> {
        ::greenpool::__private::imap::<
            fetch,
            (String, u32, (u8, u8)),
            usize,
            _,
        >((url, __depth, __arg2), true)
    }
    /**Runs [`fetch`](fn@fetch) over iterables, one per parameter, whose iterators are `Send` and `'static`, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap_unordered<
        I0: ::greenpool::__private::ReadFromAnyThread<String>,
        I1: ::greenpool::__private::ReadFromAnyThread<u32>,
        I2: ::greenpool::__private::ReadFromAnyThread<(u8, u8)>,
    >(url: I0, __depth: I1, __arg2: I2) -> ::greenpool::GreenMap<usize> {
        ::greenpool::__private::imap::<
            fetch,
            (String, u32, (u8, u8)),
            usize,
            _,
        >((url, __depth, __arg2), false)
    }
    /**Runs [`fetch`](fn@fetch) over an iterable of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn starmap<
        I0: ::greenpool::__private::ReadFromAnyThread<(String, u32, (u8, u8))>,
    >(__tuples: I0) -> ::greenpool::GreenMap<usize> {
        ::greenpool::__private::starmap::<
            fetch,
            (String, u32, (u8, u8)),
            usize,
            _,
        >(__tuples, true)
    }
    /**Runs [`fetch`](fn@fetch) over an iterable of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn starmap_unordered<
        I0: ::greenpool::__private::ReadFromAnyThread<(String, u32, (u8, u8))>,
    >(__tuples: I0) -> ::greenpool::GreenMap<usize> {
        ::greenpool::__private::starmap::<
            fetch,
            (String, u32, (u8, u8)),
            usize,
            _,
        >(__tuples, false)
    }
    /**Runs [`fetch`](fn@fetch) over an iterable of `Result`s of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in the order of the arguments. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap<
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::ReadFromAnyThread<
                ::core::result::Result<(String, u32, (u8, u8)), E>,
            >,
    >(__source: I0) -> ::greenpool::TryGreenMap<usize, E> {
        ::greenpool::__private::try_imap::<
            fetch,
            (String, u32, (u8, u8)),
            usize,
            E,
            _,
        >(__source, true)
    }
    /**Runs [`fetch`](fn@fetch) over an iterable of `Result`s of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in order of completion. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap_unordered<
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::ReadFromAnyThread<
                ::core::result::Result<(String, u32, (u8, u8)), E>,
            >,
    >(__source: I0) -> ::greenpool::TryGreenMap<usize, E> {
        ::greenpool::__private::try_imap::<
            fetch,
            (String, u32, (u8, u8)),
            usize,
            E,
            _,
        >(__source, false)
    }
    /**Runs [`fetch`](fn@fetch) over a stream of tuples of arguments, which is `Send` and `'static`, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap_stream<
        I0: ::greenpool::__private::StreamFromAnyThread<(String, u32, (u8, u8))>,
    >(__source: I0) -> ::greenpool::GreenMap<usize> {
        ::greenpool::__private::imap_stream::<
            fetch,
            (String, u32, (u8, u8)),
            usize,
            _,
        >(__source, true)
    }
    /**Runs [`fetch`](fn@fetch) over a stream of tuples of arguments, which is `Send` and `'static`, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap_stream_unordered<
        I0: ::greenpool::__private::StreamFromAnyThread<(String, u32, (u8, u8))>,
    >(__source: I0) -> ::greenpool::GreenMap<usize> {
        ::greenpool::__private::imap_stream::<
            fetch,
            (String, u32, (u8, u8)),
            usize,
            _,
        >(__source, false)
    }
    /**Runs [`fetch`](fn@fetch) over a stream of `Result`s of tuples of arguments, which is `Send` and `'static`, and yields the results in the order of the arguments. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap_stream<
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::TryStreamFromAnyThread<(String, u32, (u8, u8)), E>,
    >(__source: I0) -> ::greenpool::TryGreenMap<usize, E> {
        ::greenpool::__private::try_imap_stream::<
            fetch,
            (String, u32, (u8, u8)),
            usize,
            E,
            _,
        >(__source, true)
    }
    /**Runs [`fetch`](fn@fetch) over a stream of `Result`s of tuples of arguments, which is `Send` and `'static`, and yields the results in order of completion. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap_stream_unordered<
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::TryStreamFromAnyThread<(String, u32, (u8, u8)), E>,
    >(__source: I0) -> ::greenpool::TryGreenMap<usize, E> {
        ::greenpool::__private::try_imap_stream::<
            fetch,
            (String, u32, (u8, u8)),
            usize,
            E,
            _,
        >(__source, false)
    }
    ///Returns [`fetch`](fn@fetch) on a pool of your own: the verbs of this type, which run it there instead of in its own pool. A generic function is one instance of it. It starts nothing.
    #[must_use]
    #[inline]
    pub fn on<
        E: ::greenpool::Runs<fetch, fn(String, u32, (u8, u8)) -> usize, On = F>,
        F,
    >(__engine: &E) -> F {
        ::greenpool::Runs::on(__engine)
    }
    #[doc(hidden)]
    #[must_use]
    #[inline]
    pub fn __green_pool_on() -> ::greenpool::__private::Function<
        fetch,
        fn(String, u32, (u8, u8)) -> usize,
    > {
        ::greenpool::__private::Function::new()
    }
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    #[inline]
    pub fn __green_pool(
        url: String,
        __depth: u32,
        __arg2: (u8, u8),
    ) -> ::greenpool::GreenThread<usize> {
        ::greenpool::__private::submit::<
            fetch,
            (String, u32, (u8, u8)),
            usize,
        >((url, __depth, __arg2))
    }
}
impl ::greenpool::PooledFn<(String, u32, (u8, u8)), usize>
for ::greenpool::__private::Alias<fetch> {
    #[inline]
    fn name() -> &'static ::core::primitive::str {
        "fetch"
    }
    #[inline]
    fn pool() -> &'static ::greenpool::GreenPool {
        <fetch>::pool()
    }
    #[inline]
    fn call(
        __args: (String, u32, (u8, u8)),
    ) -> impl ::core::future::Future<Output = usize> + ::core::marker::Send + 'static {
        fetch(__args.0, __args.1, __args.2)
    }
    const HAS_KEY: ::core::primitive::bool = true;
    fn key(
        __args: (String, u32, (u8, u8)),
    ) -> ((String, u32, (u8, u8)), ::core::option::Option<::greenpool::__private::Key>) {
        let (url, __1, __2) = __args;
        let __key = ::greenpool::__private::key(host(&url));
        ((url, __1, __2), ::core::option::Option::Some(__key))
    }
    #[inline]
    fn workers() -> ::core::option::Option<
        &'static ::greenpool::__private::WorkersCell,
    > {
        static __WORKERS: ::greenpool::__private::WorkersCell = ::greenpool::__private::WorkersCell::new();
        ::core::option::Option::Some(&__WORKERS)
    }
}
