async fn fetch() {}
///The pool of `fetch`, and the calls that run in it.
#[allow(non_camel_case_types)]
struct fetch {}
#[allow(deprecated, non_snake_case, clippy::all, clippy::pedantic)]
impl fetch {
    ///The pool that `fetch` runs in.
    #[must_use]
    pub fn pool() -> &'static ::greenpool::GreenPool {
        static __POOL: ::greenpool::__private::PoolCell = ::greenpool::__private::PoolCell::new(
            "fetch",
            || -> ::core::primitive::usize { 1000 },
        );
        ::greenpool::__private::PoolCell::get(&__POOL)
    }
    ///Waits for a free slot, starts `fetch` in it, and gives its green thread.
    pub fn spawn() -> ::greenpool::SpawnCall<fetch, (), ()> {
        ::greenpool::__private::spawn::<fetch, (), ()>(())
    }
    ///Waits for a free slot and starts `fetch` in it; no result is wanted.
    pub fn spawn_n() -> ::greenpool::SpawnCallN<fetch, (), ()> {
        ::greenpool::__private::spawn_n::<fetch, (), ()>(())
    }
    ///Starts `fetch` if a slot is free at once; else gives the arguments back.
    #[track_caller]
    pub fn try_spawn() -> ::core::result::Result<
        ::greenpool::GreenThread<()>,
        ::greenpool::TrySpawnError<()>,
    > {
        ::greenpool::__private::try_spawn::<fetch, (), ()>(())
    }
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    pub fn __green_pool() -> ::greenpool::GreenThread<()> {
        ::greenpool::__private::submit::<fetch, (), ()>(())
    }
    ///Runs `fetch` over tuples of arguments; the results come in the order of the arguments.
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
    ///Runs `fetch` over tuples of arguments; the results come as they are ready.
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
}
::core::compile_error! {
    "`#[green_pool]` is on this function twice"
}
