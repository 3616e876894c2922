fn piled() {
    {
        let _ = async { 1 };
        let _ = fetch(b);
        ::core::compile_error! {
            "`in` needs a pool; write `pile![in POOL; ..]`"
        }
    }
}
