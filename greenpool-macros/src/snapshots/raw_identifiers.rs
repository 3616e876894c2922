async fn r#match(r#type: u8) {}
///The pool of `r#match`, and the calls that run in it.
#[allow(non_camel_case_types)]
struct r#match {}
#[allow(deprecated, non_snake_case, clippy::all, clippy::pedantic)]
impl r#match {
    ///The pool that `r#match` runs in.
    #[must_use]
    pub fn pool() -> &'static ::greenpool::GreenPool {
        static __POOL: ::greenpool::__private::PoolCell = ::greenpool::__private::PoolCell::new(
            "matching",
            || -> ::core::primitive::usize { 1000 },
        );
        ::greenpool::__private::PoolCell::get(&__POOL)
    }
    ///Waits for a free slot, starts `match` in it, and gives its green thread.
    pub fn spawn(r#type: u8) -> ::greenpool::SpawnCall<r#match, (u8,), ()> {
        ::greenpool::__private::spawn::<r#match, (u8,), ()>((r#type,))
    }
    ///Waits for a free slot and starts `match` in it; no result is wanted.
    pub fn spawn_n(r#type: u8) -> ::greenpool::SpawnCallN<r#match, (u8,), ()> {
        ::greenpool::__private::spawn_n::<r#match, (u8,), ()>((r#type,))
    }
    ///Starts `match` if a slot is free at once; else gives the arguments back.
    #[track_caller]
    pub fn try_spawn(
        r#type: u8,
    ) -> ::core::result::Result<
        ::greenpool::GreenThread<()>,
        ::greenpool::TrySpawnError<(u8,)>,
    > {
        ::greenpool::__private::try_spawn::<r#match, (u8,), ()>((r#type,))
    }
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    pub fn __green_pool(r#type: u8) -> ::greenpool::GreenThread<()> {
        ::greenpool::__private::submit::<r#match, (u8,), ()>((r#type,))
    }
    ///Runs `match` over iterables, one for each parameter; the results come in the order of the arguments.
    #[track_caller]
    pub fn imap(
        r#type: impl ::core::iter::IntoIterator<
            Item = u8,
        > + ::greenpool::__private::ReadFromAnyThread,
    ) -> ::greenpool::GreenMap<()> {
        ::greenpool::__private::imap::<
            r#match,
            (u8,),
            (),
            _,
        >(
            ::core::iter::Iterator::map(
                ::core::iter::IntoIterator::into_iter(r#type),
                |r#type| (r#type,),
            ),
        )
    }
    ///Runs `match` over iterables, one for each parameter; the results come as they are ready.
    #[track_caller]
    pub fn imap_unordered(
        r#type: impl ::core::iter::IntoIterator<
            Item = u8,
        > + ::greenpool::__private::ReadFromAnyThread,
    ) -> ::greenpool::GreenMap<()> {
        ::greenpool::__private::imap_unordered::<
            r#match,
            (u8,),
            (),
            _,
        >(
            ::core::iter::Iterator::map(
                ::core::iter::IntoIterator::into_iter(r#type),
                |r#type| (r#type,),
            ),
        )
    }
    ///Runs `match` over tuples of arguments; the results come in the order of the arguments.
    #[track_caller]
    pub fn starmap(
        tuples: impl ::core::iter::IntoIterator<
            Item = (u8,),
        > + ::greenpool::__private::ReadFromAnyThread,
    ) -> ::greenpool::GreenMap<()> {
        ::greenpool::__private::imap::<
            r#match,
            (u8,),
            (),
            _,
        >(::core::iter::IntoIterator::into_iter(tuples))
    }
    ///Runs `match` over tuples of arguments; the results come as they are ready.
    #[track_caller]
    pub fn starmap_unordered(
        tuples: impl ::core::iter::IntoIterator<
            Item = (u8,),
        > + ::greenpool::__private::ReadFromAnyThread,
    ) -> ::greenpool::GreenMap<()> {
        ::greenpool::__private::imap_unordered::<
            r#match,
            (u8,),
            (),
            _,
        >(::core::iter::IntoIterator::into_iter(tuples))
    }
}
#[allow(deprecated, clippy::all, clippy::pedantic)]
impl ::greenpool::PooledFn<(u8,), ()> for r#match {
    fn name() -> &'static ::core::primitive::str {
        "matching"
    }
    fn pool() -> &'static ::greenpool::GreenPool {
        <r#match>::pool()
    }
    fn call(
        args: (u8,),
    ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send + 'static {
        r#match(args.0)
    }
}
