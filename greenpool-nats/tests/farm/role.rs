//! What a process of this binary is, if it is not the tests.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use async_nats::ServerAddr;
use greenpool_nats::{Farm, Worker};
use serde::{Deserialize, Serialize};

use crate::{jobs, log};

/// The variable that gives a process its role.
pub(crate) const VARIABLE: &str = "GREENPOOL_NATS_ROLE";

/// What a process does instead of running the tests.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Role {
    Worker(WorkerRole),
    /// Runs `square` over a range as a run of this name, and prints each result.
    Submitter {
        url: String,
        run: String,
        items: u64,
        milliseconds: u64,
    },
    /// Runs `quick` over so many texts, and prints a line for each part of the results.
    Stream {
        url: String,
        items: u64,
        part: u64,
    },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct WorkerRole {
    /// The addresses of the servers, with a comma between them.
    pub(crate) url: String,
    pub(crate) log: PathBuf,
    pub(crate) places: usize,
    pub(crate) replicas: usize,
    pub(crate) lease: Duration,
    pub(crate) grace: Duration,
    /// Which version of `version` it serves.
    pub(crate) new: bool,
    /// Whether its runtime has one thread, which jobs can block.
    pub(crate) one_thread: bool,
}

pub(crate) fn of_this_process() -> Option<Role> {
    let text = std::env::var(VARIABLE).ok()?;
    Some(serde_json::from_str(&text).expect("a test has written the role"))
}

impl Role {
    pub(crate) fn run(self) -> ExitCode {
        let one_thread = matches!(&self, Role::Worker(WorkerRole { one_thread: true, .. }));
        let mut builder = if one_thread {
            tokio::runtime::Builder::new_current_thread()
        } else {
            tokio::runtime::Builder::new_multi_thread()
        };
        let runtime = builder.enable_all().build().expect("a runtime");
        runtime.block_on(async {
            match self {
                Role::Worker(role) => work(role).await,
                Role::Submitter { url, run, items, milliseconds } => submit(&url, &run, items, milliseconds).await,
                Role::Stream { url, items, part } => stream(&url, items, part).await,
            }
        });
        ExitCode::SUCCESS
    }
}

/// The addresses of several servers.
pub(crate) fn addresses(urls: &str) -> Vec<ServerAddr> {
    urls.split(',').map(|url| url.parse().expect("the address of a server")).collect()
}

async fn work(role: WorkerRole) {
    log::set(&role.log);
    let builder = Farm::builder().lease(role.lease).attempts(2).replicas(role.replicas);
    let farm = builder.connect(addresses(&role.url)).await.expect("a server");
    jobs::set_farm(&farm);
    let worker = Worker::on(&farm)
        .serve(jobs::square::handler().places(role.places))
        .serve(jobs::narrow::handler().places(role.places.min(10)))
        .serve(jobs::wide::handler().places(role.places))
        .serve(jobs::crowd::handler())
        .serve(jobs::fragile::handler().places(role.places))
        .serve(jobs::quick::handler().places(role.places))
        .serve(jobs::moody::handler())
        .serve(jobs::poison::handler())
        .serve(jobs::block::handler())
        .serve(jobs::recursive::handler())
        .serve(if role.new { jobs::new::version::handler() } else { jobs::old::version::handler() })
        .grace(role.grace);
    let report = worker.run().await.expect("a worker");
    println!("{report}");
}

async fn submit(url: &str, run: &str, items: u64, milliseconds: u64) {
    let farm = Farm::connect(url).await.expect("a server");
    let mut squares = jobs::square::on(&farm).run(run).imap(0..items, std::iter::repeat(milliseconds));
    while let Some(square) = squares.next().await {
        println!("{}", square.expect("a square"));
    }
}

async fn stream(url: &str, items: u64, part: u64) {
    let farm = Farm::connect(url).await.expect("a server");
    let mut texts = jobs::quick::on(&farm).imap((0..items).map(|n| format!("{n:0200}")));
    for n in 0..items {
        let text = texts.next().await.expect("a result").expect("a text");
        assert_eq!(text, format!("{n:0200}"));
        if (n + 1) % part == 0 {
            println!("{}", n + 1);
        }
    }
    // The test looks at its memory, and then kills it.
    std::future::pending::<()>().await;
}
