//! `pile![on FARM; ..]`: the tuples of handles of jobs on an engine.

use std::task::{Context, Poll};

use crate::job::error::JoinError;
use crate::pile::fixed::{Handles, handles};
use crate::remote::thread::FarThread;

macro_rules! up_to {
    ($($done:ident $at:tt)*;) => { handles!(FarThread; $($done $at)*); };
    ($($done:ident $at:tt)*; $next:ident $to:tt $($rest:tt)*) => {
        handles!(FarThread; $($done $at)*);
        up_to!($($done $at)* $next $to; $($rest)*);
    };
}

// The empty tuple is a pile of local jobs.
up_to!(A 0; B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12 N 13 O 14 P 15
    Q 16 R 17 S 18 T 19 U 20 V 21 W 22 X 23 Y 24 Z 25 A1 26 B1 27 C1 28 D1 29 E1 30 F1 31);
