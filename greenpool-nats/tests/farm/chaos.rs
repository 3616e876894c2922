//! Random faults of workers and of the server, while a map runs.
//!
//! `GREENPOOL_FARM_LONG=1 GREENPOOL_CHAOS=100 cargo test -p greenpool-nats --test farm chaos` goes on for 100 seconds.

use std::env;
use std::iter::repeat;
use std::ops::Range;
use std::time::Duration;

use greenpool_nats::Farm;
use nix::sys::signal::Signal;
use tokio::time::{Instant, sleep};

use crate::deadline::{self, soon};
use crate::jobs::square;
use crate::process::{LEASE, Process};
use crate::site::{Site, empty};

pub(crate) const TESTS: &[crate::Test] = &[("chaos_of_workers_and_server_loses_no_job", || {
    let time = Duration::from_secs(number("GREENPOOL_CHAOS").unwrap_or(8));
    deadline::run_within(time * 2 + Duration::from_secs(60), chaos(time));
})];

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|text| text.parse().expect("the variable is a number"))
}

async fn chaos(time: Duration) {
    let seed = number("GREENPOOL_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    println!("GREENPOOL_SEED={seed}");
    let site = Site::new();
    let workers = site.workers(4, 10);
    let farm = site.farm().await;
    let mut chaos = Chaos { site, workers, random: Random(seed | 1) };
    let end = Instant::now() + time;
    // Goes on until the faults end, and has then a rest to do.
    let taking = tokio::spawn(take(farm.clone(), end));
    while Instant::now() < end {
        chaos.fault().await;
        sleep(Duration::from_millis(chaos.random.below(0..700))).await;
    }
    let count = soon("the rest of the map", taking).await.expect("the map gives all results");
    assert!(count > 200, "only {count} jobs were run");
    empty(&farm, "square").await;
}

/// Takes squares until some time after `end`. Returns how many there were.
async fn take(farm: Farm, end: Instant) -> u64 {
    let more = std::iter::from_fn({
        let mut n = 0..;
        move || (Instant::now() < end).then(|| n.next()).flatten()
    });
    let mut squares = square::on(&farm).imap(more, repeat(20));
    let mut n = 0;
    while let Some(square) = soon("a square", squares.next()).await {
        assert_eq!(square.expect("no job is lost"), n * n);
        n += 1;
    }
    n
}

struct Chaos {
    site: Site,
    workers: Vec<Process>,
    random: Random,
}

impl Chaos {
    async fn fault(&mut self) {
        let index = self.random.below(0..self.workers.len() as u64) as usize;
        match self.random.below(0..10) {
            0..3 => {
                self.workers[index].kill();
                self.workers[index] = self.site.worker(10);
            }
            3..5 => {
                self.workers[index].signal(Signal::SIGSTOP);
                let time = LEASE.as_millis() as u64 * 3 / 2;
                sleep(Duration::from_millis(self.random.below(0..time))).await;
                self.workers[index].signal(Signal::SIGCONT);
            }
            5..7 => {
                self.workers[index].signal(Signal::SIGTERM);
                // One that is still connecting does not leave in order.
                self.workers[index].ended().await;
                self.workers[index] = self.site.worker(10);
            }
            kind => {
                self.site.server.kill();
                if kind == 9 {
                    self.site.server.wipe();
                }
                sleep(Duration::from_millis(self.random.below(0..1500))).await;
                self.site.server.restart();
            }
        }
    }
}

/// xorshift64.
struct Random(u64);

impl Random {
    fn below(&mut self, range: Range<u64>) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        range.start + self.0 % (range.end - range.start)
    }
}
