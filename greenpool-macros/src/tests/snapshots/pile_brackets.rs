fn piled() {
    ::greenpool::__private::pile((
        <a::fetch>::__green_pool(url),
        <count>::__green_pool(),
    ))
}
