//! The latency between two threads, which affects all figures for two threads: the time until a word written by one
//! thread is seen by the other.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Instant;

use crate::report::Table;

/// Round trips in one try.
const TURNS: u32 = 5_000;

/// Number of tries, of which the fastest counts. In the others, one of the threads had to wait for a core.
const TRIES: usize = 9;

/// Measures the latency in nanoseconds.
pub(crate) fn measure() -> f64 {
    (0..TRIES).map(|_| once()).fold(f64::INFINITY, f64::min)
}

fn once() -> f64 {
    let word = AtomicU32::new(0);
    // Each thread increments the word when it is its turn.
    let play = |first: u32| {
        for turn in 0..TURNS {
            while word.load(Ordering::Acquire) != 2 * turn + first {
                spin_loop();
            }
            word.store(2 * turn + first + 1, Ordering::Release);
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| play(1));
        let start = Instant::now();
        play(0);
        start.elapsed().as_secs_f64() * 1e9 / f64::from(2 * TURNS)
    })
}

pub(crate) fn table([start, end]: [f64; 2]) -> Table {
    let mut table = Table::new("The machine: ns", &["what"], &["at the start", "at the end"]);
    let cells = ["latency between two threads".into(), format!("{start:.0}"), format!("{end:.0}")];
    table.row(cells.into());
    table
}
