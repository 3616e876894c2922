async fn fetch() {}
///The pool of [`fetch`](fn@fetch), and the calls that run in it.
#[allow(non_camel_case_types)]
struct fetch {}
#[allow(deprecated, non_snake_case, clippy::all, clippy::pedantic)]
impl fetch {
    ///The pool that [`fetch`](fn@fetch) runs in, of size `cores () * 2` at first.
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
    /**Waits for a free slot, starts [`fetch`](fn@fetch) in it, and gives its green thread.

Nothing is spawned until it is awaited. Dropped before its slot has come, it leaves the queue and starts nothing.*/
    pub fn spawn() -> ::greenpool::SpawnCall<fetch, (), ()> {
        ::greenpool::__private::spawn::<fetch, (), ()>(())
    }
    /**Waits for a free slot and starts [`fetch`](fn@fetch) in it; no result is wanted.

Nothing is spawned until it is awaited. Dropped before its slot has come, it leaves the queue and starts nothing.*/
    pub fn spawn_n() -> ::greenpool::SpawnCallN<fetch, (), ()> {
        ::greenpool::__private::spawn_n::<fetch, (), ()>(())
    }
    /**Starts [`fetch`](fn@fetch) if a slot is free at once; else gives the arguments back.

# Panics

Outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_spawn() -> ::core::result::Result<
        ::greenpool::GreenThread<()>,
        ::greenpool::TrySpawnError<()>,
    > {
        ::greenpool::__private::try_spawn::<fetch, (), ()>(())
    }
    /**Runs [`fetch`](fn@fetch) over an iterable of tuples of arguments, whose iterator is `Send` and `'static`; the results come in the order of the arguments.

It starts at once, and has at most as many items out as the pool has slots. Dropping it aborts the running jobs and reads no more.

# Panics

Outside of a tokio runtime.*/
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
    /**Runs [`fetch`](fn@fetch) over an iterable of tuples of arguments, whose iterator is `Send` and `'static`; the results come as they are ready.

It starts at once, and has at most as many items out as the pool has slots. Dropping it aborts the running jobs and reads no more.

# Panics

Outside of a tokio runtime.*/
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
