async fn show<T: Display + Send, const N: usize>(
    all: [T; N],
    to: impl Write + Send,
) -> usize
where
    T: Clone,
{
    0
}
///The pool of [`show`](fn@show), and the functions that run jobs in it.
#[non_exhaustive]
struct show {}
impl show {
    const __UNUSED: () = ();
    ///The pool that [`show`](fn@show) runs in. Its initial size is 1000.
    #[must_use]
    #[inline]
    pub fn pool() -> &'static ::greenpool::GreenPool {
        static POOL: ::greenpool::__private::PoolCell = ::greenpool::__private::PoolCell::new(
            "show",
            || -> ::core::primitive::usize { (1000) },
        );
        ::greenpool::__private::PoolCell::get(&POOL)
    }
    /**Waits for a free slot, starts [`show`](fn@show) in it, and returns its green thread.

Nothing is spawned until the future is awaited. If it is dropped before it gets a slot, it leaves the queue and starts nothing.*/
    #[inline]
    pub fn spawn<
        T: Display + Send + 'static,
        const N: usize,
        Arg1: Write + Send + 'static,
    >(
        all: [T; N],
        to: Arg1,
    ) -> ::greenpool::SpawnCall<__pooled_show<T, N, Arg1>, ([T; N], Arg1), usize>
    where
        T: Clone,
    {
        ::greenpool::__private::spawn::<
            __pooled_show<T, N, Arg1>,
            ([T; N], Arg1),
            usize,
        >((all, to))
    }
    /**Waits for a free slot and starts [`show`](fn@show) in it, without a handle to its result.

Nothing is spawned until the future is awaited. If it is dropped before it gets a slot, it leaves the queue and starts nothing.*/
    #[inline]
    pub fn spawn_n<
        T: Display + Send + 'static,
        const N: usize,
        Arg1: Write + Send + 'static,
    >(
        all: [T; N],
        to: Arg1,
    ) -> ::greenpool::SpawnCallN<__pooled_show<T, N, Arg1>, ([T; N], Arg1), usize>
    where
        T: Clone,
    {
        ::greenpool::__private::spawn_n::<
            __pooled_show<T, N, Arg1>,
            ([T; N], Arg1),
            usize,
        >((all, to))
    }
    /**Starts [`show`](fn@show) if a slot is free; otherwise returns the arguments.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    #[inline]
    pub fn try_spawn<
        T: Display + Send + 'static,
        const N: usize,
        Arg1: Write + Send + 'static,
    >(
        all: [T; N],
        to: Arg1,
    ) -> ::core::result::Result<
        ::greenpool::GreenThread<usize>,
        ::greenpool::TrySpawnError<([T; N], Arg1)>,
    >
    where
        T: Clone,
    {
        ::greenpool::__private::try_spawn::<
            __pooled_show<T, N, Arg1>,
            ([T; N], Arg1),
            usize,
        >((all, to))
    }
    /**Queues [`show`](fn@show) and returns at once: its job begins when its turn comes. Until then only the arguments are kept. For work that a job finds; it lends nothing, and the queue has no bound.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    #[inline]
    pub fn queue<
        T: Display + Send + 'static,
        const N: usize,
        Arg1: Write + Send + 'static,
    >(all: [T; N], to: Arg1)
    where
        T: Clone,
    {
        ::greenpool::__private::QueuedCall::<
            __pooled_show<T, N, Arg1>,
            ([T; N], Arg1),
            usize,
        >::new((all, to))
            .queue()
    }
    /**Runs [`show`](fn@show) over iterables, one per parameter, whose iterators are `Send` and `'static`, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap<
        T: Display + Send + 'static,
        const N: usize,
        Arg1: Write + Send + 'static,
        I0: ::greenpool::__private::ReadFromAnyThread<[T; N]>,
        I1: ::greenpool::__private::ReadFromAnyThread<Arg1>,
    >(all: I0, to: I1) -> ::greenpool::GreenMap<usize>
    where
        T: Clone,
    {
        ::greenpool::__private::imap::<
            __pooled_show<T, N, Arg1>,
            ([T; N], Arg1),
            usize,
            _,
        >((all, to), true)
    }
    /**Runs [`show`](fn@show) over iterables, one per parameter, whose iterators are `Send` and `'static`, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap_unordered<
        T: Display + Send + 'static,
        const N: usize,
        Arg1: Write + Send + 'static,
        I0: ::greenpool::__private::ReadFromAnyThread<[T; N]>,
        I1: ::greenpool::__private::ReadFromAnyThread<Arg1>,
    >(all: I0, to: I1) -> ::greenpool::GreenMap<usize>
    where
        T: Clone,
    {
        ::greenpool::__private::imap::<
            __pooled_show<T, N, Arg1>,
            ([T; N], Arg1),
            usize,
            _,
        >((all, to), false)
    }
    /**Runs [`show`](fn@show) over an iterable of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn starmap<
        T: Display + Send + 'static,
        const N: usize,
        Arg1: Write + Send + 'static,
        I0: ::greenpool::__private::ReadFromAnyThread<([T; N], Arg1)>,
    >(__tuples: I0) -> ::greenpool::GreenMap<usize>
    where
        T: Clone,
    {
        ::greenpool::__private::starmap::<
            __pooled_show<T, N, Arg1>,
            ([T; N], Arg1),
            usize,
            _,
        >(__tuples, true)
    }
    /**Runs [`show`](fn@show) over an iterable of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn starmap_unordered<
        T: Display + Send + 'static,
        const N: usize,
        Arg1: Write + Send + 'static,
        I0: ::greenpool::__private::ReadFromAnyThread<([T; N], Arg1)>,
    >(__tuples: I0) -> ::greenpool::GreenMap<usize>
    where
        T: Clone,
    {
        ::greenpool::__private::starmap::<
            __pooled_show<T, N, Arg1>,
            ([T; N], Arg1),
            usize,
            _,
        >(__tuples, false)
    }
    /**Runs [`show`](fn@show) over an iterable of `Result`s of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in the order of the arguments. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap<
        T: Display + Send + 'static,
        const N: usize,
        Arg1: Write + Send + 'static,
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::ReadFromAnyThread<
                ::core::result::Result<([T; N], Arg1), E>,
            >,
    >(__source: I0) -> ::greenpool::TryGreenMap<usize, E>
    where
        T: Clone,
    {
        ::greenpool::__private::try_imap::<
            __pooled_show<T, N, Arg1>,
            ([T; N], Arg1),
            usize,
            E,
            _,
        >(__source, true)
    }
    /**Runs [`show`](fn@show) over an iterable of `Result`s of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in order of completion. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap_unordered<
        T: Display + Send + 'static,
        const N: usize,
        Arg1: Write + Send + 'static,
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::ReadFromAnyThread<
                ::core::result::Result<([T; N], Arg1), E>,
            >,
    >(__source: I0) -> ::greenpool::TryGreenMap<usize, E>
    where
        T: Clone,
    {
        ::greenpool::__private::try_imap::<
            __pooled_show<T, N, Arg1>,
            ([T; N], Arg1),
            usize,
            E,
            _,
        >(__source, false)
    }
    /**Runs [`show`](fn@show) over a stream of tuples of arguments, which is `Send` and `'static`, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap_stream<
        T: Display + Send + 'static,
        const N: usize,
        Arg1: Write + Send + 'static,
        I0: ::greenpool::__private::StreamFromAnyThread<([T; N], Arg1)>,
    >(__source: I0) -> ::greenpool::GreenMap<usize>
    where
        T: Clone,
    {
        ::greenpool::__private::imap_stream::<
            __pooled_show<T, N, Arg1>,
            ([T; N], Arg1),
            usize,
            _,
        >(__source, true)
    }
    /**Runs [`show`](fn@show) over a stream of tuples of arguments, which is `Send` and `'static`, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap_stream_unordered<
        T: Display + Send + 'static,
        const N: usize,
        Arg1: Write + Send + 'static,
        I0: ::greenpool::__private::StreamFromAnyThread<([T; N], Arg1)>,
    >(__source: I0) -> ::greenpool::GreenMap<usize>
    where
        T: Clone,
    {
        ::greenpool::__private::imap_stream::<
            __pooled_show<T, N, Arg1>,
            ([T; N], Arg1),
            usize,
            _,
        >(__source, false)
    }
    /**Runs [`show`](fn@show) over a stream of `Result`s of tuples of arguments, which is `Send` and `'static`, and yields the results in the order of the arguments. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap_stream<
        T: Display + Send + 'static,
        const N: usize,
        Arg1: Write + Send + 'static,
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::TryStreamFromAnyThread<([T; N], Arg1), E>,
    >(__source: I0) -> ::greenpool::TryGreenMap<usize, E>
    where
        T: Clone,
    {
        ::greenpool::__private::try_imap_stream::<
            __pooled_show<T, N, Arg1>,
            ([T; N], Arg1),
            usize,
            E,
            _,
        >(__source, true)
    }
    /**Runs [`show`](fn@show) over a stream of `Result`s of tuples of arguments, which is `Send` and `'static`, and yields the results in order of completion. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap_stream_unordered<
        T: Display + Send + 'static,
        const N: usize,
        Arg1: Write + Send + 'static,
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::TryStreamFromAnyThread<([T; N], Arg1), E>,
    >(__source: I0) -> ::greenpool::TryGreenMap<usize, E>
    where
        T: Clone,
    {
        ::greenpool::__private::try_imap_stream::<
            __pooled_show<T, N, Arg1>,
            ([T; N], Arg1),
            usize,
            E,
            _,
        >(__source, false)
    }
    ///Returns [`show`](fn@show) on a pool of your own: the verbs of this type, which run it there instead of in its own pool. A generic function is one instance of it. It starts nothing.
    #[must_use]
    #[inline]
    pub fn on<
        T: Display + Send + 'static,
        const N: usize,
        Arg1: Write + Send + 'static,
        E: ::greenpool::Runs<
                __pooled_show<T, N, Arg1>,
                fn([T; N], Arg1) -> usize,
                On = F,
            >,
        F,
    >(__engine: &E) -> F
    where
        T: Clone,
    {
        ::greenpool::Runs::on(__engine)
    }
    #[doc(hidden)]
    #[must_use]
    #[inline]
    pub fn __green_pool_on<
        T: Display + Send + 'static,
        const N: usize,
        Arg1: Write + Send + 'static,
    >() -> ::greenpool::__private::Function<
        __pooled_show<T, N, Arg1>,
        fn([T; N], Arg1) -> usize,
    >
    where
        T: Clone,
    {
        ::greenpool::__private::Function::new()
    }
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    #[inline]
    pub fn __green_pool<
        T: Display + Send + 'static,
        const N: usize,
        Arg1: Write + Send + 'static,
    >(all: [T; N], to: Arg1) -> ::greenpool::GreenThread<usize>
    where
        T: Clone,
    {
        ::greenpool::__private::submit::<
            __pooled_show<T, N, Arg1>,
            ([T; N], Arg1),
            usize,
        >((all, to))
    }
}
#[doc(hidden)]
struct __pooled_show<
    T: ?::core::marker::Sized,
    const N: usize,
    Arg1: ?::core::marker::Sized,
>(
    ::core::marker::PhantomData<fn() -> (*const T, *const Arg1)>,
);
impl<
    T: Display + Send + 'static,
    const N: usize,
    Arg1: Write + Send + 'static,
> ::greenpool::PooledFn<([T; N], Arg1), usize> for __pooled_show<T, N, Arg1>
where
    T: Clone,
{
    #[inline]
    fn name() -> &'static ::core::primitive::str {
        "show"
    }
    #[inline]
    fn pool() -> &'static ::greenpool::GreenPool {
        <show>::pool()
    }
    #[inline]
    fn call(
        __args: ([T; N], Arg1),
    ) -> impl ::core::future::Future<Output = usize> + ::core::marker::Send + 'static {
        show::<T, N>(__args.0, __args.1)
    }
}
