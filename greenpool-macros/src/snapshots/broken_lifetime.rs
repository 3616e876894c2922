async fn fetch<'a, T: Trait<'a>>(url: &'a str, t: T) -> &'a str
where
    T: Other<'a>,
{
    url
}
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
    pub fn spawn<T: 'static>(
        url: impl ::core::marker::Sized,
        t: T,
    ) -> ::greenpool::SpawnCall<__fetch<T>, ((), T), &'static str> {
        let _ = (url, t);
        loop {}
    }
    ///Waits for a free slot and starts `fetch` in it; no result is wanted.
    pub fn spawn_n<T: 'static>(
        url: impl ::core::marker::Sized,
        t: T,
    ) -> ::greenpool::SpawnCallN<__fetch<T>, ((), T), &'static str> {
        let _ = (url, t);
        loop {}
    }
    ///Starts `fetch` if a slot is free at once; else gives the arguments back.
    #[track_caller]
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
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    pub fn __green_pool<T: 'static>(
        url: impl ::core::marker::Sized,
        t: T,
    ) -> ::greenpool::GreenThread<&'static str> {
        let _ = (url, t);
        loop {}
    }
    ///Runs `fetch` over iterables, one for each parameter; the results come in the order of the arguments.
    #[track_caller]
    pub fn imap<T: 'static>(
        url: impl ::core::iter::IntoIterator<
            Item = (),
        > + ::greenpool::__private::ReadFromAnyThread,
        t: impl ::core::iter::IntoIterator<
            Item = T,
        > + ::greenpool::__private::ReadFromAnyThread,
    ) -> ::greenpool::GreenMap<&'static str> {
        let _ = (url, t);
        loop {}
    }
    ///Runs `fetch` over iterables, one for each parameter; the results come as they are ready.
    #[track_caller]
    pub fn imap_unordered<T: 'static>(
        url: impl ::core::iter::IntoIterator<
            Item = (),
        > + ::greenpool::__private::ReadFromAnyThread,
        t: impl ::core::iter::IntoIterator<
            Item = T,
        > + ::greenpool::__private::ReadFromAnyThread,
    ) -> ::greenpool::GreenMap<&'static str> {
        let _ = (url, t);
        loop {}
    }
    ///Runs `fetch` over tuples of arguments; the results come in the order of the arguments.
    #[track_caller]
    pub fn starmap<T: 'static>(
        tuples: impl ::core::iter::IntoIterator<
            Item = ((), T),
        > + ::greenpool::__private::ReadFromAnyThread,
    ) -> ::greenpool::GreenMap<&'static str> {
        let _ = (tuples,);
        loop {}
    }
    ///Runs `fetch` over tuples of arguments; the results come as they are ready.
    #[track_caller]
    pub fn starmap_unordered<T: 'static>(
        tuples: impl ::core::iter::IntoIterator<
            Item = ((), T),
        > + ::greenpool::__private::ReadFromAnyThread,
    ) -> ::greenpool::GreenMap<&'static str> {
        let _ = (tuples,);
        loop {}
    }
}
#[doc(hidden)]
#[allow(non_camel_case_types)]
struct __fetch<T: ?::core::marker::Sized>(
    ::core::marker::PhantomData<fn() -> (*const T,)>,
);
#[allow(deprecated, clippy::all, clippy::pedantic)]
impl<T: 'static> ::greenpool::PooledFn<((), T), &'static str> for __fetch<T> {
    fn name() -> &'static ::core::primitive::str {
        "fetch"
    }
    fn pool() -> &'static ::greenpool::GreenPool {
        <fetch>::pool()
    }
    fn call(
        args: ((), T),
    ) -> impl ::core::future::Future<
        Output = &'static str,
    > + ::core::marker::Send + 'static {
        let _ = args;
        ::core::future::pending()
    }
}
::core::compile_error! {
    "a `#[green_pool]` function cannot have lifetime parameters: its arguments outlive the caller; take owned values"
}
