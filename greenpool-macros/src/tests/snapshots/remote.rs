impl ::greenpool::__private::remote::RemoteFn for fetch {
    type Args = (String, u32);
    type Output = Result<Page, FetchError>;
    type State = ();
    type Codecs = (
        ::greenpool::__private::remote::Codec<String>,
        ::greenpool::__private::remote::Codec<u32>,
    );
    const NAME: &'static ::core::primitive::str = "fetch-page";
    const SIGNATURE: &'static ::core::primitive::str = "27d38225d2ce1def";
    const PATH: &'static ::core::primitive::str = ::core::concat!(
        ::core::module_path!(), "::", "fetch"
    );
    fn size() -> ::core::primitive::usize {
        100
    }
    fn call(
        (): (),
        __args: (String, u32),
    ) -> impl ::core::future::Future<
        Output = Result<Page, FetchError>,
    > + ::core::marker::Send + 'static {
        fetch(__args.0, __args.1)
    }
    fn states((): ()) -> ::greenpool::__private::remote::States<()> {
        ::greenpool::__private::remote::stateless()
    }
    fn arguments() -> Self::Codecs {
        (
            ::greenpool::__private::remote::codec::<String>(),
            ::greenpool::__private::remote::codec::<u32>(),
        )
    }
    fn output() -> ::greenpool::__private::remote::Codec<Result<Page, FetchError>> {
        ::greenpool::__private::remote::codec::<Result<Page, FetchError>>()
    }
}
impl fetch {
    const __UNUSED_FAR: () = ();
    ///Returns what a worker needs to serve [`fetch`](fn@fetch).
    pub fn handler() -> ::greenpool::remote::Handler {
        ::greenpool::__private::remote::handler::<fetch>(())
    }
}
///The verbs of [`fetch`](fn@fetch) on an engine.
#[doc(hidden)]
pub struct __fetch_far(::greenpool::__private::remote::FarPool<fetch>);
impl ::greenpool::__private::remote::Remote for fetch {
    type Verbs = __fetch_far;
    type Far = ::greenpool::remote::Far<fetch>;
    fn verbs(__pool: ::greenpool::__private::remote::FarPool<fetch>) -> __fetch_far {
        __fetch_far(__pool)
    }
    fn far(
        __pool: ::greenpool::__private::remote::FarPool<fetch>,
    ) -> ::greenpool::remote::Far<fetch> {
        ::greenpool::remote::Far::of(__pool)
    }
}
impl __fetch_far {
    const __UNUSED: () = ();
    ///Waits for a place in the window, submits a job, and returns its handle. Nothing happens until the future is awaited.
    #[track_caller]
    pub fn spawn(
        &self,
        url: String,
        depth: u32,
    ) -> ::greenpool::remote::FarSpawn<fetch> {
        self.0.spawn((url, depth))
    }
    /**Submits a job if there is a place in the window; otherwise returns the arguments.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_spawn(
        &self,
        url: String,
        depth: u32,
    ) -> ::core::result::Result<
        ::greenpool::GreenThread<Result<Page, FetchError>>,
        ::greenpool::TrySpawnError<(String, u32)>,
    > {
        self.0.try_spawn((url, depth))
    }
    ///Stores a job for which nobody waits. The future is ready when it is stored.
    #[track_caller]
    pub fn spawn_n(&self, url: String, depth: u32) -> ::greenpool::remote::SpawnFar {
        self.0.spawn_n(&(url, depth))
    }
    ///Returns the call as a future, outside the window. Dropping the future cancels the job.
    #[track_caller]
    pub fn call(&self, url: String, depth: u32) -> ::greenpool::remote::Call<fetch> {
        self.0.call((url, depth))
    }
    #[doc(hidden)]
    #[track_caller]
    pub fn __submit(
        &self,
        url: String,
        depth: u32,
    ) -> ::greenpool::GreenThread<Result<Page, FetchError>> {
        self.0.submit((url, depth))
    }
    /**Runs [`fetch`](fn@fetch) over iterables, one per parameter, whose iterators are `Send` and `'static`, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the window has places. Dropping it stops reading, removes the queued jobs, and tells the workers to stop the running ones.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap<
        I0: ::greenpool::__private::ReadFromAnyThread<String>,
        I1: ::greenpool::__private::ReadFromAnyThread<u32>,
    >(&self, url: I0, depth: I1) -> ::greenpool::GreenMap<Result<Page, FetchError>> {
        self.0.imap((url, depth), true)
    }
    /**Runs [`fetch`](fn@fetch) over iterables, one per parameter, whose iterators are `Send` and `'static`, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the window has places. Dropping it stops reading, removes the queued jobs, and tells the workers to stop the running ones.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap_unordered<
        I0: ::greenpool::__private::ReadFromAnyThread<String>,
        I1: ::greenpool::__private::ReadFromAnyThread<u32>,
    >(&self, url: I0, depth: I1) -> ::greenpool::GreenMap<Result<Page, FetchError>> {
        self.0.imap((url, depth), false)
    }
    /**Runs [`fetch`](fn@fetch) over an iterable of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the window has places. Dropping it stops reading, removes the queued jobs, and tells the workers to stop the running ones.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn starmap<I0: ::greenpool::__private::ReadFromAnyThread<(String, u32)>>(
        &self,
        __tuples: I0,
    ) -> ::greenpool::GreenMap<Result<Page, FetchError>> {
        self.0.starmap(__tuples, true)
    }
    /**Runs [`fetch`](fn@fetch) over an iterable of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the window has places. Dropping it stops reading, removes the queued jobs, and tells the workers to stop the running ones.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn starmap_unordered<
        I0: ::greenpool::__private::ReadFromAnyThread<(String, u32)>,
    >(&self, __tuples: I0) -> ::greenpool::GreenMap<Result<Page, FetchError>> {
        self.0.starmap(__tuples, false)
    }
    /**Runs [`fetch`](fn@fetch) over an iterable of `Result`s of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in the order of the arguments. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the window has places. Dropping it stops reading, removes the queued jobs, and tells the workers to stop the running ones.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap<
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::ReadFromAnyThread<
                ::core::result::Result<(String, u32), E>,
            >,
    >(&self, __source: I0) -> ::greenpool::TryGreenMap<Result<Page, FetchError>, E> {
        self.0.try_imap(__source, true)
    }
    /**Runs [`fetch`](fn@fetch) over an iterable of `Result`s of tuples of arguments, whose iterator is `Send` and `'static`, and yields the results in order of completion. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the window has places. Dropping it stops reading, removes the queued jobs, and tells the workers to stop the running ones.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap_unordered<
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::ReadFromAnyThread<
                ::core::result::Result<(String, u32), E>,
            >,
    >(&self, __source: I0) -> ::greenpool::TryGreenMap<Result<Page, FetchError>, E> {
        self.0.try_imap(__source, false)
    }
    /**Runs [`fetch`](fn@fetch) over a stream of tuples of arguments, which is `Send` and `'static`, and yields the results in the order of the arguments.

The map starts at once, and has at most as many items in flight as the window has places. Dropping it stops reading, removes the queued jobs, and tells the workers to stop the running ones.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap_stream<I0: ::greenpool::__private::StreamFromAnyThread<(String, u32)>>(
        &self,
        __source: I0,
    ) -> ::greenpool::GreenMap<Result<Page, FetchError>> {
        self.0.imap_stream(__source, true)
    }
    /**Runs [`fetch`](fn@fetch) over a stream of tuples of arguments, which is `Send` and `'static`, and yields the results in order of completion.

The map starts at once, and has at most as many items in flight as the window has places. Dropping it stops reading, removes the queued jobs, and tells the workers to stop the running ones.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn imap_stream_unordered<
        I0: ::greenpool::__private::StreamFromAnyThread<(String, u32)>,
    >(&self, __source: I0) -> ::greenpool::GreenMap<Result<Page, FetchError>> {
        self.0.imap_stream(__source, false)
    }
    /**Runs [`fetch`](fn@fetch) over a stream of `Result`s of tuples of arguments, which is `Send` and `'static`, and yields the results in the order of the arguments. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the window has places. Dropping it stops reading, removes the queued jobs, and tells the workers to stop the running ones.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap_stream<
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::TryStreamFromAnyThread<(String, u32), E>,
    >(&self, __source: I0) -> ::greenpool::TryGreenMap<Result<Page, FetchError>, E> {
        self.0.try_imap_stream(__source, true)
    }
    /**Runs [`fetch`](fn@fetch) over a stream of `Result`s of tuples of arguments, which is `Send` and `'static`, and yields the results in order of completion. The source's first `Err` ends the map: it comes after the results of all items before it.

The map starts at once, and has at most as many items in flight as the window has places. Dropping it stops reading, removes the queued jobs, and tells the workers to stop the running ones.

# Panics

Panics outside of a tokio runtime.*/
    #[track_caller]
    pub fn try_imap_stream_unordered<
        E: ::core::marker::Send + 'static,
        I0: ::greenpool::__private::TryStreamFromAnyThread<(String, u32), E>,
    >(&self, __source: I0) -> ::greenpool::TryGreenMap<Result<Page, FetchError>, E> {
        self.0.try_imap_stream(__source, false)
    }
}
