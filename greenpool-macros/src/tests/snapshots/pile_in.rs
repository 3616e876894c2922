fn piled() {
    match ::greenpool::__private::given(&POOL) {
        pool => {
            ::greenpool::__private::pile((
                ::greenpool::__private::submit_in(pool, fetch(url)),
                ::greenpool::__private::submit_in(pool, async { 1 }),
            ))
        }
    }
}
