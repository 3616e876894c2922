//! The functions of [`greenpool`] on many machines, over NATS `JetStream`.
//!
//! A function that is declared with `#[green_pool(size = 100, remote)]` runs on a [`Farm`]: a namespace on a NATS
//! server, with its workers. `fetch::on(&farm)` is the function with the verbs that it has locally, and `size` is the
//! limit of all workers together. A [`Worker`] serves functions until it is told to stop.
//!
//! ```no_run
//! use greenpool::green_pool;
//! use greenpool_nats::{Farm, Worker};
//!
//! #[green_pool(size = 100, remote)]
//! async fn measure(page: String) -> usize {
//!     page.len()
//! }
//!
//! # async fn submit() -> Result<(), Box<dyn std::error::Error>> {
//! // The submitter.
//! let farm = Farm::connect("nats://10.0.0.5").await?;
//! let mut lengths = measure::on(&farm).imap(["one", "three"].map(String::from));
//! while let Some(length) = lengths.next().await {
//!     println!("{}", length?);
//! }
//! farm.close().await;
//! # Ok(()) }
//! # async fn work() -> Result<(), Box<dyn std::error::Error>> {
//! // A worker, on as many machines as there are.
//! let farm = Farm::connect("nats://10.0.0.5").await?;
//! let report = Worker::on(&farm).serve(measure::handler()).run().await?;
//! println!("{report}");
//! # Ok(()) }
//! ```
//!
//! # What is promised
//!
//! * At most `size` jobs of a function run at once, over all workers, whatever happens to workers and networks.
//! * A job that was stored is run until it has an end. If its worker dies, another one runs it again: a function must
//!   bear to be run twice. [`greenpool::remote::job`] has an id to recognize that by.
//! * Each result reaches its caller once, and a map yields its results in order.
//! * While the submitter lives, the server need not be trusted: what the server loses is stored again.
//! * A worker never polls a job beyond its *lease*, the time for which a job is that worker's.
//! * A panic arrives as a panic. A job that takes its workers down is given up after a number of deaths.
//!
//! A lone server that is killed may forget which jobs it had handed out. Then, for one lease at most, jobs may run
//! beside their own second runs.
//!
//! # Servers
//!
//! The server is `nats-server` 2.10.23 or newer, with `JetStream` (`-js`).

/// The samples of the book's chapter are compiled with this crate.
#[cfg(doctest)]
#[doc = include_str!("../../book/src/machines.md")]
mod book {}

mod blobs;
mod clock;
mod error;
mod farm;
mod json;
mod link;
mod names;
mod rights;
mod streams;
mod wire;
mod worker;

pub use error::FarmError;
pub use farm::Farm;
pub use farm::builder::FarmBuilder;
pub use farm::dead::{Dead, DeadJob};
pub use farm::manage::{FunctionInfo, Queue, RunInfo};
pub use farm::watch::{RunningJob, ServedFunction, WorkerInfo};
pub use worker::{Report, Worker};
