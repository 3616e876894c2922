async fn serve() -> ! {
    loop {}
}
///The pool of [`serve`](fn@serve), and the functions that run jobs in it.
#[non_exhaustive]
struct serve {}
impl serve {
    const __UNUSED: () = ();
    ///The pool that [`serve`](fn@serve) runs in. Its initial size is 1000.
    #[must_use]
    #[inline]
    pub fn pool() -> &'static ::greenpool::GreenPool {
        static POOL: ::greenpool::__private::PoolCell = ::greenpool::__private::PoolCell::new(
            "serve",
            || -> ::core::primitive::usize { (1000) },
        );
        ::greenpool::__private::PoolCell::get(&POOL)
    }
    /**Waits for a free slot, starts [`serve`](fn@serve) in it, and returns its green thread.

Nothing is spawned until the future is awaited. If it is dropped before it gets a slot, it leaves the queue and starts nothing.*/
    #[inline]
    pub fn spawn() -> ::greenpool::SpawnCall<
        serve,
        (),
        <fn() -> ! as ::greenpool::__private::FnOutput>::Output,
    > {
        ::greenpool::__private::spawn::<
            serve,
            (),
            <fn() -> ! as ::greenpool::__private::FnOutput>::Output,
        >(())
    }
    /**Waits for a free slot and starts [`serve`](fn@serve) in it, without a handle to its result.

Nothing is spawned until the future is awaited. If it is dropped before it gets a slot, it leaves the queue and starts nothing.*/
    #[inline]
    pub fn spawn_n() -> ::greenpool::SpawnCallN<
        serve,
        (),
        <fn() -> ! as ::greenpool::__private::FnOutput>::Output,
    > {
        ::greenpool::__private::spawn_n::<
            serve,
            (),
            <fn() -> ! as ::greenpool::__private::FnOutput>::Output,
        >(())
    }
    /**Starts [`serve`](fn@serve) if a slot is free; otherwise returns the arguments.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    #[inline]
    pub fn try_spawn() -> ::core::result::Result<
        ::greenpool::GreenThread<
            <fn() -> ! as ::greenpool::__private::FnOutput>::Output,
        >,
        ::greenpool::TrySpawnError<()>,
    > {
        ::greenpool::__private::try_spawn::<
            serve,
            (),
            <fn() -> ! as ::greenpool::__private::FnOutput>::Output,
        >(())
    }
    /**Queues [`serve`](fn@serve) and returns at once: its job begins when its turn comes. Until then only the arguments are kept. For work that a job finds; it lends nothing, and the queue has no bound.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    #[inline]
    pub fn queue() {
        ::greenpool::__private::QueuedCall::<
            serve,
            (),
            <fn() -> ! as ::greenpool::__private::FnOutput>::Output,
        >::new(())
            .queue()
    }
    /**Runs [`serve`](fn@serve) over an iterable of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn starmap<I0: ::greenpool::__private::ReadFromAnyThread<()>>(
        __tuples: I0,
    ) -> ::greenpool::GreenMap<<fn() -> ! as ::greenpool::__private::FnOutput>::Output> {
        ::greenpool::__private::starmap::<
            serve,
            (),
            <fn() -> ! as ::greenpool::__private::FnOutput>::Output,
            _,
        >(__tuples, true)
    }
    /**Runs [`serve`](fn@serve) over an iterable of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn starmap_unordered<I0: ::greenpool::__private::ReadFromAnyThread<()>>(
        __tuples: I0,
    ) -> ::greenpool::GreenMap<<fn() -> ! as ::greenpool::__private::FnOutput>::Output> {
        ::greenpool::__private::starmap::<
            serve,
            (),
            <fn() -> ! as ::greenpool::__private::FnOutput>::Output,
            _,
        >(__tuples, false)
    }
    /**Runs [`serve`](fn@serve) over an iterable of `Result`s of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in the order of the arguments. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap<
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::ReadFromAnyThread<::core::result::Result<(), E>>,
    >(
        __source: I0,
    ) -> ::greenpool::TryGreenMap<
        <fn() -> ! as ::greenpool::__private::FnOutput>::Output,
        E,
    > {
        ::greenpool::__private::try_imap::<
            serve,
            (),
            <fn() -> ! as ::greenpool::__private::FnOutput>::Output,
            E,
            _,
        >(__source, true)
    }
    /**Runs [`serve`](fn@serve) over an iterable of `Result`s of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in order of completion. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap_unordered<
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::ReadFromAnyThread<::core::result::Result<(), E>>,
    >(
        __source: I0,
    ) -> ::greenpool::TryGreenMap<
        <fn() -> ! as ::greenpool::__private::FnOutput>::Output,
        E,
    > {
        ::greenpool::__private::try_imap::<
            serve,
            (),
            <fn() -> ! as ::greenpool::__private::FnOutput>::Output,
            E,
            _,
        >(__source, false)
    }
    /**Runs [`serve`](fn@serve) over a stream of tuples of arguments, which is `Send` and `'static`, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap_stream<I0: ::greenpool::__private::StreamFromAnyThread<()>>(
        __source: I0,
    ) -> ::greenpool::GreenMap<<fn() -> ! as ::greenpool::__private::FnOutput>::Output> {
        ::greenpool::__private::imap_stream::<
            serve,
            (),
            <fn() -> ! as ::greenpool::__private::FnOutput>::Output,
            _,
        >(__source, true)
    }
    /**Runs [`serve`](fn@serve) over a stream of tuples of arguments, which is `Send` and `'static`, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap_stream_unordered<I0: ::greenpool::__private::StreamFromAnyThread<()>>(
        __source: I0,
    ) -> ::greenpool::GreenMap<<fn() -> ! as ::greenpool::__private::FnOutput>::Output> {
        ::greenpool::__private::imap_stream::<
            serve,
            (),
            <fn() -> ! as ::greenpool::__private::FnOutput>::Output,
            _,
        >(__source, false)
    }
    /**Runs [`serve`](fn@serve) over a stream of `Result`s of tuples of arguments, which is `Send` and `'static`, and yields the results in the order of the arguments. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap_stream<
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::TryStreamFromAnyThread<(), E>,
    >(
        __source: I0,
    ) -> ::greenpool::TryGreenMap<
        <fn() -> ! as ::greenpool::__private::FnOutput>::Output,
        E,
    > {
        ::greenpool::__private::try_imap_stream::<
            serve,
            (),
            <fn() -> ! as ::greenpool::__private::FnOutput>::Output,
            E,
            _,
        >(__source, true)
    }
    /**Runs [`serve`](fn@serve) over a stream of `Result`s of tuples of arguments, which is `Send` and `'static`, and yields the results in order of completion. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the pool has slots. Dropping it aborts the running jobs and stops reading.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap_stream_unordered<
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::TryStreamFromAnyThread<(), E>,
    >(
        __source: I0,
    ) -> ::greenpool::TryGreenMap<
        <fn() -> ! as ::greenpool::__private::FnOutput>::Output,
        E,
    > {
        ::greenpool::__private::try_imap_stream::<
            serve,
            (),
            <fn() -> ! as ::greenpool::__private::FnOutput>::Output,
            E,
            _,
        >(__source, false)
    }
    ///Returns [`serve`](fn@serve) on a pool of your own: the verbs of this type, which run it there instead of in its own pool. A generic function is one instance of it. It starts nothing.
    #[must_use]
    #[inline]
    pub fn on<
        E: ::greenpool::Runs<
                serve,
                fn() -> <fn() -> ! as ::greenpool::__private::FnOutput>::Output,
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
        serve,
        fn() -> <fn() -> ! as ::greenpool::__private::FnOutput>::Output,
    > {
        ::greenpool::__private::Function::new()
    }
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    #[inline]
    pub fn __green_pool() -> ::greenpool::GreenThread<
        <fn() -> ! as ::greenpool::__private::FnOutput>::Output,
    > {
        ::greenpool::__private::submit::<
            serve,
            (),
            <fn() -> ! as ::greenpool::__private::FnOutput>::Output,
        >(())
    }
}
impl ::greenpool::PooledFn<(), <fn() -> ! as ::greenpool::__private::FnOutput>::Output>
for ::greenpool::__private::Alias<serve> {
    #[inline]
    fn name() -> &'static ::core::primitive::str {
        "serve"
    }
    #[inline]
    fn pool() -> &'static ::greenpool::GreenPool {
        <serve>::pool()
    }
    #[inline]
    fn call(
        __args: (),
    ) -> impl ::core::future::Future<
        Output = <fn() -> ! as ::greenpool::__private::FnOutput>::Output,
    > + ::core::marker::Send + 'static {
        serve()
    }
    #[inline]
    fn workers() -> ::core::option::Option<
        &'static ::greenpool::__private::WorkersCell,
    > {
        static __WORKERS: ::greenpool::__private::WorkersCell = ::greenpool::__private::WorkersCell::new();
        ::core::option::Option::Some(&__WORKERS)
    }
}
