async fn put<T: Send>(a: T, (b, c): (u8, u8), d: impl Clone + Send, e: u8) {
    f()
}
///The pool of [`put`](fn@put), and the functions that run jobs in it.
#[non_exhaustive]
struct put {}
impl put {
    const __UNUSED: () = ();
    ///The pool that [`put`](fn@put) runs in. Its initial size is 1000.
    #[must_use]
    #[inline]
    pub fn pool() -> &'static ::greenpool::GreenPool {
        static POOL: ::greenpool::__private::PoolCell = ::greenpool::__private::PoolCell::new(
            "put",
            || -> ::core::primitive::usize { (1000) },
        );
        ::greenpool::__private::PoolCell::get(&POOL)
    }
    /**Waits for a free slot, starts [`put`](fn@put) in it, and returns its green thread.

Nothing is spawned until the future is awaited. If it is dropped before it gets a slot, it leaves the queue and starts nothing.*/
    #[inline]
    pub fn spawn<T: Send + 'static, Arg2: Clone + Send + 'static>(
        a: T,
        __arg1: (u8, u8),
        d: Arg2,
        e: u8,
    ) -> ::greenpool::SpawnCall<__pooled_put<T, Arg2>, (T, (u8, u8), Arg2, u8), ()> {
        ::greenpool::__private::spawn::<
            __pooled_put<T, Arg2>,
            (T, (u8, u8), Arg2, u8),
            (),
        >((a, __arg1, d, e))
    }
    /**Waits for a free slot and starts [`put`](fn@put) in it, without a handle to its result.

Nothing is spawned until the future is awaited. If it is dropped before it gets a slot, it leaves the queue and starts nothing.*/
    #[inline]
    pub fn spawn_n<T: Send + 'static, Arg2: Clone + Send + 'static>(
        a: T,
        __arg1: (u8, u8),
        d: Arg2,
        e: u8,
    ) -> ::greenpool::SpawnCallN<__pooled_put<T, Arg2>, (T, (u8, u8), Arg2, u8), ()> {
        ::greenpool::__private::spawn_n::<
            __pooled_put<T, Arg2>,
            (T, (u8, u8), Arg2, u8),
            (),
        >((a, __arg1, d, e))
    }
    /**Starts [`put`](fn@put) if a slot is free; otherwise returns the arguments.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    #[inline]
    pub fn try_spawn<T: Send + 'static, Arg2: Clone + Send + 'static>(
        a: T,
        __arg1: (u8, u8),
        d: Arg2,
        e: u8,
    ) -> ::core::result::Result<
        ::greenpool::GreenThread<()>,
        ::greenpool::TrySpawnError<(T, (u8, u8), Arg2, u8)>,
    > {
        ::greenpool::__private::try_spawn::<
            __pooled_put<T, Arg2>,
            (T, (u8, u8), Arg2, u8),
            (),
        >((a, __arg1, d, e))
    }
    /**Queues [`put`](fn@put) and returns at once: its job begins when its turn comes. Until then only the arguments are kept. For work that a job finds; it lends nothing, and the queue has no bound.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    #[inline]
    pub fn queue<T: Send + 'static, Arg2: Clone + Send + 'static>(
        a: T,
        __arg1: (u8, u8),
        d: Arg2,
        e: u8,
    ) {
        ::greenpool::__private::QueuedCall::<
            __pooled_put<T, Arg2>,
            (T, (u8, u8), Arg2, u8),
            (),
        >::new((a, __arg1, d, e))
            .queue()
    }
    /**Runs [`put`](fn@put) over iterables, one per parameter, whose iterators are `Send` and `'static`, with a clone of each shared value for each job, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap<
        T: Send + 'static,
        Arg2: Clone + Send + 'static,
        I0: ::greenpool::__private::ReadFromAnyThread<T>
            + ::greenpool::__private::Implies<
                ((u8, u8), Arg2),
                Is: ::core::marker::Send + 'static,
            >,
        I1: ::greenpool::__private::ReadFromAnyThread<u8>,
    >(a: I0, __arg1: (u8, u8), d: Arg2, e: I1) -> ::greenpool::GreenMap<()> {
        ::greenpool::__private::maps::imap::<
            __pooled_put<T, Arg2>,
            (T, (u8, u8), Arg2, u8),
            (),
            _,
            _,
        >(
            <put>::pool(),
            ::greenpool::__private::Shared::<
                ((u8, u8), Arg2),
                (T, u8),
            >::new((__arg1, d)),
            (a, e),
            true,
        )
    }
    /**Runs [`put`](fn@put) over iterables, one per parameter, whose iterators are `Send` and `'static`, with a clone of each shared value for each job, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap_unordered<
        T: Send + 'static,
        Arg2: Clone + Send + 'static,
        I0: ::greenpool::__private::ReadFromAnyThread<T>
            + ::greenpool::__private::Implies<
                ((u8, u8), Arg2),
                Is: ::core::marker::Send + 'static,
            >,
        I1: ::greenpool::__private::ReadFromAnyThread<u8>,
    >(a: I0, __arg1: (u8, u8), d: Arg2, e: I1) -> ::greenpool::GreenMap<()> {
        ::greenpool::__private::maps::imap::<
            __pooled_put<T, Arg2>,
            (T, (u8, u8), Arg2, u8),
            (),
            _,
            _,
        >(
            <put>::pool(),
            ::greenpool::__private::Shared::<
                ((u8, u8), Arg2),
                (T, u8),
            >::new((__arg1, d)),
            (a, e),
            false,
        )
    }
    /**Runs [`put`](fn@put) over an iterable of tuples of arguments, whose iterator is `Send` and `'static`, with a clone of each shared value for each job, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn starmap<
        T: Send + 'static,
        Arg2: Clone + Send + 'static,
        I0: ::greenpool::__private::ReadFromAnyThread<(T, u8)>
            + ::greenpool::__private::Implies<
                ((u8, u8), Arg2),
                Is: ::core::marker::Send + 'static,
            >,
    >(__arg1: (u8, u8), d: Arg2, __tuples: I0) -> ::greenpool::GreenMap<()> {
        ::greenpool::__private::maps::starmap::<
            __pooled_put<T, Arg2>,
            (T, (u8, u8), Arg2, u8),
            (),
            _,
            _,
        >(
            <put>::pool(),
            ::greenpool::__private::Shared::<
                ((u8, u8), Arg2),
                (T, u8),
            >::new((__arg1, d)),
            __tuples,
            true,
        )
    }
    /**Runs [`put`](fn@put) over an iterable of tuples of arguments, whose iterator is `Send` and `'static`, with a clone of each shared value for each job, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn starmap_unordered<
        T: Send + 'static,
        Arg2: Clone + Send + 'static,
        I0: ::greenpool::__private::ReadFromAnyThread<(T, u8)>
            + ::greenpool::__private::Implies<
                ((u8, u8), Arg2),
                Is: ::core::marker::Send + 'static,
            >,
    >(__arg1: (u8, u8), d: Arg2, __tuples: I0) -> ::greenpool::GreenMap<()> {
        ::greenpool::__private::maps::starmap::<
            __pooled_put<T, Arg2>,
            (T, (u8, u8), Arg2, u8),
            (),
            _,
            _,
        >(
            <put>::pool(),
            ::greenpool::__private::Shared::<
                ((u8, u8), Arg2),
                (T, u8),
            >::new((__arg1, d)),
            __tuples,
            false,
        )
    }
    /**Runs [`put`](fn@put) over an iterable of `Result`s of tuples of arguments, whose iterator is `Send` and `'static`, with a clone of each shared value for each job, and yields the results in the order of the arguments. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap<
        T: Send + 'static,
        Arg2: Clone + Send + 'static,
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::ReadFromAnyThread<::core::result::Result<(T, u8), E>>
            + ::greenpool::__private::Implies<
                ((u8, u8), Arg2),
                Is: ::core::marker::Send + 'static,
            >,
    >(__arg1: (u8, u8), d: Arg2, __source: I0) -> ::greenpool::TryGreenMap<(), E> {
        ::greenpool::__private::maps::try_imap::<
            __pooled_put<T, Arg2>,
            (T, (u8, u8), Arg2, u8),
            (),
            E,
            _,
            _,
        >(
            <put>::pool(),
            ::greenpool::__private::Shared::<
                ((u8, u8), Arg2),
                (T, u8),
            >::new((__arg1, d)),
            __source,
            true,
        )
    }
    /**Runs [`put`](fn@put) over an iterable of `Result`s of tuples of arguments, whose iterator is `Send` and `'static`, with a clone of each shared value for each job, and yields the results in order of completion. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap_unordered<
        T: Send + 'static,
        Arg2: Clone + Send + 'static,
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::ReadFromAnyThread<::core::result::Result<(T, u8), E>>
            + ::greenpool::__private::Implies<
                ((u8, u8), Arg2),
                Is: ::core::marker::Send + 'static,
            >,
    >(__arg1: (u8, u8), d: Arg2, __source: I0) -> ::greenpool::TryGreenMap<(), E> {
        ::greenpool::__private::maps::try_imap::<
            __pooled_put<T, Arg2>,
            (T, (u8, u8), Arg2, u8),
            (),
            E,
            _,
            _,
        >(
            <put>::pool(),
            ::greenpool::__private::Shared::<
                ((u8, u8), Arg2),
                (T, u8),
            >::new((__arg1, d)),
            __source,
            false,
        )
    }
    /**Runs [`put`](fn@put) over a stream of tuples of arguments, which is `Send` and `'static`, with a clone of each shared value for each job, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap_stream<
        T: Send + 'static,
        Arg2: Clone + Send + 'static,
        I0: ::greenpool::__private::StreamFromAnyThread<(T, u8)>
            + ::greenpool::__private::Implies<
                ((u8, u8), Arg2),
                Is: ::core::marker::Send + 'static,
            >,
    >(__arg1: (u8, u8), d: Arg2, __source: I0) -> ::greenpool::GreenMap<()> {
        ::greenpool::__private::maps::imap_stream::<
            __pooled_put<T, Arg2>,
            (T, (u8, u8), Arg2, u8),
            (),
            _,
            _,
        >(
            <put>::pool(),
            ::greenpool::__private::Shared::<
                ((u8, u8), Arg2),
                (T, u8),
            >::new((__arg1, d)),
            __source,
            true,
        )
    }
    /**Runs [`put`](fn@put) over a stream of tuples of arguments, which is `Send` and `'static`, with a clone of each shared value for each job, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap_stream_unordered<
        T: Send + 'static,
        Arg2: Clone + Send + 'static,
        I0: ::greenpool::__private::StreamFromAnyThread<(T, u8)>
            + ::greenpool::__private::Implies<
                ((u8, u8), Arg2),
                Is: ::core::marker::Send + 'static,
            >,
    >(__arg1: (u8, u8), d: Arg2, __source: I0) -> ::greenpool::GreenMap<()> {
        ::greenpool::__private::maps::imap_stream::<
            __pooled_put<T, Arg2>,
            (T, (u8, u8), Arg2, u8),
            (),
            _,
            _,
        >(
            <put>::pool(),
            ::greenpool::__private::Shared::<
                ((u8, u8), Arg2),
                (T, u8),
            >::new((__arg1, d)),
            __source,
            false,
        )
    }
    /**Runs [`put`](fn@put) over a stream of `Result`s of tuples of arguments, which is `Send` and `'static`, with a clone of each shared value for each job, and yields the results in the order of the arguments. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap_stream<
        T: Send + 'static,
        Arg2: Clone + Send + 'static,
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::TryStreamFromAnyThread<(T, u8), E>
            + ::greenpool::__private::Implies<
                ((u8, u8), Arg2),
                Is: ::core::marker::Send + 'static,
            >,
    >(__arg1: (u8, u8), d: Arg2, __source: I0) -> ::greenpool::TryGreenMap<(), E> {
        ::greenpool::__private::maps::try_imap_stream::<
            __pooled_put<T, Arg2>,
            (T, (u8, u8), Arg2, u8),
            (),
            E,
            _,
            _,
        >(
            <put>::pool(),
            ::greenpool::__private::Shared::<
                ((u8, u8), Arg2),
                (T, u8),
            >::new((__arg1, d)),
            __source,
            true,
        )
    }
    /**Runs [`put`](fn@put) over a stream of `Result`s of tuples of arguments, which is `Send` and `'static`, with a clone of each shared value for each job, and yields the results in order of completion. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap_stream_unordered<
        T: Send + 'static,
        Arg2: Clone + Send + 'static,
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::TryStreamFromAnyThread<(T, u8), E>
            + ::greenpool::__private::Implies<
                ((u8, u8), Arg2),
                Is: ::core::marker::Send + 'static,
            >,
    >(__arg1: (u8, u8), d: Arg2, __source: I0) -> ::greenpool::TryGreenMap<(), E> {
        ::greenpool::__private::maps::try_imap_stream::<
            __pooled_put<T, Arg2>,
            (T, (u8, u8), Arg2, u8),
            (),
            E,
            _,
            _,
        >(
            <put>::pool(),
            ::greenpool::__private::Shared::<
                ((u8, u8), Arg2),
                (T, u8),
            >::new((__arg1, d)),
            __source,
            false,
        )
    }
    ///Returns [`put`](fn@put) on a pool of your own: the verbs of this type, which run it there instead of in its own pool. A generic function is one instance of it. It starts nothing.
    #[must_use]
    #[inline]
    pub fn on<
        T: Send + 'static,
        Arg2: Clone + Send + 'static,
        E: ::greenpool::Runs<
                __pooled_put<T, Arg2>,
                fn(T, (u8, u8), Arg2, u8) -> (),
                ::greenpool::__private::Shape<
                    (
                        ::greenpool::__private::Each,
                        ::greenpool::__private::One,
                        ::greenpool::__private::One,
                        ::greenpool::__private::Each,
                    ),
                    ((u8, u8), Arg2),
                    (T, u8),
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
    pub fn __green_pool_on<T: Send + 'static, Arg2: Clone + Send + 'static>() -> ::greenpool::__private::Function<
        __pooled_put<T, Arg2>,
        fn(T, (u8, u8), Arg2, u8) -> (),
        ::greenpool::__private::Shape<
            (
                ::greenpool::__private::Each,
                ::greenpool::__private::One,
                ::greenpool::__private::One,
                ::greenpool::__private::Each,
            ),
            ((u8, u8), Arg2),
            (T, u8),
        >,
    > {
        ::greenpool::__private::Function::new()
    }
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    #[inline]
    pub fn __green_pool<T: Send + 'static, Arg2: Clone + Send + 'static>(
        a: T,
        __arg1: (u8, u8),
        d: Arg2,
        e: u8,
    ) -> ::greenpool::GreenThread<()> {
        ::greenpool::__private::submit::<
            __pooled_put<T, Arg2>,
            (T, (u8, u8), Arg2, u8),
            (),
        >((a, __arg1, d, e))
    }
}
#[doc(hidden)]
struct __pooled_put<T: ?::core::marker::Sized, Arg2: ?::core::marker::Sized>(
    ::core::marker::PhantomData<fn() -> (*const T, *const Arg2)>,
);
impl<
    T: Send + 'static,
    Arg2: Clone + Send + 'static,
> ::greenpool::PooledFn<(T, (u8, u8), Arg2, u8), ()> for __pooled_put<T, Arg2> {
    #[inline]
    fn name() -> &'static ::core::primitive::str {
        "put"
    }
    #[inline]
    fn pool() -> &'static ::greenpool::GreenPool {
        <put>::pool()
    }
    #[inline]
    fn call(
        __args: (T, (u8, u8), Arg2, u8),
    ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send + 'static {
        put::<T>(__args.0, __args.1, __args.2, __args.3)
    }
}
impl<
    T: Send + 'static,
    Arg2: Clone + Send + 'static,
> ::greenpool::__private::Shares<(u8, u8), 0usize> for __pooled_put<T, Arg2> {}
impl<
    T: Send + 'static,
    Arg2: Clone + Send + 'static,
> ::greenpool::__private::Shares<Arg2, 1usize> for __pooled_put<T, Arg2> {}
impl<
    T: Send + 'static,
    Arg2: Clone + Send + 'static,
> ::greenpool::__private::SharedFn<(T, (u8, u8), Arg2, u8), ((u8, u8), Arg2), (T, u8)>
for __pooled_put<T, Arg2> {
    #[inline]
    fn args(__shared: &((u8, u8), Arg2), __rest: (T, u8)) -> (T, (u8, u8), Arg2, u8) {
        (
            __rest.0,
            ::greenpool::__private::share::<
                __pooled_put<T, Arg2>,
                (u8, u8),
                0usize,
            >(&__shared.0),
            ::greenpool::__private::share::<
                __pooled_put<T, Arg2>,
                Arg2,
                1usize,
            >(&__shared.1),
            __rest.1,
        )
    }
}
