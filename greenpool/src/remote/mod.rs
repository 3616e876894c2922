//! Functions that run on other machines.
//!
//! A function that is declared with the argument `remote` runs where it is called, like any other, and also on an
//! *engine*, which hands its jobs to workers. `fetch::on(&farm)` is a [`Far`]: the function, with its own parameters
//! and the verbs that it has locally. `fetch::handler()` is what a worker serves. The crate `greenpool-nats` has an
//! engine over NATS `JetStream`; [`Here`] is one in this process, for tests.
//!
//! `size` is then the limit of all machines together. Arguments and output travel as `MessagePack` with the names of
//! fields, so they need `serde::Serialize` and `serde::de::DeserializeOwned`. `Option<Option<T>>` and `Option<()>`
//! cannot be told from `None` on the wire.

pub(crate) mod call;
pub(crate) mod codec;
pub(crate) mod engine;
mod far;
pub(crate) mod function;
pub(crate) mod handler;
mod here;
pub(crate) mod info;
mod maps;
mod run;
mod stats;
pub(crate) mod verbs;

pub use self::call::Call;
pub use self::far::Far;
pub use self::handler::Handler;
pub use self::here::{Here, panic_text};
pub use self::info::{JobInfo, job};
pub use self::run::Run;
pub use self::stats::{FarStats, FarWorker};
pub use self::verbs::{FarSpawn, SpawnFar};
pub use crate::job::lost::{Lost, Part};
