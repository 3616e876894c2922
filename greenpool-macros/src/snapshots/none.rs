async fn tick() {}
///The pool of `tick`, and the calls that run in it.
#[allow(non_camel_case_types)]
struct tick {}
#[allow(deprecated, non_snake_case, clippy::all, clippy::pedantic)]
impl tick {
    ///The pool that `tick` runs in.
    #[must_use]
    pub fn pool() -> &'static ::greenpool::GreenPool {
        const __SIZE: ::core::primitive::usize = 100;
        const _: () = ::core::assert!(
            __SIZE != 0, "a pool of size 0 would never run anything; write at least 1"
        );
        static __POOL: ::greenpool::__private::PoolCell = ::greenpool::__private::PoolCell::new(
            "tick",
            || __SIZE,
        );
        ::greenpool::__private::PoolCell::get(&__POOL)
    }
    ///Waits for a free slot, starts `tick` in it, and gives its green thread.
    pub fn spawn() -> ::greenpool::SpawnCall<tick, (), ()> {
        ::greenpool::__private::spawn::<tick, (), ()>(())
    }
    ///Waits for a free slot and starts `tick` in it; no result is wanted.
    pub fn spawn_n() -> ::greenpool::SpawnCallN<tick, (), ()> {
        ::greenpool::__private::spawn_n::<tick, (), ()>(())
    }
    ///Starts `tick` if a slot is free at once; else gives the arguments back.
    #[track_caller]
    pub fn try_spawn() -> ::core::result::Result<
        ::greenpool::GreenThread<()>,
        ::greenpool::TrySpawnError<()>,
    > {
        ::greenpool::__private::try_spawn::<tick, (), ()>(())
    }
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    pub fn __green_pool() -> ::greenpool::GreenThread<()> {
        ::greenpool::__private::submit::<tick, (), ()>(())
    }
    ///Runs `tick` over tuples of arguments; the results come in the order of the arguments.
    #[track_caller]
    pub fn starmap(
        tuples: impl ::core::iter::IntoIterator<
            Item = (),
        > + ::greenpool::__private::ReadFromAnyThread,
    ) -> ::greenpool::GreenMap<()> {
        ::greenpool::__private::imap::<
            tick,
            (),
            (),
            _,
        >(::core::iter::IntoIterator::into_iter(tuples))
    }
    ///Runs `tick` over tuples of arguments; the results come as they are ready.
    #[track_caller]
    pub fn starmap_unordered(
        tuples: impl ::core::iter::IntoIterator<
            Item = (),
        > + ::greenpool::__private::ReadFromAnyThread,
    ) -> ::greenpool::GreenMap<()> {
        ::greenpool::__private::imap_unordered::<
            tick,
            (),
            (),
            _,
        >(::core::iter::IntoIterator::into_iter(tuples))
    }
}
#[allow(deprecated, clippy::all, clippy::pedantic)]
impl ::greenpool::PooledFn<(), ()> for tick {
    fn name() -> &'static ::core::primitive::str {
        "tick"
    }
    fn pool() -> &'static ::greenpool::GreenPool {
        <tick>::pool()
    }
    fn call(
        args: (),
    ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send + 'static {
        tick()
    }
}
