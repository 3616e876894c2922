//! Runs programs under loom.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Instant;

use crate::op::{OPS, Op};
use crate::scene::{Plan, Scene};

/// Says which program it was that failed.
struct Naming<'a>(Scene, &'a [Op]);

impl Drop for Naming<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("\n*** {:?} in {:?}", self.1, self.0);
        }
    }
}

/// Runs one program; gives the number of interleavings.
fn explore(scene: Scene, ops: &[Op], bound: Option<usize>) -> usize {
    if scene.plan(ops).is_none() {
        return 0;
    }
    let _naming = Naming(scene, ops);
    let runs = Arc::new(AtomicUsize::new(0));
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(bound);
    builder.check({
        let (ops, runs) = (ops.to_vec(), runs.clone());
        move || {
            let built = scene.plan(&ops).and_then(Plan::build);
            let Some((world, places, mut left)) = built else {
                return;
            };
            runs.fetch_add(1, SeqCst);
            let world = Arc::new(world);
            let mut tasks = ops.clone().into_iter().zip(places);
            let (op, place) = tasks.next().unwrap();
            let threads: Vec<_> = tasks
                .map(|(op, place)| {
                    let world = world.clone();
                    loom::thread::spawn(move || world.run(op, place))
                })
                .collect();
            // This thread does its part too: loom has one fewer to weigh.
            let mut parts = vec![world.run(op, place)];
            parts.extend(threads.into_iter().map(|thread| thread.join().unwrap()));
            for part in parts {
                left.held += part.held;
                left.idle |= part.idle;
                left.places.extend(part.places);
            }
            world.finish(left);
        }
    });
    runs.load(SeqCst)
}

/// All programs of so many operations, in these scenes.
pub(crate) fn explore_all(threads: usize, scenes: &[Scene], bound: Option<usize>) {
    let start = Instant::now();
    let (mut programs, mut runs, mut most) = (0, 0, (0, Vec::new()));
    let mut chosen = vec![0; threads];
    loop {
        let ops: Vec<Op> = chosen.iter().map(|&at| OPS[at]).collect();
        // Who only looks changes nothing for another who does.
        let looks = ops.iter().filter(|op| **op == Op::Look).count();
        for &scene in scenes.iter().filter(|_| looks < 2) {
            let count = explore(scene, &ops, bound);
            programs += usize::from(count > 0);
            runs += count;
            if count > most.0 {
                most = (count, ops.clone());
            }
        }
        // The next choice in which no operation comes before the last one: the order of threads means nothing.
        let Some(at) = chosen.iter().rposition(|&at| at + 1 < OPS.len()) else {
            break;
        };
        let next = chosen[at] + 1;
        chosen[at..].fill(next);
    }
    assert!(programs > 0);
    println!("{programs} programs, {runs} interleavings, at most {most:?}, {:.1?}", start.elapsed());
}
