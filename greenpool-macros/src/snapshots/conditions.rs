#[cfg(unix)]
#[cfg_attr(all(), allow(dead_code), instrument)]
#[deprecated]
#[inline]
async fn old() {}
#[cfg(unix)]
#[cfg_attr(all(), allow(dead_code))]
#[deprecated]
///The pool of `old`, and the calls that run in it.
#[allow(non_camel_case_types)]
struct old {}
#[cfg(unix)]
#[cfg_attr(all(), allow(dead_code))]
#[allow(deprecated, non_snake_case, clippy::all, clippy::pedantic)]
impl old {
    ///The pool that `old` runs in.
    #[must_use]
    pub fn pool() -> &'static ::greenpool::GreenPool {
        static __POOL: ::greenpool::__private::PoolCell = ::greenpool::__private::PoolCell::new(
            "old",
            || -> ::core::primitive::usize { 1000 },
        );
        ::greenpool::__private::PoolCell::get(&__POOL)
    }
    ///Waits for a free slot, starts `old` in it, and gives its green thread.
    pub fn spawn() -> ::greenpool::SpawnCall<old, (), ()> {
        ::greenpool::__private::spawn::<old, (), ()>(())
    }
    ///Waits for a free slot and starts `old` in it; no result is wanted.
    pub fn spawn_n() -> ::greenpool::SpawnCallN<old, (), ()> {
        ::greenpool::__private::spawn_n::<old, (), ()>(())
    }
    ///Starts `old` if a slot is free at once; else gives the arguments back.
    #[track_caller]
    pub fn try_spawn() -> ::core::result::Result<
        ::greenpool::GreenThread<()>,
        ::greenpool::TrySpawnError<()>,
    > {
        ::greenpool::__private::try_spawn::<old, (), ()>(())
    }
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    pub fn __green_pool() -> ::greenpool::GreenThread<()> {
        ::greenpool::__private::submit::<old, (), ()>(())
    }
    ///Runs `old` over tuples of arguments; the results come in the order of the arguments.
    #[track_caller]
    pub fn starmap(
        tuples: impl ::core::iter::IntoIterator<
            Item = (),
        > + ::greenpool::__private::ReadFromAnyThread,
    ) -> ::greenpool::GreenMap<()> {
        ::greenpool::__private::imap::<
            old,
            (),
            (),
            _,
        >(::core::iter::IntoIterator::into_iter(tuples))
    }
    ///Runs `old` over tuples of arguments; the results come as they are ready.
    #[track_caller]
    pub fn starmap_unordered(
        tuples: impl ::core::iter::IntoIterator<
            Item = (),
        > + ::greenpool::__private::ReadFromAnyThread,
    ) -> ::greenpool::GreenMap<()> {
        ::greenpool::__private::imap_unordered::<
            old,
            (),
            (),
            _,
        >(::core::iter::IntoIterator::into_iter(tuples))
    }
}
#[cfg(unix)]
#[cfg_attr(all(), allow(dead_code))]
#[allow(deprecated, clippy::all, clippy::pedantic)]
impl ::greenpool::PooledFn<(), ()> for old {
    fn name() -> &'static ::core::primitive::str {
        "old"
    }
    fn pool() -> &'static ::greenpool::GreenPool {
        <old>::pool()
    }
    fn call(
        args: (),
    ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send + 'static {
        old()
    }
}
