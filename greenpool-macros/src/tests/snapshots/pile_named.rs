fn piled() {
    match (<get_user>::__green_pool(id), <get_posts>::__green_pool(id)) {
        __handles => {
            #[derive(::core::clone::Clone, ::core::fmt::Debug)]
            struct Values<T0, T1> {
                user: T0,
                posts: T1,
            }
            struct Names;
            impl<T0, T1> ::greenpool::__private::Record<(T0, T1)> for Names {
                type Out = Values<T0, T1>;
                fn gather(__values: (T0, T1)) -> Values<T0, T1> {
                    let (__value0, __value1) = __values;
                    Values {
                        user: __value0,
                        posts: __value1,
                    }
                }
            }
            ::greenpool::__private::pile_named::<_, Names>(__handles)
        }
    }
}
