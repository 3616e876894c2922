fn piled() {
    match ::greenpool::__private::engine(&POOL) {
        __pool => {
            ::greenpool::__private::pile((
                <fetch>::__green_pool_on().on(__pool).__submit(url),
                <a::show>::__green_pool_on::<u8>().on(__pool).__submit(all, to),
            ))
        }
    }
}
