async fn fetch() {}
///The pool of [`fetch`](fn@fetch), and the functions that run jobs in it.
#[allow(non_camel_case_types)]
struct fetch {}
#[allow(deprecated, non_snake_case, clippy::all, clippy::pedantic)]
impl fetch {
    ///The pool that [`fetch`](fn@fetch) runs in. Its initial size is `cores () * 2`.
    #[must_use]
    pub fn pool() -> &'static ::greenpool::GreenPool {
        static __POOL: ::greenpool::__private::PoolCell = ::greenpool::__private::PoolCell::new(
            "fetch",
            || {
                let size: ::core::primitive::usize = cores() * 2;
                size
            },
        );
        ::greenpool::__private::PoolCell::get(&__POOL)
    }
    /**Waits for a free slot, starts [`fetch`](fn@fetch) in it, and returns its green thread.

Nothing is spawned until the future is awaited. If it is dropped before it gets a slot, it leaves the queue and starts nothing.*/
    pub fn spawn() -> ::greenpool::SpawnCall<fetch, (), ()> {
        ::greenpool::__private::spawn::<fetch, (), ()>(())
    }
    /**Waits for a free slot and starts [`fetch`](fn@fetch) in it, without a handle to its result.

Nothing is spawned until the future is awaited. If it is dropped before it gets a slot, it leaves the queue and starts nothing.*/
    pub fn spawn_n() -> ::greenpool::SpawnCallN<fetch, (), ()> {
        ::greenpool::__private::spawn_n::<fetch, (), ()>(())
    }
    /**Starts [`fetch`](fn@fetch) if a slot is free; otherwise returns the arguments.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_spawn() -> ::core::result::Result<
        ::greenpool::GreenThread<()>,
        ::greenpool::TrySpawnError<()>,
    > {
        ::greenpool::__private::try_spawn::<fetch, (), ()>(())
    }
    /**Runs [`fetch`](fn@fetch) over an iterable of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn starmap(
        tuples: impl ::core::iter::IntoIterator<
            Item = (),
        > + ::greenpool::__private::ReadFromAnyThread,
    ) -> ::greenpool::GreenMap<()> {
        ::greenpool::__private::imap::<
            fetch,
            (),
            (),
            _,
        >(::core::iter::IntoIterator::into_iter(tuples))
    }
    /**Runs [`fetch`](fn@fetch) over an iterable of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn starmap_unordered(
        tuples: impl ::core::iter::IntoIterator<
            Item = (),
        > + ::greenpool::__private::ReadFromAnyThread,
    ) -> ::greenpool::GreenMap<()> {
        ::greenpool::__private::imap_unordered::<
            fetch,
            (),
            (),
            _,
        >(::core::iter::IntoIterator::into_iter(tuples))
    }
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    pub fn __green_pool() -> ::greenpool::GreenThread<()> {
        ::greenpool::__private::submit::<fetch, (), ()>(())
    }
}
#[allow(deprecated, clippy::all, clippy::pedantic)]
impl ::greenpool::PooledFn<(), ()> for fetch {
    fn name() -> &'static ::core::primitive::str {
        "fetch"
    }
    fn pool() -> &'static ::greenpool::GreenPool {
        <fetch>::pool()
    }
    fn call(
        args: (),
    ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send + 'static {
        fetch()
    }
    fn workers() -> ::core::option::Option<
        &'static ::greenpool::__private::WorkersCell,
    > {
        static __WORKERS: ::greenpool::__private::WorkersCell = ::greenpool::__private::WorkersCell::new();
        ::core::option::Option::Some(&__WORKERS)
    }
}
