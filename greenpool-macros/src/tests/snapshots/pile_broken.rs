fn piled() {
    {
        let _ = fetch;
        let _ = <fetch>::__green_pool(b);
        ::core::compile_error! {
            "`pile!` takes calls, and this is only a name; write `fetch(..)`"
        }
        ::core::compile_error! {
            "`pile!` runs the calls itself; remove `.await`"
        }
    }
}
