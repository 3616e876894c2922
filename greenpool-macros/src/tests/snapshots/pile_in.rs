fn piled() {
    match ::greenpool::__private::given(&POOL) {
        __pool => {
            ::greenpool::__private::pile((
                ::greenpool::__private::submit_in(__pool, fetch(url)),
                ::greenpool::__private::submit_in(__pool, async { 1 }),
            ))
        }
    }
}
