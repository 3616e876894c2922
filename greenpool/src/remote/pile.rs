//! `pile![on FARM; ..]`: the tuples of handles of jobs on an engine.

use std::task::{Context, Poll};

use crate::job::error::JoinError;
use crate::pile::fixed::Handles;
use crate::remote::thread::FarThread;

macro_rules! handles {
    ($($T:ident $at:tt)*) => {
        #[diagnostic::do_not_recommend]
        impl<$($T),*> Handles for ($(FarThread<$T>,)*) {
            type Results = ($(Result<$T, JoinError>,)*);
            type Values = ($($T,)*);
            const LEN: usize = 0 $(+ { let _ = $at; 1 })*;

            fn poll_all(&mut self, cx: &mut Context<'_>) -> Poll<()> {
                let mut all = Poll::Ready(());
                $(if self.$at.poll_ready(cx).is_pending() { all = Poll::Pending; })*
                all
            }

            fn poll_error(&mut self, cx: &mut Context<'_>) -> Poll<Option<JoinError>> {
                let mut all = Poll::Ready(None);
                $(match self.$at.poll_ready(cx) {
                    Poll::Pending => all = Poll::Pending,
                    Poll::Ready(()) => if let Some(error) = self.$at.take_error() {
                        return Poll::Ready(Some(error));
                    },
                })*
                all
            }

            fn results(&mut self) -> Option<Self::Results> {
                Some(($(self.$at.take()?,)*))
            }

            fn values(&mut self) -> Option<Result<Self::Values, JoinError>> {
                Some(Ok(($(match self.$at.take()? {
                    Ok(value) => value,
                    Err(error) => return Some(Err(error)),
                },)*)))
            }

            fn abort(&self) {
                // The places of those that are out must not go to those that wait for the window.
                $(self.$at.abort_queued();)*
                $(self.$at.abort();)*
            }

            fn stop_waiting(&mut self) {
                $(self.$at.stop_waiting();)*
            }
        }
    };
}

macro_rules! up_to {
    ($($done:ident $at:tt)*;) => { handles!($($done $at)*); };
    ($($done:ident $at:tt)*; $next:ident $to:tt $($rest:tt)*) => {
        handles!($($done $at)*);
        up_to!($($done $at)* $next $to; $($rest)*);
    };
}

// The empty tuple is a pile of local jobs.
up_to!(A 0; B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12 N 13 O 14 P 15
    Q 16 R 17 S 18 T 19 U 20 V 21 W 22 X 23 Y 24 Z 25 A1 26 B1 27 C1 28 D1 29 E1 30 F1 31);
