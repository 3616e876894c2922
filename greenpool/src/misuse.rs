//! What the compiler says of likely mistakes with results and handles.
//!
//! Every impl here has a bound that nothing satisfies, and rustc reports the bound in the words of its trait.

use std::convert::Infallible;

use crate::declared::SpawnCall;
use crate::declared::spawn_on::SpawnOn;
use crate::job::error::JoinError;
use crate::job::handle::GreenThread;
use crate::job::value::Value;
use crate::job::values::{JobResults, NextValue, Values};
use crate::map::indexed::{Indexed, NextIndexed};
use crate::map::try_map::{TryGreenMap, TryMapError, TryNext};
use crate::map::values::TryCollect;
use crate::map::{GreenMap, Next};
use crate::pile::fixed::{Handles, Join, PileOf, TryJoin};
use crate::pile::values::{ResultHandles, TryValues};
use crate::pile::{GreenPile, PileNext};
use crate::pool::keyed::SpawnKeyed;
use crate::pool::spawn::Spawn;
#[cfg(feature = "remote")]
use crate::remote::{Call, FarSpawn, function::RemoteFn};

/// What a `for` over results would need.
#[diagnostic::on_unimplemented(
    message = "`{Results}` is not an iterator; write `while let Some(result) = results.next().await`",
    label = "`for` cannot wait for results"
)]
pub trait Awaits<Results> {}

/// Whatever iterates over results.
pub struct ForLoop;

/// Types that are streams and no iterators, each with a future that takes something from it.
///
/// A `for` reports the bound of the last impl, because each impl is the only one for its type, so rustc selects them
/// one after the other before it looks at their bounds. A call such as `map.collect()` reports only the first bound,
/// and so the type of that is public. It also shows the line that declares the type, and the comment there.
macro_rules! not_an_iterator {
    ($([$($generics:tt)*] $type:ty, $next:ty: $item:ty;)*) => {$(
        #[doc(hidden)]
        impl<$($generics)*> Iterator for $type
        where
            $next: Iterator,
        {
            type Item = $item;

            fn next(&mut self) -> Option<$item> {
                None
            }
        }

        #[doc(hidden)]
        impl<$($generics)*> Iterator for $next
        where
            ForLoop: Awaits<$type>,
        {
            type Item = Infallible;

            fn next(&mut self) -> Option<Infallible> {
                None
            }
        }
    )*};
}

not_an_iterator! {
    [T: 'static] GreenMap<T>, Next<'static, T>: T;
    [T: 'static] Indexed<T>, NextIndexed<'static, T>: (usize, Result<T, JoinError>);
    [T: 'static, E: 'static] TryGreenMap<T, E>, TryNext<'static, T, E>: Result<T, TryMapError<E>>;
    [S: JobResults + 'static] Values<S>, NextValue<'static, S, S::Output>: S::Output;
    [T: 'static] GreenPile<T>, PileNext<'static, T>: T;
    [R: Handles, N] PileOf<R, N>, Join<R, N>: Infallible;
}

/// What a handle would need to be a result.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is the handle of a job, not its result; write `.await` before this method",
    label = "the handle resolves to a `Result`, which has it"
)]
pub trait AwaitedHandle {}

/// What a future would need to be its output.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is a future; write `.await` before this method",
    label = "`.await` is missing before this"
)]
pub trait AwaitedFuture {}

/// Types that do not have the methods of `Result` and `Option`, while what they resolve to has.
///
/// Types with a lifetime are missing, because rustc would not report their bound in the words of its trait.
macro_rules! not_awaited {
    ($bound:ident: $([$($generics:tt)*] $type:ty;)*) => {$(
        not_awaited! { [$($generics)*] $type: $bound;
            expect, is_err, is_ok, map_err, ok, unwrap, unwrap_or, unwrap_or_default, unwrap_or_else
        }
    )*};
    ([$($generics:tt)*] $type:ty: $bound:ident; $($method:ident),*) => {
        #[doc(hidden)]
        impl<$($generics)*> $type
        where
            Self: $bound,
        {
            $(pub fn $method(self) {})*
        }
    };
}

not_awaited! { AwaitedHandle:
    [T] GreenThread<T>;
}

not_awaited! { AwaitedFuture:
    [F: Future] Spawn<F>;
    [F: Future] SpawnKeyed<F>;
    [P, A, O] SpawnCall<P, A, O>;
    [P, A, O] SpawnOn<P, A, O>;
    [T] Value<T>;
    [T, C] TryCollect<T, C>;
    [R: Handles, N] TryJoin<R, N>;
    [R: ResultHandles, N, E] TryValues<R, N, E>;
}

#[cfg(feature = "remote")]
not_awaited! { AwaitedFuture:
    [P: RemoteFn] Call<P>;
    [P: RemoteFn] FarSpawn<P>;
}
