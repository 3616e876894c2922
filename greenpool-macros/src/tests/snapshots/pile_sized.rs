fn piled() {
    match &::greenpool::GreenPool::new(4) {
        pool => {
            ::greenpool::__private::pile((
                ::greenpool::__private::submit_in(pool, fetch(url)),
            ))
        }
    }
}
