//! Runs programs under loom.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Instant;

use crate::op::{OPS, Op};
use crate::scene::{Plan, Scene};

/// Prints which program failed.
struct PrintOnPanic<'a>(Scene, &'a [Op]);

impl Drop for PrintOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("\n*** {:?} in {:?}", self.1, self.0);
        }
    }
}

/// Runs one program and returns the number of interleavings.
fn explore(scene: Scene, ops: &[Op], bound: Option<usize>) -> usize {
    if scene.plan(ops).is_none() {
        return 0;
    }
    let _guard = PrintOnPanic(scene, ops);
    let runs = Arc::new(AtomicUsize::new(0));
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(bound);
    builder.check({
        let (ops, runs) = (ops.to_vec(), runs.clone());
        move || {
            let built = scene.plan(&ops).and_then(Plan::build);
            let Some((world, entries, mut left)) = built else {
                return;
            };
            runs.fetch_add(1, SeqCst);
            let world = Arc::new(world);
            let mut tasks = ops.clone().into_iter().zip(entries);
            let (op, entry) = tasks.next().unwrap();
            let threads: Vec<_> = tasks
                .map(|(op, entry)| {
                    let world = world.clone();
                    loom::thread::spawn(move || world.run(op, entry))
                })
                .collect();
            // This thread runs one operation itself, so that loom has one thread less to explore.
            let mut parts = vec![world.run(op, entry)];
            parts.extend(threads.into_iter().map(|thread| thread.join().unwrap()));
            for part in parts {
                left.held += part.held;
                left.idle |= part.idle;
                left.entries.extend(part.entries);
                left.collected.extend(part.collected);
            }
            world.finish(left);
        }
    });
    runs.load(SeqCst)
}

/// Runs all programs of `threads` operations in these scenes.
pub(crate) fn explore_all(threads: usize, scenes: &[Scene], bound: Option<usize>) {
    let start = Instant::now();
    let (mut programs, mut runs, mut most) = (0, 0, (0, Vec::new()));
    let mut chosen = vec![0; threads];
    loop {
        let ops: Vec<Op> = chosen.iter().map(|&at| OPS[at]).collect();
        // `Look` changes nothing, so a second one adds nothing.
        let looks = ops.iter().filter(|op| **op == Op::Look).count();
        for &scene in scenes.iter().filter(|_| looks < 2) {
            let count = explore(scene, &ops, bound);
            programs += usize::from(count > 0);
            runs += count;
            if count > most.0 {
                most = (count, ops.clone());
            }
        }
        // The next combination with operations in ascending order, since the order of the threads does not matter.
        let Some(at) = chosen.iter().rposition(|&at| at + 1 < OPS.len()) else {
            break;
        };
        let next = chosen[at] + 1;
        chosen[at..].fill(next);
    }
    assert!(programs > 0);
    println!("{programs} programs, {runs} interleavings, at most {most:?}, {:.1?}", start.elapsed());
}
