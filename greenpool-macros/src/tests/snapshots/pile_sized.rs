fn piled() {
    match &::greenpool::GreenPool::new(4) {
        __pool => {
            ::greenpool::__private::pile((
                ::greenpool::__private::submit_in(__pool, fetch(url)),
            ))
        }
    }
}
