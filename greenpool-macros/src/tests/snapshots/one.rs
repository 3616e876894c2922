/// Fetches one page.
pub async fn fetch(url: String) -> Result<Page, Error> {
    client().get(url).await
}
///The pool of [`fetch`](fn@fetch), and the functions that run jobs in it.
#[allow(non_camel_case_types)]
pub struct fetch {}
#[allow(deprecated, non_snake_case, clippy::all, clippy::pedantic)]
impl fetch {
    ///The pool that [`fetch`](fn@fetch) runs in. Its initial size is `100`.
    #[must_use]
    pub fn pool() -> &'static ::greenpool::GreenPool {
        const __SIZE: ::core::primitive::usize = 100;
        const _: () = ::core::assert!(
            __SIZE != 0, "a pool of size 0 would never run anything; write at least 1"
        );
        static __POOL: ::greenpool::__private::PoolCell = ::greenpool::__private::PoolCell::new(
            "fetch",
            || __SIZE,
        );
        ::greenpool::__private::PoolCell::get(&__POOL)
    }
    /**Waits for a free slot, starts [`fetch`](fn@fetch) in it, and returns its green thread.

Nothing is spawned until the future is awaited. If it is dropped before it gets a slot, it leaves the queue and starts nothing.*/
    pub fn spawn(
        url: String,
    ) -> ::greenpool::SpawnCall<fetch, (String,), Result<Page, Error>> {
        ::greenpool::__private::spawn::<fetch, (String,), Result<Page, Error>>((url,))
    }
    /**Waits for a free slot and starts [`fetch`](fn@fetch) in it, without a handle to its result.

Nothing is spawned until the future is awaited. If it is dropped before it gets a slot, it leaves the queue and starts nothing.*/
    pub fn spawn_n(
        url: String,
    ) -> ::greenpool::SpawnCallN<fetch, (String,), Result<Page, Error>> {
        ::greenpool::__private::spawn_n::<fetch, (String,), Result<Page, Error>>((url,))
    }
    /**Starts [`fetch`](fn@fetch) if a slot is free; otherwise returns the arguments.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_spawn(
        url: String,
    ) -> ::core::result::Result<
        ::greenpool::GreenThread<Result<Page, Error>>,
        ::greenpool::TrySpawnError<(String,)>,
    > {
        ::greenpool::__private::try_spawn::<
            fetch,
            (String,),
            Result<Page, Error>,
        >((url,))
    }
    /**Runs [`fetch`](fn@fetch) over iterables, one per parameter, whose iterators are `Send` and `'static`, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap(
        url: impl ::core::iter::IntoIterator<
            Item = String,
        > + ::greenpool::__private::ReadFromAnyThread,
    ) -> ::greenpool::GreenMap<Result<Page, Error>> {
        ::greenpool::__private::imap::<
            fetch,
            (String,),
            Result<Page, Error>,
            _,
        >(
            ::core::iter::Iterator::map(
                ::core::iter::IntoIterator::into_iter(url),
                |url| (url,),
            ),
        )
    }
    /**Runs [`fetch`](fn@fetch) over iterables, one per parameter, whose iterators are `Send` and `'static`, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap_unordered(
        url: impl ::core::iter::IntoIterator<
            Item = String,
        > + ::greenpool::__private::ReadFromAnyThread,
    ) -> ::greenpool::GreenMap<Result<Page, Error>> {
        ::greenpool::__private::imap_unordered::<
            fetch,
            (String,),
            Result<Page, Error>,
            _,
        >(
            ::core::iter::Iterator::map(
                ::core::iter::IntoIterator::into_iter(url),
                |url| (url,),
            ),
        )
    }
    /**Runs [`fetch`](fn@fetch) over an iterable of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn starmap(
        tuples: impl ::core::iter::IntoIterator<
            Item = (String,),
        > + ::greenpool::__private::ReadFromAnyThread,
    ) -> ::greenpool::GreenMap<Result<Page, Error>> {
        ::greenpool::__private::imap::<
            fetch,
            (String,),
            Result<Page, Error>,
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
            Item = (String,),
        > + ::greenpool::__private::ReadFromAnyThread,
    ) -> ::greenpool::GreenMap<Result<Page, Error>> {
        ::greenpool::__private::imap_unordered::<
            fetch,
            (String,),
            Result<Page, Error>,
            _,
        >(::core::iter::IntoIterator::into_iter(tuples))
    }
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    pub fn __green_pool(url: String) -> ::greenpool::GreenThread<Result<Page, Error>> {
        ::greenpool::__private::submit::<fetch, (String,), Result<Page, Error>>((url,))
    }
}
#[allow(deprecated, clippy::all, clippy::pedantic)]
impl ::greenpool::PooledFn<(String,), Result<Page, Error>> for fetch {
    fn name() -> &'static ::core::primitive::str {
        "fetch"
    }
    fn pool() -> &'static ::greenpool::GreenPool {
        <fetch>::pool()
    }
    fn call(
        args: (String,),
    ) -> impl ::core::future::Future<
        Output = Result<Page, Error>,
    > + ::core::marker::Send + 'static {
        fetch(args.0)
    }
    fn workers() -> ::core::option::Option<
        &'static ::greenpool::__private::WorkersCell,
    > {
        static __WORKERS: ::greenpool::__private::WorkersCell = ::greenpool::__private::WorkersCell::new();
        ::core::option::Option::Some(&__WORKERS)
    }
}
