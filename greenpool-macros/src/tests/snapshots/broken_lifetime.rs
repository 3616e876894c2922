async fn fetch<'a, T: Trait<'a>>(url: &'a str, t: T) -> &'a str
where
    T: Other<'a>,
{
    url
}
///The pool of [`fetch`](fn@fetch), and the functions that run jobs in it.
#[non_exhaustive]
struct fetch {}
impl fetch {
    const __UNUSED: () = ();
    ///The pool that [`fetch`](fn@fetch) runs in. Its initial size is 1000.
    #[must_use]
    #[inline]
    pub fn pool() -> &'static ::greenpool::GreenPool {
        static POOL: ::greenpool::__private::PoolCell = ::greenpool::__private::PoolCell::new(
            "fetch",
            || -> ::core::primitive::usize { (1000) },
        );
        ::greenpool::__private::PoolCell::get(&POOL)
    }
    /**Waits for a free slot, starts [`fetch`](fn@fetch) in it, and returns its green thread.

Nothing is spawned until the future is awaited. If it is dropped before it gets a slot, it leaves the queue and starts nothing.*/
    #[inline]
    pub fn spawn<T: 'static>(
        url: impl ::core::marker::Sized,
        t: T,
    ) -> ::greenpool::SpawnCall<__pooled_fetch<T>, ((), T), &'static str> {
        let _ = (url, t);
        loop {}
    }
    /**Waits for a free slot and starts [`fetch`](fn@fetch) in it, without a handle to its result.

Nothing is spawned until the future is awaited. If it is dropped before it gets a slot, it leaves the queue and starts nothing.*/
    #[inline]
    pub fn spawn_n<T: 'static>(
        url: impl ::core::marker::Sized,
        t: T,
    ) -> ::greenpool::SpawnCallN<__pooled_fetch<T>, ((), T), &'static str> {
        let _ = (url, t);
        loop {}
    }
    /**Starts [`fetch`](fn@fetch) if a slot is free; otherwise returns the arguments.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    #[inline]
    pub fn try_spawn<T: 'static>(
        url: impl ::core::marker::Sized,
        t: T,
    ) -> ::core::result::Result<
        ::greenpool::GreenThread<&'static str>,
        ::greenpool::TrySpawnError<((), T)>,
    > {
        let _ = (url, t);
        loop {}
    }
    /**Queues [`fetch`](fn@fetch) and returns at once: its job begins when its turn comes. Until then only the arguments are kept. For work that a job finds; it lends nothing, and the queue has no bound.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    #[inline]
    pub fn queue<T: 'static>(url: impl ::core::marker::Sized, t: T) {
        let _ = (url, t);
        loop {}
    }
    /**Runs [`fetch`](fn@fetch) over iterables, one per parameter, whose iterators are `Send` and `'static`, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap<
        T: 'static,
        I0: ::greenpool::__private::ReadFromAnyThread<()>,
        I1: ::greenpool::__private::ReadFromAnyThread<T>,
    >(url: I0, t: I1) -> ::greenpool::GreenMap<&'static str> {
        let _ = (url, t);
        loop {}
    }
    /**Runs [`fetch`](fn@fetch) over iterables, one per parameter, whose iterators are `Send` and `'static`, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap_unordered<
        T: 'static,
        I0: ::greenpool::__private::ReadFromAnyThread<()>,
        I1: ::greenpool::__private::ReadFromAnyThread<T>,
    >(url: I0, t: I1) -> ::greenpool::GreenMap<&'static str> {
        let _ = (url, t);
        loop {}
    }
    /**Runs [`fetch`](fn@fetch) over an iterable of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn starmap<T: 'static, I0: ::greenpool::__private::ReadFromAnyThread<((), T)>>(
        __tuples: I0,
    ) -> ::greenpool::GreenMap<&'static str> {
        let _ = (__tuples,);
        loop {}
    }
    /**Runs [`fetch`](fn@fetch) over an iterable of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn starmap_unordered<
        T: 'static,
        I0: ::greenpool::__private::ReadFromAnyThread<((), T)>,
    >(__tuples: I0) -> ::greenpool::GreenMap<&'static str> {
        let _ = (__tuples,);
        loop {}
    }
    /**Runs [`fetch`](fn@fetch) over an iterable of `Result`s of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in the order of the arguments. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap<
        T: 'static,
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::ReadFromAnyThread<::core::result::Result<((), T), E>>,
    >(__source: I0) -> ::greenpool::TryGreenMap<&'static str, E> {
        let _ = (__source,);
        loop {}
    }
    /**Runs [`fetch`](fn@fetch) over an iterable of `Result`s of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in order of completion. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap_unordered<
        T: 'static,
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::ReadFromAnyThread<::core::result::Result<((), T), E>>,
    >(__source: I0) -> ::greenpool::TryGreenMap<&'static str, E> {
        let _ = (__source,);
        loop {}
    }
    /**Runs [`fetch`](fn@fetch) over a stream of tuples of arguments, which is `Send` and `'static`, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap_stream<
        T: 'static,
        I0: ::greenpool::__private::StreamFromAnyThread<((), T)>,
    >(__source: I0) -> ::greenpool::GreenMap<&'static str> {
        let _ = (__source,);
        loop {}
    }
    /**Runs [`fetch`](fn@fetch) over a stream of tuples of arguments, which is `Send` and `'static`, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap_stream_unordered<
        T: 'static,
        I0: ::greenpool::__private::StreamFromAnyThread<((), T)>,
    >(__source: I0) -> ::greenpool::GreenMap<&'static str> {
        let _ = (__source,);
        loop {}
    }
    /**Runs [`fetch`](fn@fetch) over a stream of `Result`s of tuples of arguments, which is `Send` and `'static`, and yields the results in the order of the arguments. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap_stream<
        T: 'static,
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::TryStreamFromAnyThread<((), T), E>,
    >(__source: I0) -> ::greenpool::TryGreenMap<&'static str, E> {
        let _ = (__source,);
        loop {}
    }
    /**Runs [`fetch`](fn@fetch) over a stream of `Result`s of tuples of arguments, which is `Send` and `'static`, and yields the results in order of completion. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap_stream_unordered<
        T: 'static,
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::TryStreamFromAnyThread<((), T), E>,
    >(__source: I0) -> ::greenpool::TryGreenMap<&'static str, E> {
        let _ = (__source,);
        loop {}
    }
    ///Returns [`fetch`](fn@fetch) on a pool of your own: the verbs of this type, which run it there instead of in its own pool. A generic function is one instance of it. It starts nothing.
    #[must_use]
    #[inline]
    pub fn on<
        T: 'static,
        E: ::greenpool::Runs<__pooled_fetch<T>, fn((), T) -> &'static str, On = F>,
        F,
    >(__engine: &E) -> F {
        let _ = (__engine,);
        loop {}
    }
    #[doc(hidden)]
    #[must_use]
    #[inline]
    pub fn __green_pool_on<T: 'static>() -> ::greenpool::__private::Function<
        __pooled_fetch<T>,
        fn((), T) -> &'static str,
    > {
        ::greenpool::__private::Function::new()
    }
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    #[inline]
    pub fn __green_pool<T: 'static>(
        url: impl ::core::marker::Sized,
        t: T,
    ) -> ::greenpool::GreenThread<&'static str> {
        let _ = (url, t);
        loop {}
    }
}
#[doc(hidden)]
struct __pooled_fetch<T: ?::core::marker::Sized>(
    ::core::marker::PhantomData<fn() -> (*const T,)>,
);
impl<T: 'static> ::greenpool::PooledFn<((), T), &'static str> for __pooled_fetch<T> {
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
        __args: ((), T),
    ) -> impl ::core::future::Future<
        Output = &'static str,
    > + ::core::marker::Send + 'static {
        let _ = __args;
        ::core::future::pending()
    }
}
::core::compile_error! {
    "a `#[green_pool]` function cannot have lifetime parameters: its arguments outlive the caller; take owned values"
}
