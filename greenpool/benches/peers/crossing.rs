//! How far two threads are from each other, on which all figures of two threads depend: the time in which a word that one has written is with the other.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Instant;

use crate::report::Table;

/// So often a word goes there and back in one try.
const TURNS: u32 = 5_000;

/// Of so many tries the fastest counts: in others one of the threads had to wait for a core.
const TRIES: usize = 9;

/// Nanoseconds that it takes now.
pub(crate) fn measure() -> f64 {
    (0..TRIES).map(|_| once()).fold(f64::INFINITY, f64::min)
}

fn once() -> f64 {
    let word = AtomicU32::new(0);
    // Each adds one when it is its turn.
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
    let cells = ["a word goes from one thread to another".into(), format!("{start:.0}"), format!("{end:.0}")];
    table.row(cells.into());
    table
}
