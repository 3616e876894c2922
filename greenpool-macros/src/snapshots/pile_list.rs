fn piled() {
    ::greenpool::__private::pile((
        <fetch>::__submit(url),
        <show>::__submit::<u8>(all, to),
    ))
}
