fn piled() {
    match (<get_user>::__green_pool(id), <get_posts>::__green_pool(id)) {
        handles => {
            #[derive(::core::clone::Clone, ::core::fmt::Debug)]
            struct Values<T0, T1> {
                user: T0,
                posts: T1,
            }
            struct Names;
            impl<T0, T1> ::greenpool::__private::Record<(T0, T1)> for Names {
                type Out = Values<T0, T1>;
                fn gather(values: (T0, T1)) -> Values<T0, T1> {
                    let (value0, value1) = values;
                    Values {
                        user: value0,
                        posts: value1,
                    }
                }
            }
            ::greenpool::__private::pile_named::<_, Names>(handles)
        }
    }
}
