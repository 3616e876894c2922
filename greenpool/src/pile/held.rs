//! [`Held`]: the handle of one job, as a pile of a fixed number of jobs holds it.

use std::task::{Context, Poll};

use crate::job::error::JoinError;
use crate::job::handle::GreenThread;

/// The handle of one job of a [`PileOf`](super::fixed::PileOf), in a pool or on an engine.
pub trait Held {
    /// The output of the job.
    type Output;
    /// Which type of handle this is, whatever the output.
    type Kind: HandleKind;
    /// Waits until the result is there. It stays for [`take`](Self::take).
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()>;
    /// Takes the result, once [`poll_ready`](Self::poll_ready) has returned `Ready`.
    fn take(&mut self) -> Option<Result<Self::Output, JoinError>>;
    /// Takes the result if it is there. Does not wait.
    fn try_take(&mut self) -> Option<Result<Self::Output, JoinError>>;
    /// Takes the error, if that is the result, and leaves a cancellation in its place.
    fn take_error(&mut self) -> Option<JoinError>;
    fn abort(&self);
    /// Aborts the job if it is still queued.
    fn abort_queued(&self);
    /// The verb that waited for this has been dropped.
    fn stop_waiting(&mut self);
}

/// Which type of handle: a bound on a type parameter that does not mention the outputs, and so holds whatever their
/// lifetimes.
pub trait HandleKind {
    /// The handle of a job with this output.
    type Of<T>: Held<Output = T>;
}

/// The handles are [`GreenThread`]s.
pub struct GreenKind(());

impl HandleKind for GreenKind {
    type Of<T> = GreenThread<T>;
}

impl<T> Held for GreenThread<T> {
    type Output = T;
    type Kind = GreenKind;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_ready(cx)
    }

    fn take(&mut self) -> Option<Result<T, JoinError>> {
        self.take()
    }

    fn try_take(&mut self) -> Option<Result<T, JoinError>> {
        self.try_take()
    }

    fn take_error(&mut self) -> Option<JoinError> {
        self.take_error()
    }

    fn abort(&self) {
        self.abort();
    }

    fn abort_queued(&self) {
        self.abort_queued();
    }

    fn stop_waiting(&mut self) {
        self.stop_waiting();
    }
}

/// Calls a macro for the tuples of one to 32 handles of a type: with the type, and, for each handle, the names of two
/// type parameters and its index.
///
/// The implementations name the type of the handle. With a parameter `H: Held`, the outputs would be projections, and
/// rustc could not tell that a future which holds a pile is `Send`, if an output has a lifetime.
macro_rules! for_tuples {
    ($each:ident, $Handle:ident) => {
        for_tuples! { @up_to $each, $Handle; ;
            A AX 0 B BX 1 C CX 2 D DX 3 E EX 4 F FX 5 G GX 6 H HX 7 I IX 8 J JX 9 K KX 10 L LX 11 M MX 12 N NX
            13 O OX 14 P PX 15 Q QX 16 R RX 17 S SX 18 T TX 19 U UX 20 V VX 21 W WX 22 X XX 23 Y YX 24 Z ZX 25
            A1 AX1 26 B1 BX1 27 C1 CX1 28 D1 DX1 29 E1 EX1 30 F1 FX1 31
        }
    };
    (@up_to $each:ident, $Handle:ident; $($T:ident $X:ident $at:tt)*;) => {};
    (@up_to $each:ident, $Handle:ident; $($T:ident $X:ident $at:tt)*; $next:ident $error:ident $to:tt $($rest:tt)*) => {
        $each! { $Handle; $($T $X $at)* $next $error $to }
        for_tuples! { @up_to $each, $Handle; $($T $X $at)* $next $error $to; $($rest)* }
    };
}

pub(crate) use for_tuples;
