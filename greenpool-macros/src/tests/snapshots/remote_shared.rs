impl ::greenpool::__private::remote::RemoteFn for store {
    type Args = (Page, bool);
    type Output = u64;
    type State = Db<u8>;
    type Codecs = (
        ::greenpool::__private::remote::Codec<Page>,
        ::greenpool::__private::remote::Codec<bool>,
    );
    const NAME: &'static ::core::primitive::str = "store";
    const SIGNATURE: &'static ::core::primitive::str = "0bda902ce652dfc2";
    const PATH: &'static ::core::primitive::str = ::core::concat!(
        ::core::module_path!(), "::", "store"
    );
    fn size() -> ::core::primitive::usize {
        1000
    }
    fn call(
        __state: Db<u8>,
        __args: (Page, bool),
    ) -> impl ::core::future::Future<Output = u64> + ::core::marker::Send + 'static {
        store(__args.0, __state, __args.1)
    }
    fn states(__state: Db<u8>) -> ::greenpool::__private::remote::States<Db<u8>> {
        ::greenpool::__private::remote::states::<
            Db<u8>,
        >(__state, ::greenpool::__private::share::<store, Db<u8>, 0>)
    }
    fn arguments() -> Self::Codecs {
        (
            ::greenpool::__private::remote::codec::<Page>(),
            ::greenpool::__private::remote::codec::<bool>(),
        )
    }
    fn output() -> ::greenpool::__private::remote::Codec<u64> {
        ::greenpool::__private::remote::codec::<u64>()
    }
}
impl store {
    const __UNUSED_FAR: () = ();
    ///Returns what a worker needs to serve [`store`](fn@store).
    pub fn handler(db: Db<u8>) -> ::greenpool::remote::Handler {
        ::greenpool::__private::remote::handler::<store>(db)
    }
}
///The verbs of [`store`](fn@store) on an engine.
#[doc(hidden)]
struct __store_far(::greenpool::__private::remote::FarPool<store>);
impl ::greenpool::__private::remote::Remote for store {
    type Verbs = __store_far;
    type Far = ::greenpool::remote::Far<store>;
    fn verbs(__pool: ::greenpool::__private::remote::FarPool<store>) -> __store_far {
        __store_far(__pool)
    }
    fn far(
        __pool: ::greenpool::__private::remote::FarPool<store>,
    ) -> ::greenpool::remote::Far<store> {
        ::greenpool::remote::Far::of(__pool)
    }
}
impl __store_far {
    const __UNUSED: () = ();
    ///Waits for a place in the window, submits a job, and returns its handle. Nothing happens until the future is awaited.
    #[track_caller]
    pub fn spawn(
        &self,
        page: Page,
        again: bool,
    ) -> ::greenpool::remote::FarSpawn<store> {
        self.0.spawn((page, again))
    }
    /**Submits a job if there is a place in the window; otherwise returns the arguments.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_spawn(
        &self,
        page: Page,
        again: bool,
    ) -> ::core::result::Result<
        ::greenpool::GreenThread<u64>,
        ::greenpool::TrySpawnError<(Page, bool)>,
    > {
        self.0.try_spawn((page, again))
    }
    ///Stores a job for which nobody waits. The future is ready when it is stored.
    #[track_caller]
    pub fn spawn_n(&self, page: Page, again: bool) -> ::greenpool::remote::SpawnFar {
        self.0.spawn_n(&(page, again))
    }
    ///Returns the call as a future, outside the window. Dropping the future cancels the job.
    #[track_caller]
    pub fn call(&self, page: Page, again: bool) -> ::greenpool::remote::Call<store> {
        self.0.call((page, again))
    }
    #[doc(hidden)]
    #[track_caller]
    pub fn __submit(&self, page: Page, again: bool) -> ::greenpool::GreenThread<u64> {
        self.0.submit((page, again))
    }
    /**Runs [`store`](fn@store) over iterables, one per parameter, whose iterators are `Send` and `'static`, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the window has places. Dropping it stops reading, removes the queued jobs, and tells the workers to stop the running ones.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap<
        I0: ::greenpool::__private::ReadFromAnyThread<Page>
            + ::greenpool::__private::Implies<
                (Db<u8>,),
                Is: ::core::marker::Send + 'static,
            >,
        I1: ::greenpool::__private::ReadFromAnyThread<bool>,
    >(&self, page: I0, again: I1) -> ::greenpool::GreenMap<u64> {
        self.0.imap((page, again), true)
    }
    /**Runs [`store`](fn@store) over iterables, one per parameter, whose iterators are `Send` and `'static`, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the window has places. Dropping it stops reading, removes the queued jobs, and tells the workers to stop the running ones.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap_unordered<
        I0: ::greenpool::__private::ReadFromAnyThread<Page>
            + ::greenpool::__private::Implies<
                (Db<u8>,),
                Is: ::core::marker::Send + 'static,
            >,
        I1: ::greenpool::__private::ReadFromAnyThread<bool>,
    >(&self, page: I0, again: I1) -> ::greenpool::GreenMap<u64> {
        self.0.imap((page, again), false)
    }
    /**Runs [`store`](fn@store) over an iterable of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the window has places. Dropping it stops reading, removes the queued jobs, and tells the workers to stop the running ones.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn starmap<
        I0: ::greenpool::__private::ReadFromAnyThread<(Page, bool)>
            + ::greenpool::__private::Implies<
                (Db<u8>,),
                Is: ::core::marker::Send + 'static,
            >,
    >(&self, __tuples: I0) -> ::greenpool::GreenMap<u64> {
        self.0.starmap(__tuples, true)
    }
    /**Runs [`store`](fn@store) over an iterable of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the window has places. Dropping it stops reading, removes the queued jobs, and tells the workers to stop the running ones.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn starmap_unordered<
        I0: ::greenpool::__private::ReadFromAnyThread<(Page, bool)>
            + ::greenpool::__private::Implies<
                (Db<u8>,),
                Is: ::core::marker::Send + 'static,
            >,
    >(&self, __tuples: I0) -> ::greenpool::GreenMap<u64> {
        self.0.starmap(__tuples, false)
    }
    /**Runs [`store`](fn@store) over an iterable of `Result`s of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in the order of the arguments. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the window has places. Dropping it stops reading, removes the queued jobs, and tells the workers to stop the running ones.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap<
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::ReadFromAnyThread<
                ::core::result::Result<(Page, bool), E>,
            >
            + ::greenpool::__private::Implies<
                (Db<u8>,),
                Is: ::core::marker::Send + 'static,
            >,
    >(&self, __source: I0) -> ::greenpool::TryGreenMap<u64, E> {
        self.0.try_imap(__source, true)
    }
    /**Runs [`store`](fn@store) over an iterable of `Result`s of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in order of completion. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the window has places. Dropping it stops reading, removes the queued jobs, and tells the workers to stop the running ones.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap_unordered<
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::ReadFromAnyThread<
                ::core::result::Result<(Page, bool), E>,
            >
            + ::greenpool::__private::Implies<
                (Db<u8>,),
                Is: ::core::marker::Send + 'static,
            >,
    >(&self, __source: I0) -> ::greenpool::TryGreenMap<u64, E> {
        self.0.try_imap(__source, false)
    }
    /**Runs [`store`](fn@store) over a stream of tuples of arguments, which is `Send` and `'static`, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the window has places. Dropping it stops reading, removes the queued jobs, and tells the workers to stop the running ones.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap_stream<
        I0: ::greenpool::__private::StreamFromAnyThread<(Page, bool)>
            + ::greenpool::__private::Implies<
                (Db<u8>,),
                Is: ::core::marker::Send + 'static,
            >,
    >(&self, __source: I0) -> ::greenpool::GreenMap<u64> {
        self.0.imap_stream(__source, true)
    }
    /**Runs [`store`](fn@store) over a stream of tuples of arguments, which is `Send` and `'static`, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the window has places. Dropping it stops reading, removes the queued jobs, and tells the workers to stop the running ones.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap_stream_unordered<
        I0: ::greenpool::__private::StreamFromAnyThread<(Page, bool)>
            + ::greenpool::__private::Implies<
                (Db<u8>,),
                Is: ::core::marker::Send + 'static,
            >,
    >(&self, __source: I0) -> ::greenpool::GreenMap<u64> {
        self.0.imap_stream(__source, false)
    }
    /**Runs [`store`](fn@store) over a stream of `Result`s of tuples of arguments, which is `Send` and `'static`, and yields the results in the order of the arguments. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the window has places. Dropping it stops reading, removes the queued jobs, and tells the workers to stop the running ones.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap_stream<
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::TryStreamFromAnyThread<(Page, bool), E>
            + ::greenpool::__private::Implies<
                (Db<u8>,),
                Is: ::core::marker::Send + 'static,
            >,
    >(&self, __source: I0) -> ::greenpool::TryGreenMap<u64, E> {
        self.0.try_imap_stream(__source, true)
    }
    /**Runs [`store`](fn@store) over a stream of `Result`s of tuples of arguments, which is `Send` and `'static`, and yields the results in order of completion. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the window has places. Dropping it stops reading, removes the queued jobs, and tells the workers to stop the running ones.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap_stream_unordered<
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::TryStreamFromAnyThread<(Page, bool), E>
            + ::greenpool::__private::Implies<
                (Db<u8>,),
                Is: ::core::marker::Send + 'static,
            >,
    >(&self, __source: I0) -> ::greenpool::TryGreenMap<u64, E> {
        self.0.try_imap_stream(__source, false)
    }
}
