fn piled() {
    ::greenpool::__private::pile((
        <fetch>::__green_pool(url),
        <show>::__green_pool::<u8>(all, to),
    ))
}
