pub(crate) async fn add((a, b): (u8, u8), mut c: u8, _: u8) -> u8 {
    c += a;
    c + b
}
///The pool of [`add`](fn@add), and the functions that run jobs in it.
#[allow(non_camel_case_types)]
pub(crate) struct add {}
#[allow(deprecated, non_snake_case, clippy::all, clippy::pedantic)]
impl add {
    ///The pool that [`add`](fn@add) runs in. Its initial size is 1000.
    #[must_use]
    pub fn pool() -> &'static ::greenpool::GreenPool {
        static __POOL: ::greenpool::__private::PoolCell = ::greenpool::__private::PoolCell::new(
            "add",
            || {
                let size: ::core::primitive::usize = 1000;
                size
            },
        );
        ::greenpool::__private::PoolCell::get(&__POOL)
    }
    /**Waits for a free slot, starts [`add`](fn@add) in it, and returns its green thread.

Nothing is spawned until the future is awaited. If it is dropped before it gets a slot, it leaves the queue and starts nothing.*/
    pub fn spawn(
        arg0: (u8, u8),
        c: u8,
        arg2: u8,
    ) -> ::greenpool::SpawnCall<add, ((u8, u8), u8, u8), u8> {
        ::greenpool::__private::spawn::<add, ((u8, u8), u8, u8), u8>((arg0, c, arg2))
    }
    /**Waits for a free slot and starts [`add`](fn@add) in it, without a handle to its result.

Nothing is spawned until the future is awaited. If it is dropped before it gets a slot, it leaves the queue and starts nothing.*/
    pub fn spawn_n(
        arg0: (u8, u8),
        c: u8,
        arg2: u8,
    ) -> ::greenpool::SpawnCallN<add, ((u8, u8), u8, u8), u8> {
        ::greenpool::__private::spawn_n::<add, ((u8, u8), u8, u8), u8>((arg0, c, arg2))
    }
    /**Starts [`add`](fn@add) if a slot is free; otherwise returns the arguments.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_spawn(
        arg0: (u8, u8),
        c: u8,
        arg2: u8,
    ) -> ::core::result::Result<
        ::greenpool::GreenThread<u8>,
        ::greenpool::TrySpawnError<((u8, u8), u8, u8)>,
    > {
        ::greenpool::__private::try_spawn::<add, ((u8, u8), u8, u8), u8>((arg0, c, arg2))
    }
    /**Runs [`add`](fn@add) over iterables, one per parameter, whose iterators are `Send` and `'static`, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap(
        arg0: impl ::core::iter::IntoIterator<
            Item = (u8, u8),
        > + ::greenpool::__private::ReadFromAnyThread,
        c: impl ::core::iter::IntoIterator<
            Item = u8,
        > + ::greenpool::__private::ReadFromAnyThread,
        arg2: impl ::core::iter::IntoIterator<
            Item = u8,
        > + ::greenpool::__private::ReadFromAnyThread,
    ) -> ::greenpool::GreenMap<u8> {
        ::greenpool::__private::imap::<
            add,
            ((u8, u8), u8, u8),
            u8,
            _,
        >(
            ::core::iter::Iterator::map(
                ::core::iter::Iterator::zip(
                    ::core::iter::Iterator::zip(
                        ::core::iter::IntoIterator::into_iter(arg0),
                        ::core::iter::IntoIterator::into_iter(c),
                    ),
                    ::core::iter::IntoIterator::into_iter(arg2),
                ),
                |((arg0, c), arg2)| (arg0, c, arg2),
            ),
        )
    }
    /**Runs [`add`](fn@add) over iterables, one per parameter, whose iterators are `Send` and `'static`, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap_unordered(
        arg0: impl ::core::iter::IntoIterator<
            Item = (u8, u8),
        > + ::greenpool::__private::ReadFromAnyThread,
        c: impl ::core::iter::IntoIterator<
            Item = u8,
        > + ::greenpool::__private::ReadFromAnyThread,
        arg2: impl ::core::iter::IntoIterator<
            Item = u8,
        > + ::greenpool::__private::ReadFromAnyThread,
    ) -> ::greenpool::GreenMap<u8> {
        ::greenpool::__private::imap_unordered::<
            add,
            ((u8, u8), u8, u8),
            u8,
            _,
        >(
            ::core::iter::Iterator::map(
                ::core::iter::Iterator::zip(
                    ::core::iter::Iterator::zip(
                        ::core::iter::IntoIterator::into_iter(arg0),
                        ::core::iter::IntoIterator::into_iter(c),
                    ),
                    ::core::iter::IntoIterator::into_iter(arg2),
                ),
                |((arg0, c), arg2)| (arg0, c, arg2),
            ),
        )
    }
    /**Runs [`add`](fn@add) over an iterable of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn starmap(
        tuples: impl ::core::iter::IntoIterator<
            Item = ((u8, u8), u8, u8),
        > + ::greenpool::__private::ReadFromAnyThread,
    ) -> ::greenpool::GreenMap<u8> {
        ::greenpool::__private::imap::<
            add,
            ((u8, u8), u8, u8),
            u8,
            _,
        >(::core::iter::IntoIterator::into_iter(tuples))
    }
    /**Runs [`add`](fn@add) over an iterable of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn starmap_unordered(
        tuples: impl ::core::iter::IntoIterator<
            Item = ((u8, u8), u8, u8),
        > + ::greenpool::__private::ReadFromAnyThread,
    ) -> ::greenpool::GreenMap<u8> {
        ::greenpool::__private::imap_unordered::<
            add,
            ((u8, u8), u8, u8),
            u8,
            _,
        >(::core::iter::IntoIterator::into_iter(tuples))
    }
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    pub fn __green_pool(
        arg0: (u8, u8),
        c: u8,
        arg2: u8,
    ) -> ::greenpool::GreenThread<u8> {
        ::greenpool::__private::submit::<add, ((u8, u8), u8, u8), u8>((arg0, c, arg2))
    }
}
#[allow(deprecated, clippy::all, clippy::pedantic)]
impl ::greenpool::PooledFn<((u8, u8), u8, u8), u8> for add {
    fn name() -> &'static ::core::primitive::str {
        "add"
    }
    fn pool() -> &'static ::greenpool::GreenPool {
        <add>::pool()
    }
    fn call(
        args: ((u8, u8), u8, u8),
    ) -> impl ::core::future::Future<Output = u8> + ::core::marker::Send + 'static {
        add(args.0, args.1, args.2)
    }
    fn workers() -> ::core::option::Option<
        &'static ::greenpool::__private::WorkersCell,
    > {
        static __WORKERS: ::greenpool::__private::WorkersCell = ::greenpool::__private::WorkersCell::new();
        ::core::option::Option::Some(&__WORKERS)
    }
}
