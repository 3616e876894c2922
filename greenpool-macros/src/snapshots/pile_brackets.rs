fn piled() {
    ::greenpool::__private::pile((<a::fetch>::__submit(url), <count>::__submit()))
}
