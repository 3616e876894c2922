//! The verbs of a function on a pool, for each number of parameters. They are compiled once, not for each function.

use std::marker::PhantomData;

use crate::declared::PooledFn;
use crate::declared::arguments::{Argument, Maker, Makers};
use crate::declared::maps;
use crate::declared::on::OnPool;
use crate::declared::queue::queue_in;
use crate::declared::rows::Row;
use crate::declared::shared::{Shared, SharedFn, Unshared, Values};
use crate::declared::signature::Signature;
use crate::declared::sources::{ReadFromAnyThread, StreamFromAnyThread, TryStreamFromAnyThread};
use crate::declared::spawn_on::{SpawnOn, SpawnOnN, submit_on, try_spawn_on};
use crate::job::error::TrySpawnError;
use crate::job::handle::GreenThread;
use crate::map::GreenMap;
use crate::map::source::Zipped;
use crate::map::try_map::TryGreenMap;

/// The shape of a function with shared parameters: which these are, `S` their types, and `R` those of the others.
pub struct Shape<M, S, R>(PhantomData<fn() -> (M, S, R)>);

macro_rules! one_job {
    (
        {$spawn:ident $spawn_n:ident $try_spawn:ident $queue:ident $submit:ident $imap:ident $imap_unordered:ident}
        $(#[$attr:meta])* $($A:ident $a:ident)*
    ) => {
        $(#[$attr])*
        impl<P, $($A,)* O, K> OnPool<P, fn($($A),*) -> O, K>
        where
            P: PooledFn<($($A,)*), O>,
        {
            /// Waits for a free slot, starts the function in it, and returns its green thread.
            ///
            /// Nothing is spawned until the future is awaited. If it is dropped before it gets a slot, it leaves the
            /// queue and starts nothing.
            #[allow(clippy::too_many_arguments, reason = "the function has as many")]
            pub fn $spawn(&self, $($a: $A),*) -> SpawnOn<P, ($($A,)*), O> {
                SpawnOn::new(&self.pool, ($($a,)*))
            }

            /// Waits for a free slot and starts the function in it, without a handle to its result.
            ///
            /// Nothing is spawned until the future is awaited. If it is dropped before it gets a slot, it leaves the
            /// queue and starts nothing.
            #[allow(clippy::too_many_arguments, reason = "the function has as many")]
            pub fn $spawn_n(&self, $($a: $A),*) -> SpawnOnN<P, ($($A,)*), O> {
                SpawnOnN::new(&self.pool, ($($a,)*))
            }

            /// Starts the function if a slot is free. It does not wait.
            ///
            /// # Errors
            /// If the pool is full or closed. The error gives the arguments back.
            ///
            /// # Panics
            /// If called outside a tokio runtime.
            #[allow(clippy::too_many_arguments, reason = "the function has as many")]
            #[track_caller]
            pub fn $try_spawn(&self, $($a: $A),*) -> Result<GreenThread<O>, TrySpawnError<($($A,)*)>> {
                try_spawn_on::<P, ($($A,)*), O>(&self.pool, ($($a,)*))
            }

            /// Queues the function and returns at once: its job begins when its turn comes. Until then only the
            /// arguments are kept; see [`GreenPool::queue`](crate::GreenPool::queue).
            ///
            /// # Panics
            /// If called outside a tokio runtime.
            #[allow(clippy::too_many_arguments, reason = "the function has as many")]
            #[track_caller]
            pub fn $queue(&self, $($a: $A),*)
            where
                $($A: Send + 'static,)*
            {
                queue_in::<P, ($($A,)*), O>(self.pool.inner(), ($($a,)*));
            }

            /// Submits an entry of `pile![on POOL; ..]`: it starts at once, or is queued.
            #[doc(hidden)]
            #[allow(clippy::too_many_arguments, reason = "the function has as many")]
            #[track_caller]
            pub fn $submit(&self, $($a: $A),*) -> GreenThread<O> {
                submit_on::<P, ($($A,)*), O>(&self.pool, ($($a,)*))
            }
        }
    };
}

macro_rules! zipped {
    (
        {$spawn:ident $spawn_n:ident $try_spawn:ident $queue:ident $submit:ident $imap:ident $imap_unordered:ident}
        $(#[$attr:meta])* $($A:ident $I:ident $a:ident $M:ident $m:ident)+
    ) => {
        $(#[$attr])*
        impl<P, $($A,)+ O> OnPool<P, fn($($A),+) -> O>
        where
            P: PooledFn<($($A,)+), O>,
        {
            /// Runs the function over iterables, one per parameter, and yields the results in the order of the
            /// arguments.
            ///
            /// # Panics
            /// If called outside a tokio runtime.
            #[allow(clippy::too_many_arguments, reason = "the function has as many")]
            #[track_caller]
            pub fn $imap<$($I: ReadFromAnyThread<$A>),+>(&self, $($a: $I),+) -> GreenMap<O> {
                maps::imap::<P, ($($A,)+), O, _, _>(&self.pool, Unshared, ($($a,)+), true)
            }

            /// Like [`imap`](Self::imap), but yields the results in order of completion.
            ///
            /// # Panics
            /// If called outside a tokio runtime.
            #[allow(clippy::too_many_arguments, reason = "the function has as many")]
            #[track_caller]
            pub fn $imap_unordered<$($I: ReadFromAnyThread<$A>),+>(&self, $($a: $I),+) -> GreenMap<O> {
                maps::imap::<P, ($($A,)+), O, _, _>(&self.pool, Unshared, ($($a,)+), false)
            }
        }
    };
}

macro_rules! zipped_with_shared {
    (
        {$spawn:ident $spawn_n:ident $try_spawn:ident $queue:ident $submit:ident $imap:ident $imap_unordered:ident}
        $(#[$attr:meta])* $($A:ident $I:ident $a:ident $M:ident $m:ident)+
    ) => {
        $(#[$attr])*
        impl<P, $($A, $M,)+ O, S, R> OnPool<P, fn($($A),+) -> O, Shape<($($M,)+), S, R>>
        where
            P: PooledFn<($($A,)+), O>,
        {
            /// Runs the function over one value for each `#[shared]` parameter and one iterable for each other, and
            /// yields the results in the order of the arguments.
            ///
            /// # Panics
            /// If called outside a tokio runtime.
            #[allow(clippy::too_many_arguments, reason = "the function has as many")]
            #[track_caller]
            pub fn $imap<$($I: Argument<$M, $A>),+>(&self, $($a: $I),+) -> GreenMap<O> {
                let ($($a,)+) = ($($a.split(),)+);
                let makers = Makers::<_, ($($I::Read,)+)>::new(($($a.1,)+));
                maps::starmap::<P, ($($A,)+), O, _, _>(&self.pool, makers, Zipped::new(($($a.0,)+)), true)
            }

            /// Like [`imap`](Self::imap), but yields the results in order of completion.
            ///
            /// # Panics
            /// If called outside a tokio runtime.
            #[allow(clippy::too_many_arguments, reason = "the function has as many")]
            #[track_caller]
            pub fn $imap_unordered<$($I: Argument<$M, $A>),+>(&self, $($a: $I),+) -> GreenMap<O> {
                let ($($a,)+) = ($($a.split(),)+);
                let makers = Makers::<_, ($($I::Read,)+)>::new(($($a.1,)+));
                maps::starmap::<P, ($($A,)+), O, _, _>(&self.pool, makers, Zipped::new(($($a.0,)+)), false)
            }
        }

        // `$I` is what was read, and `$M` what makes an argument from it.
        impl<P, $($A, $I, $M),+> Values<P, ($($A,)+)> for Makers<($($M,)+), ($($I,)+)>
        where
            $($I: 'static, $M: Maker<$I, $A> + Send + 'static,)+
        {
            type Rest = ($($I,)+);

            fn args(&self, rest: ($($I,)+)) -> ($($A,)+) {
                let ($($a,)+) = rest;
                let ($($m,)+) = &self.makers;
                ($($m.make($a),)+)
            }
        }
    };
}

/// The maps whose source is one, with `$K` for the shape of the function and `$R` for what the tuples have. `$values`
/// are the values of the shared parameters.
macro_rules! one_source {
    (
        $(#[$attr:meta])* [$($param:ident)*] $R:ty, $K:ty; [$($bound:tt)*] ($($s:ident: $S:ident),*) $values:expr
    ) => {
        $(#[$attr])*
        impl<P, F, $($param),*> OnPool<P, F, $K>
        where
            F: Signature,
            P: PooledFn<F::Args, F::Output>,
            $($bound)*
        {
            /// Runs the function over an iterable of tuples of arguments, and yields the results in the order of the
            /// arguments. A value for each `#[shared]` parameter comes first.
            ///
            /// # Panics
            /// If called outside a tokio runtime.
            #[allow(clippy::too_many_arguments, reason = "the function has as many")]
            #[track_caller]
            pub fn starmap<I: ReadFromAnyThread<$R>>(&self, $($s: $S,)* tuples: I) -> GreenMap<F::Output> {
                maps::starmap::<P, F::Args, F::Output, _, _>(&self.pool, $values, tuples, true)
            }

            /// Like [`starmap`](Self::starmap), but yields the results in order of completion.
            ///
            /// # Panics
            /// If called outside a tokio runtime.
            #[allow(clippy::too_many_arguments, reason = "the function has as many")]
            #[track_caller]
            pub fn starmap_unordered<I: ReadFromAnyThread<$R>>(&self, $($s: $S,)* tuples: I) -> GreenMap<F::Output> {
                maps::starmap::<P, F::Args, F::Output, _, _>(&self.pool, $values, tuples, false)
            }

            /// Runs the function over a stream of the argument, or of tuples of several, and yields the results in the
            /// order of the arguments. A value for each `#[shared]` parameter comes first.
            ///
            /// # Panics
            /// If called outside a tokio runtime.
            #[allow(clippy::too_many_arguments, reason = "the function has as many")]
            #[track_caller]
            pub fn imap_stream<I>(&self, $($s: $S,)* source: I) -> GreenMap<F::Output>
            where
                $R: Row,
                I: StreamFromAnyThread<<$R as Row>::Item>,
            {
                maps::imap_stream::<P, F::Args, F::Output, _, _>(&self.pool, $values, source, true)
            }

            /// Like [`imap_stream`](Self::imap_stream), but yields the results in order of completion.
            ///
            /// # Panics
            /// If called outside a tokio runtime.
            #[allow(clippy::too_many_arguments, reason = "the function has as many")]
            #[track_caller]
            pub fn imap_stream_unordered<I>(&self, $($s: $S,)* source: I) -> GreenMap<F::Output>
            where
                $R: Row,
                I: StreamFromAnyThread<<$R as Row>::Item>,
            {
                maps::imap_stream::<P, F::Args, F::Output, _, _>(&self.pool, $values, source, false)
            }

            /// Runs the function over an iterable of `Result`s of what [`imap_stream`](Self::imap_stream) reads. The
            /// source's first `Err` ends the map: it comes after the results of all items before it.
            ///
            /// # Panics
            /// If called outside a tokio runtime.
            #[allow(clippy::too_many_arguments, reason = "the function has as many")]
            #[track_caller]
            pub fn try_imap<E, I>(&self, $($s: $S,)* source: I) -> TryGreenMap<F::Output, E>
            where
                $R: Row,
                E: Send + 'static,
                I: ReadFromAnyThread<Result<<$R as Row>::Item, E>>,
            {
                maps::try_imap::<P, F::Args, F::Output, E, _, _>(&self.pool, $values, source, true)
            }

            /// Like [`try_imap`](Self::try_imap), but yields the results in order of completion.
            ///
            /// # Panics
            /// If called outside a tokio runtime.
            #[allow(clippy::too_many_arguments, reason = "the function has as many")]
            #[track_caller]
            pub fn try_imap_unordered<E, I>(&self, $($s: $S,)* source: I) -> TryGreenMap<F::Output, E>
            where
                $R: Row,
                E: Send + 'static,
                I: ReadFromAnyThread<Result<<$R as Row>::Item, E>>,
            {
                maps::try_imap::<P, F::Args, F::Output, E, _, _>(&self.pool, $values, source, false)
            }

            /// Runs the function over a stream of `Result`s of what [`imap_stream`](Self::imap_stream) reads. The
            /// source's first `Err` ends the map: it comes after the results of all items before it.
            ///
            /// # Panics
            /// If called outside a tokio runtime.
            #[allow(clippy::too_many_arguments, reason = "the function has as many")]
            #[track_caller]
            pub fn try_imap_stream<E, I>(&self, $($s: $S,)* source: I) -> TryGreenMap<F::Output, E>
            where
                $R: Row,
                E: Send + 'static,
                I: TryStreamFromAnyThread<<$R as Row>::Item, E>,
            {
                maps::try_imap_stream::<P, F::Args, F::Output, E, _, _>(&self.pool, $values, source, true)
            }

            /// Like [`try_imap_stream`](Self::try_imap_stream), but yields the results in order of completion.
            ///
            /// # Panics
            /// If called outside a tokio runtime.
            #[allow(clippy::too_many_arguments, reason = "the function has as many")]
            #[track_caller]
            pub fn try_imap_stream_unordered<E, I>(&self, $($s: $S,)* source: I) -> TryGreenMap<F::Output, E>
            where
                $R: Row,
                E: Send + 'static,
                I: TryStreamFromAnyThread<<$R as Row>::Item, E>,
            {
                maps::try_imap_stream::<P, F::Args, F::Output, E, _, _>(&self.pool, $values, source, false)
            }
        }
    };
}

one_source!([] F::Args, (); [] () Unshared);

macro_rules! one_source_with_shared {
    ($(#[$attr:meta])* $($A:ident $I:ident $a:ident $M:ident $m:ident)+) => {
        one_source!(
            $(#[$attr])*
            [M $($A)+ R]
            R, Shape<M, ($($A,)+), R>;
            [P: SharedFn<F::Args, ($($A,)+), R>, $($A: Send + 'static,)+ R: 'static]
            ($($a: $A),+)
            Shared::<($($A,)+), R>::new(($($a,)+))
        );
    };
}

/// Calls the macros for one parameter and more. The names of the methods come from the call, where errors find them.
/// The documentation shows two parameters, of which one is shared.
macro_rules! up_to {
    ($names:tt [$($before:ident)*]) => {};
    ($names:tt [] $A:ident $I:ident $a:ident $M:ident $m:ident $($rest:ident)*) => {
        one_job!($names #[doc(hidden)] $A $a);
        zipped!($names #[doc(hidden)] $A $I $a $M $m);
        one_source_with_shared!($A $I $a $M $m);
        up_to!($names [$A $I $a $M $m] $($rest)*);
    };
    (
        $names:tt [$B:ident $J:ident $b:ident $N:ident $n:ident]
        $A:ident $I:ident $a:ident $M:ident $m:ident $($rest:ident)*
    ) => {
        one_job!($names $B $b $A $a);
        zipped!($names $B $J $b $N $n $A $I $a $M $m);
        zipped_with_shared!($names $B $J $b $N $n $A $I $a $M $m);
        one_source_with_shared!(#[doc(hidden)] $B $J $b $N $n $A $I $a $M $m);
        up_to!($names [$B $J $b $N $n $A $I $a $M $m] $($rest)*);
    };
    (
        $names:tt [$($B:ident $J:ident $b:ident $N:ident $n:ident)+]
        $A:ident $I:ident $a:ident $M:ident $m:ident $($rest:ident)*
    ) => {
        one_job!($names #[doc(hidden)] $($B $b)+ $A $a);
        zipped!($names #[doc(hidden)] $($B $J $b $N $n)+ $A $I $a $M $m);
        zipped_with_shared!($names #[doc(hidden)] $($B $J $b $N $n)+ $A $I $a $M $m);
        one_source_with_shared!(#[doc(hidden)] $($B $J $b $N $n)+ $A $I $a $M $m);
        up_to!($names [$($B $J $b $N $n)+ $A $I $a $M $m] $($rest)*);
    };
}

one_job!({spawn spawn_n try_spawn queue __submit imap imap_unordered} #[doc(hidden)]);
up_to!({spawn spawn_n try_spawn queue __submit imap imap_unordered} []
    A1 I1 a1 M1 m1 A2 I2 a2 M2 m2 A3 I3 a3 M3 m3 A4 I4 a4 M4 m4 A5 I5 a5 M5 m5 A6 I6 a6 M6 m6
    A7 I7 a7 M7 m7 A8 I8 a8 M8 m8 A9 I9 a9 M9 m9 A10 I10 a10 M10 m10 A11 I11 a11 M11 m11 A12 I12 a12 M12 m12
);
