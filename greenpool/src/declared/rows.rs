//! The arguments of jobs, from what a declared map reads: one iterable per parameter, or items that are arguments or
//! tuples of them.
//!
//! The traits are implemented here for each number of parameters, so that none of this is compiled once more for each
//! function.

use crate::declared::sources::ReadFromAnyThread;
use crate::map::source::Zipped;

/// The arguments of a function. As an item of a source they are the argument itself, or a tuple of several.
pub trait Row {
    /// The item.
    type Item;

    /// Makes the arguments of a job.
    fn of(item: Self::Item) -> Self;
}

/// One iterable for each of the arguments `A`.
pub trait Columns<A> {
    /// Reads one item of each.
    type Rows: Iterator<Item = A> + Send + 'static;

    /// Zips the iterables.
    fn into_rows(self) -> Self::Rows;
}

impl Row for () {
    type Item = ();

    #[inline]
    fn of((): ()) {}
}

impl<A> Row for (A,) {
    type Item = A;

    #[inline]
    fn of(item: A) -> Self {
        (item,)
    }
}

macro_rules! rows {
    ($($A:ident)+) => {
        impl<$($A),+> Row for ($($A,)+) {
            type Item = Self;

            #[inline]
            fn of(item: Self) -> Self {
                item
            }
        }
    };
}

macro_rules! columns {
    ($($A:ident $I:ident $i:ident)+) => {
        impl<$($A, $I: ReadFromAnyThread<$A>),+> Columns<($($A,)+)> for ($($I,)+) {
            type Rows = Zipped<($($I::Reader,)+)>;

            #[inline]
            fn into_rows(self) -> Self::Rows {
                let ($($i,)+) = self;
                Zipped::new(($($i.into_reader(),)+))
            }
        }
    };
}

macro_rules! up_to {
    ($($A:ident $I:ident $i:ident)+) => { up_to!(@ [] $($A $I $i)+); };
    (@ [$($before:tt)*]) => {};
    (@ [] $A:ident $I:ident $i:ident $($rest:ident)*) => {
        columns!($A $I $i);
        up_to!(@ [$A $I $i] $($rest)*);
    };
    (@ [$($B:ident $J:ident $j:ident)+] $A:ident $I:ident $i:ident $($rest:ident)*) => {
        rows!($($B)+ $A);
        columns!($($B $J $j)+ $A $I $i);
        up_to!(@ [$($B $J $j)+ $A $I $i] $($rest)*);
    };
}

up_to!(A I a B J b C K c D L d E M e F N f G O g H P h Q R i S T j U V k W X l);
