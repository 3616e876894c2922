//! `pile![on FARM; ..]`: the tuples of handles of jobs on an engine.

use std::task::{Context, Poll};

use crate::job::error::JoinError;
use crate::job::values::Failure;
use crate::pile::fixed::{Handles, SameType, handles, same};
use crate::pile::held::{Held, for_tuples};
use crate::pile::values::{Outcome, ResultHandles, TryHandles, try_handles};
use crate::remote::thread::FarThread;

// The empty tuple is a pile of local jobs.
for_tuples! { handles, FarThread }
for_tuples! { try_handles, FarThread }
