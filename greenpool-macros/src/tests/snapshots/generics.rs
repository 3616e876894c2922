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
#[allow(non_camel_case_types)]
struct show {}
#[allow(deprecated, non_snake_case, clippy::all, clippy::pedantic)]
impl show {
    ///The pool that [`show`](fn@show) runs in. Its initial size is 1000.
    #[must_use]
    pub fn pool() -> &'static ::greenpool::GreenPool {
        static __POOL: ::greenpool::__private::PoolCell = ::greenpool::__private::PoolCell::new(
            "show",
            || {
                let size: ::core::primitive::usize = 1000;
                size
            },
        );
        ::greenpool::__private::PoolCell::get(&__POOL)
    }
    /**Waits for a free slot, starts [`show`](fn@show) in it, and returns its green thread.

Nothing is spawned until the future is awaited. If it is dropped before it gets a slot, it leaves the queue and starts nothing.*/
    pub fn spawn<
        T: Display + Send + 'static,
        const N: usize,
        Arg1: Write + Send + 'static,
    >(
        all: [T; N],
        to: Arg1,
    ) -> ::greenpool::SpawnCall<__show<T, N, Arg1>, ([T; N], Arg1), usize>
    where
        T: Clone,
    {
        ::greenpool::__private::spawn::<
            __show<T, N, Arg1>,
            ([T; N], Arg1),
            usize,
        >((all, to))
    }
    /**Waits for a free slot and starts [`show`](fn@show) in it, without a handle to its result.

Nothing is spawned until the future is awaited. If it is dropped before it gets a slot, it leaves the queue and starts nothing.*/
    pub fn spawn_n<
        T: Display + Send + 'static,
        const N: usize,
        Arg1: Write + Send + 'static,
    >(
        all: [T; N],
        to: Arg1,
    ) -> ::greenpool::SpawnCallN<__show<T, N, Arg1>, ([T; N], Arg1), usize>
    where
        T: Clone,
    {
        ::greenpool::__private::spawn_n::<
            __show<T, N, Arg1>,
            ([T; N], Arg1),
            usize,
        >((all, to))
    }
    /**Starts [`show`](fn@show) if a slot is free; otherwise returns the arguments.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
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
            __show<T, N, Arg1>,
            ([T; N], Arg1),
            usize,
        >((all, to))
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
    >(
        all: impl ::core::iter::IntoIterator<
            Item = [T; N],
        > + ::greenpool::__private::ReadFromAnyThread,
        to: impl ::core::iter::IntoIterator<
            Item = Arg1,
        > + ::greenpool::__private::ReadFromAnyThread,
    ) -> ::greenpool::GreenMap<usize>
    where
        T: Clone,
    {
        ::greenpool::__private::imap::<
            __show<T, N, Arg1>,
            ([T; N], Arg1),
            usize,
            _,
        >(
            ::core::iter::Iterator::map(
                ::core::iter::Iterator::zip(
                    ::core::iter::IntoIterator::into_iter(all),
                    ::core::iter::IntoIterator::into_iter(to),
                ),
                |(all, to)| (all, to),
            ),
        )
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
    >(
        all: impl ::core::iter::IntoIterator<
            Item = [T; N],
        > + ::greenpool::__private::ReadFromAnyThread,
        to: impl ::core::iter::IntoIterator<
            Item = Arg1,
        > + ::greenpool::__private::ReadFromAnyThread,
    ) -> ::greenpool::GreenMap<usize>
    where
        T: Clone,
    {
        ::greenpool::__private::imap_unordered::<
            __show<T, N, Arg1>,
            ([T; N], Arg1),
            usize,
            _,
        >(
            ::core::iter::Iterator::map(
                ::core::iter::Iterator::zip(
                    ::core::iter::IntoIterator::into_iter(all),
                    ::core::iter::IntoIterator::into_iter(to),
                ),
                |(all, to)| (all, to),
            ),
        )
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
    >(
        tuples: impl ::core::iter::IntoIterator<
            Item = ([T; N], Arg1),
        > + ::greenpool::__private::ReadFromAnyThread,
    ) -> ::greenpool::GreenMap<usize>
    where
        T: Clone,
    {
        ::greenpool::__private::imap::<
            __show<T, N, Arg1>,
            ([T; N], Arg1),
            usize,
            _,
        >(::core::iter::IntoIterator::into_iter(tuples))
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
    >(
        tuples: impl ::core::iter::IntoIterator<
            Item = ([T; N], Arg1),
        > + ::greenpool::__private::ReadFromAnyThread,
    ) -> ::greenpool::GreenMap<usize>
    where
        T: Clone,
    {
        ::greenpool::__private::imap_unordered::<
            __show<T, N, Arg1>,
            ([T; N], Arg1),
            usize,
            _,
        >(::core::iter::IntoIterator::into_iter(tuples))
    }
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    pub fn __green_pool<
        T: Display + Send + 'static,
        const N: usize,
        Arg1: Write + Send + 'static,
    >(all: [T; N], to: Arg1) -> ::greenpool::GreenThread<usize>
    where
        T: Clone,
    {
        ::greenpool::__private::submit::<
            __show<T, N, Arg1>,
            ([T; N], Arg1),
            usize,
        >((all, to))
    }
}
#[doc(hidden)]
#[allow(non_camel_case_types)]
struct __show<T: ?::core::marker::Sized, const N: usize, Arg1: ?::core::marker::Sized>(
    ::core::marker::PhantomData<fn() -> (*const T, *const Arg1)>,
);
#[allow(deprecated, clippy::all, clippy::pedantic)]
impl<
    T: Display + Send + 'static,
    const N: usize,
    Arg1: Write + Send + 'static,
> ::greenpool::PooledFn<([T; N], Arg1), usize> for __show<T, N, Arg1>
where
    T: Clone,
{
    fn name() -> &'static ::core::primitive::str {
        "show"
    }
    fn pool() -> &'static ::greenpool::GreenPool {
        <show>::pool()
    }
    fn call(
        args: ([T; N], Arg1),
    ) -> impl ::core::future::Future<Output = usize> + ::core::marker::Send + 'static {
        show::<T, N>(args.0, args.1)
    }
}
