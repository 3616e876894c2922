async fn fetch(client: Client, url: String) -> usize {
    0
}
///The pool of [`fetch`](fn@fetch), and the functions that run jobs in it.
#[non_exhaustive]
struct fetch {}
impl fetch {
    const __UNUSED: () = ();
    ///The pool that [`fetch`](fn@fetch) runs in. Its initial size is `4`.
    #[must_use]
    #[inline]
    pub fn pool() -> &'static ::greenpool::GreenPool {
        const SIZE: ::core::primitive::usize = 4;
        const _: () = ::core::assert!(
            SIZE != 0, "a pool of size 0 would never run anything; write at least 1"
        );
        static POOL: ::greenpool::__private::PoolCell = ::greenpool::__private::PoolCell::new(
            "fetch",
            || SIZE,
        );
        ::greenpool::__private::PoolCell::get(&POOL)
    }
    /**Waits for a free slot, starts [`fetch`](fn@fetch) in it, and returns its green thread.

Nothing is spawned until the future is awaited. If it is dropped before it gets a slot, it leaves the queue and starts nothing.*/
    #[inline]
    pub fn spawn(
        client: Client,
        url: String,
    ) -> ::greenpool::SpawnCall<fetch, (Client, String), usize> {
        ::greenpool::__private::spawn::<fetch, (Client, String), usize>((client, url))
    }
    /**Waits for a free slot and starts [`fetch`](fn@fetch) in it, without a handle to its result.

Nothing is spawned until the future is awaited. If it is dropped before it gets a slot, it leaves the queue and starts nothing.*/
    #[inline]
    pub fn spawn_n(
        client: Client,
        url: String,
    ) -> ::greenpool::SpawnCallN<fetch, (Client, String), usize> {
        ::greenpool::__private::spawn_n::<fetch, (Client, String), usize>((client, url))
    }
    /**Starts [`fetch`](fn@fetch) if a slot is free; otherwise returns the arguments.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    #[inline]
    pub fn try_spawn(
        client: Client,
        url: String,
    ) -> ::core::result::Result<
        ::greenpool::GreenThread<usize>,
        ::greenpool::TrySpawnError<(Client, String)>,
    > {
        ::greenpool::__private::try_spawn::<
            fetch,
            (Client, String),
            usize,
        >((client, url))
    }
    /**Queues [`fetch`](fn@fetch) and returns at once: its job begins when its turn comes. Until then only the arguments are kept. For work that a job finds; it lends nothing, and the queue has no bound.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    #[inline]
    pub fn queue(client: Client, url: String) {
        ::greenpool::__private::QueuedCall::<
            fetch,
            (Client, String),
            usize,
        >::new((client, url))
            .queue()
    }
    /**Runs [`fetch`](fn@fetch) over iterables, one per parameter, whose iterators are `Send` and `'static`, with a clone of each shared value for each job, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap<
        I0: ::greenpool::__private::ReadFromAnyThread<String>
            + ::greenpool::__private::Implies<
                (Client,),
                Is: ::core::marker::Send + 'static,
            >,
    >(client: Client, url: I0) -> ::greenpool::GreenMap<usize> {
        ::greenpool::__private::maps::imap::<
            fetch,
            (Client, String),
            usize,
            _,
            _,
        >(
            <fetch>::pool(),
            ::greenpool::__private::Shared::<(Client,), (String,)>::new((client,)),
            (url,),
            true,
        )
    }
    /**Runs [`fetch`](fn@fetch) over iterables, one per parameter, whose iterators are `Send` and `'static`, with a clone of each shared value for each job, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap_unordered<
        I0: ::greenpool::__private::ReadFromAnyThread<String>
            + ::greenpool::__private::Implies<
                (Client,),
                Is: ::core::marker::Send + 'static,
            >,
    >(client: Client, url: I0) -> ::greenpool::GreenMap<usize> {
        ::greenpool::__private::maps::imap::<
            fetch,
            (Client, String),
            usize,
            _,
            _,
        >(
            <fetch>::pool(),
            ::greenpool::__private::Shared::<(Client,), (String,)>::new((client,)),
            (url,),
            false,
        )
    }
    /**Runs [`fetch`](fn@fetch) over an iterable of tuples of arguments, whose iterator is `Send` and `'static`, with a clone of each shared value for each job, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn starmap<
        I0: ::greenpool::__private::ReadFromAnyThread<(String,)>
            + ::greenpool::__private::Implies<
                (Client,),
                Is: ::core::marker::Send + 'static,
            >,
    >(client: Client, __tuples: I0) -> ::greenpool::GreenMap<usize> {
        ::greenpool::__private::maps::starmap::<
            fetch,
            (Client, String),
            usize,
            _,
            _,
        >(
            <fetch>::pool(),
            ::greenpool::__private::Shared::<(Client,), (String,)>::new((client,)),
            __tuples,
            true,
        )
    }
    /**Runs [`fetch`](fn@fetch) over an iterable of tuples of arguments, whose iterator is `Send` and `'static`, with a clone of each shared value for each job, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn starmap_unordered<
        I0: ::greenpool::__private::ReadFromAnyThread<(String,)>
            + ::greenpool::__private::Implies<
                (Client,),
                Is: ::core::marker::Send + 'static,
            >,
    >(client: Client, __tuples: I0) -> ::greenpool::GreenMap<usize> {
        ::greenpool::__private::maps::starmap::<
            fetch,
            (Client, String),
            usize,
            _,
            _,
        >(
            <fetch>::pool(),
            ::greenpool::__private::Shared::<(Client,), (String,)>::new((client,)),
            __tuples,
            false,
        )
    }
    /**Runs [`fetch`](fn@fetch) over an iterable of `Result`s of arguments, whose iterator is `Send` and `'static`, with a clone of each shared value for each job, and yields the results in the order of the arguments. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap<
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::ReadFromAnyThread<::core::result::Result<String, E>>
            + ::greenpool::__private::Implies<
                (Client,),
                Is: ::core::marker::Send + 'static,
            >,
    >(client: Client, __source: I0) -> ::greenpool::TryGreenMap<usize, E> {
        ::greenpool::__private::maps::try_imap::<
            fetch,
            (Client, String),
            usize,
            E,
            _,
            _,
        >(
            <fetch>::pool(),
            ::greenpool::__private::Shared::<(Client,), (String,)>::new((client,)),
            __source,
            true,
        )
    }
    /**Runs [`fetch`](fn@fetch) over an iterable of `Result`s of arguments, whose iterator is `Send` and `'static`, with a clone of each shared value for each job, and yields the results in order of completion. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap_unordered<
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::ReadFromAnyThread<::core::result::Result<String, E>>
            + ::greenpool::__private::Implies<
                (Client,),
                Is: ::core::marker::Send + 'static,
            >,
    >(client: Client, __source: I0) -> ::greenpool::TryGreenMap<usize, E> {
        ::greenpool::__private::maps::try_imap::<
            fetch,
            (Client, String),
            usize,
            E,
            _,
            _,
        >(
            <fetch>::pool(),
            ::greenpool::__private::Shared::<(Client,), (String,)>::new((client,)),
            __source,
            false,
        )
    }
    /**Runs [`fetch`](fn@fetch) over a stream of arguments, which is `Send` and `'static`, with a clone of each shared value for each job, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap_stream<
        I0: ::greenpool::__private::StreamFromAnyThread<String>
            + ::greenpool::__private::Implies<
                (Client,),
                Is: ::core::marker::Send + 'static,
            >,
    >(client: Client, __source: I0) -> ::greenpool::GreenMap<usize> {
        ::greenpool::__private::maps::imap_stream::<
            fetch,
            (Client, String),
            usize,
            _,
            _,
        >(
            <fetch>::pool(),
            ::greenpool::__private::Shared::<(Client,), (String,)>::new((client,)),
            __source,
            true,
        )
    }
    /**Runs [`fetch`](fn@fetch) over a stream of arguments, which is `Send` and `'static`, with a clone of each shared value for each job, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap_stream_unordered<
        I0: ::greenpool::__private::StreamFromAnyThread<String>
            + ::greenpool::__private::Implies<
                (Client,),
                Is: ::core::marker::Send + 'static,
            >,
    >(client: Client, __source: I0) -> ::greenpool::GreenMap<usize> {
        ::greenpool::__private::maps::imap_stream::<
            fetch,
            (Client, String),
            usize,
            _,
            _,
        >(
            <fetch>::pool(),
            ::greenpool::__private::Shared::<(Client,), (String,)>::new((client,)),
            __source,
            false,
        )
    }
    /**Runs [`fetch`](fn@fetch) over a stream of `Result`s of arguments, which is `Send` and `'static`, with a clone of each shared value for each job, and yields the results in the order of the arguments. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap_stream<
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::TryStreamFromAnyThread<String, E>
            + ::greenpool::__private::Implies<
                (Client,),
                Is: ::core::marker::Send + 'static,
            >,
    >(client: Client, __source: I0) -> ::greenpool::TryGreenMap<usize, E> {
        ::greenpool::__private::maps::try_imap_stream::<
            fetch,
            (Client, String),
            usize,
            E,
            _,
            _,
        >(
            <fetch>::pool(),
            ::greenpool::__private::Shared::<(Client,), (String,)>::new((client,)),
            __source,
            true,
        )
    }
    /**Runs [`fetch`](fn@fetch) over a stream of `Result`s of arguments, which is `Send` and `'static`, with a clone of each shared value for each job, and yields the results in order of completion. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap_stream_unordered<
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::TryStreamFromAnyThread<String, E>
            + ::greenpool::__private::Implies<
                (Client,),
                Is: ::core::marker::Send + 'static,
            >,
    >(client: Client, __source: I0) -> ::greenpool::TryGreenMap<usize, E> {
        ::greenpool::__private::maps::try_imap_stream::<
            fetch,
            (Client, String),
            usize,
            E,
            _,
            _,
        >(
            <fetch>::pool(),
            ::greenpool::__private::Shared::<(Client,), (String,)>::new((client,)),
            __source,
            false,
        )
    }
    ///Returns [`fetch`](fn@fetch) on a pool of your own: the verbs of this type, which run it there instead of in its own pool. A generic function is one instance of it. It starts nothing.
    #[must_use]
    #[inline]
    pub fn on<
        E: ::greenpool::Runs<
                fetch,
                fn(Client, String) -> usize,
                ::greenpool::__private::Shape<
                    (::greenpool::__private::One, ::greenpool::__private::Each),
                    (Client,),
                    (String,),
                >,
                On = F,
            >,
        F,
    >(__engine: &E) -> F {
        ::greenpool::Runs::on(__engine)
    }
    #[doc(hidden)]
    #[must_use]
    #[inline]
    pub fn __green_pool_on() -> ::greenpool::__private::Function<
        fetch,
        fn(Client, String) -> usize,
        ::greenpool::__private::Shape<
            (::greenpool::__private::One, ::greenpool::__private::Each),
            (Client,),
            (String,),
        >,
    > {
        ::greenpool::__private::Function::new()
    }
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    #[inline]
    pub fn __green_pool(client: Client, url: String) -> ::greenpool::GreenThread<usize> {
        ::greenpool::__private::submit::<fetch, (Client, String), usize>((client, url))
    }
}
impl ::greenpool::PooledFn<(Client, String), usize>
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
        __args: (Client, String),
    ) -> impl ::core::future::Future<Output = usize> + ::core::marker::Send + 'static {
        fetch(__args.0, __args.1)
    }
    #[inline]
    fn workers() -> ::core::option::Option<
        &'static ::greenpool::__private::WorkersCell,
    > {
        static __WORKERS: ::greenpool::__private::WorkersCell = ::greenpool::__private::WorkersCell::new();
        ::core::option::Option::Some(&__WORKERS)
    }
}
impl ::greenpool::__private::Shares<Client, 0usize> for fetch {}
impl ::greenpool::__private::SharedFn<(Client, String), (Client,), (String,)> for fetch {
    #[inline]
    fn args(__shared: &(Client,), __rest: (String,)) -> (Client, String) {
        (::greenpool::__private::share::<fetch, Client, 0usize>(&__shared.0), __rest.0)
    }
}
