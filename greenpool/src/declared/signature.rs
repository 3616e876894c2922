//! The types of a function's parameters and of its output, from its type: `fn(A, B) -> O`.

/// The type of a function, such as `fn(String) -> Page`.
pub trait Signature {
    /// The tuple of its arguments.
    type Args;
    /// What it returns.
    type Output;
}

macro_rules! signatures {
    ([$($A:ident)*] $($rest:ident)*) => {
        impl<$($A,)* O> Signature for fn($($A),*) -> O {
            type Args = ($($A,)*);
            type Output = O;
        }

        signatures!(@ [$($A)*] $($rest)*);
    };
    (@ [$($A:ident)*] $next:ident $($rest:ident)*) => { signatures!([$($A)* $next] $($rest)*); };
    (@ [$($A:ident)*]) => {};
}

signatures!([] A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12);
