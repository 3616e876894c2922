//! [`WorkerSet`] against a model that keeps a map of the workers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;

use futures::task::{ArcWake, waker};
use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::test_runner::RngSeed;

use super::{Wakeup, WorkerSet, WorkerState};

/// Which worker an operation is about: an index into the workers that it can be about, modulo their number.
type Pick = usize;

#[derive(Clone, Debug)]
enum Op {
    Notify,
    Arrive(Pick),
    Park(Pick),
    Retire(usize),
    RetireAll,
    Remove(Pick),
    Shrink(usize),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => Just(Op::Notify),
        8 => any::<Pick>().prop_map(Op::Arrive),
        6 => any::<Pick>().prop_map(Op::Park),
        2 => (0..4_usize).prop_map(Op::Retire),
        1 => Just(Op::RetireAll),
        3 => any::<Pick>().prop_map(Op::Remove),
        1 => (0..3_usize).prop_map(Op::Shrink),
    ]
}

/// The waker of one worker. It counts how often it is woken.
struct Task(AtomicUsize);

impl ArcWake for Task {
    fn wake_by_ref(arc_self: &Arc<Self>) {
        arc_self.0.fetch_add(1, Ordering::Relaxed);
    }
}

struct Worker {
    state: WorkerState,
    /// What the set keeps for it. No other worker has the same.
    data: u32,
    /// Whether it has arrived after a notification, so that the set has its waker.
    has_waker: bool,
    /// Whether [`WorkerSet::notified`] counts it.
    counted: bool,
    task: Arc<Task>,
    wakes: usize,
}

#[derive(Default)]
struct Model {
    workers: BTreeMap<u32, Worker>,
    /// The idle ones, the longest idle first.
    idle: Vec<u32>,
    spawned: u32,
}

impl Model {
    /// The keys of the workers in a state that `accepts` accepts.
    fn pick(&self, pick: Pick, accepts: impl Fn(&Worker) -> bool) -> Option<u32> {
        let mut keys = self.workers.iter().filter(|(_, worker)| accepts(worker)).map(|(key, _)| *key);
        let many = keys.clone().count();
        keys.nth(pick.checked_rem(many)?)
    }

    fn count(&self, state: WorkerState) -> usize {
        self.workers.values().filter(|worker| worker.state == state).count()
    }

    fn insert(&mut self, key: u32) {
        let task = Arc::new(Task(AtomicUsize::new(0)));
        let data = self.spawned;
        let new = Worker { state: WorkerState::Notified, data, has_waker: false, counted: true, task, wakes: 0 };
        assert!(self.workers.insert(key, new).is_none(), "a new worker has a key of its own");
    }

    fn worker(&mut self, key: u32) -> &mut Worker {
        self.workers.get_mut(&key).expect("the worker is there")
    }

    /// The first `many` of the idle workers must be woken and leave.
    fn retire(&mut self, many: usize) -> Vec<u32> {
        let keys: Vec<u32> = self.idle.drain(..many).collect();
        for key in &keys {
            self.worker(*key).state = WorkerState::Retired;
        }
        keys
    }
}

fn step(set: &mut WorkerSet<u32>, model: &mut Model, op: &Op) {
    match *op {
        Op::Notify => {
            let wakeup = set.notify_one(|| {
                model.spawned += 1;
                model.spawned
            });
            let Some(key) = model.idle.pop() else {
                let Wakeup::Spawn(key) = wakeup else { panic!("no worker is idle, so one must be spawned") };
                return model.insert(key);
            };
            let worker = model.worker(key);
            (worker.state, worker.counted) = (WorkerState::Notified, true);
            worker.wakes += usize::from(worker.has_waker);
            assert_eq!(matches!(wakeup, Wakeup::Wake(_)), worker.has_waker);
            wakeup.run(|_| panic!("no worker must be spawned"));
        }
        Op::Arrive(pick) => {
            let Some(key) = model.pick(pick, |_| true) else { return };
            let worker = model.worker(key);
            if worker.state == WorkerState::Notified {
                (worker.state, worker.counted, worker.has_waker) = (WorkerState::Busy, false, true);
            }
            assert!(set.arrive(key, &waker(worker.task.clone())) == worker.state);
        }
        Op::Park(pick) => {
            let Some(key) = model.pick(pick, |worker| worker.state == WorkerState::Busy) else { return };
            set.park(key);
            model.worker(key).state = WorkerState::Idle;
            model.idle.push(key);
        }
        Op::Retire(many) => {
            let many = many.min(model.idle.len());
            let keys = model.retire(many);
            check_wakers(&set.retire(many), model, &keys);
        }
        Op::RetireAll => {
            let keys = model.retire(model.idle.len());
            check_wakers(&set.retire_all(), model, &keys);
        }
        Op::Remove(pick) => {
            let Some(key) = model.pick(pick, |worker| !worker.counted) else { return };
            let gone = model.workers.remove(&key).expect("it was picked");
            model.idle.retain(|idle| *idle != key);
            assert_eq!(set.remove(key), Some(gone.data));
            // The key is unknown now.
            assert_eq!(set.remove(key), None);
            assert!(set.get_mut(key).is_none() && set.waker(key).is_none());
        }
        Op::Shrink(keep) => {
            set.shrink(keep);
        }
    }
}

/// `wakers` are those that the workers with these keys have, in any order.
fn check_wakers(wakers: &[Waker], model: &Model, keys: &[u32]) {
    let have = keys.iter().filter(|key| model.workers[key].has_waker);
    assert_eq!(wakers.len(), have.clone().count());
    for key in have {
        let expected = waker(model.workers[key].task.clone());
        assert!(wakers.iter().any(|waker| waker.will_wake(&expected)), "worker {key} must be woken");
    }
}

fn check_counts(set: &mut WorkerSet<u32>, model: &Model) {
    assert_eq!(set.len(), model.workers.len());
    assert_eq!(set.idle(), model.idle.len());
    assert_eq!(set.idle(), model.count(WorkerState::Idle));
    assert_eq!(set.retired, model.count(WorkerState::Retired));
    assert_eq!(set.notified(), model.workers.values().filter(|worker| worker.counted).count());
    assert_eq!(set.count_busy(), model.count(WorkerState::Busy));
    let active = model.count(WorkerState::Notified) + model.count(WorkerState::Busy);
    assert_eq!(set.is_idle(), active == 0);
    let busy = model.workers.iter().filter(|(_, worker)| worker.state == WorkerState::Busy);
    let busy: Vec<u32> = busy.map(|(key, _)| *key).collect();
    check_wakers(&set.busy_wakers(), model, &busy);
    let data: Vec<u32> = model.workers.values().map(|worker| worker.data).collect();
    assert!(set.iter().eq(&data));
    for (key, worker) in &model.workers {
        assert_eq!(set.get_mut(*key).copied(), Some(worker.data));
        let own = waker(worker.task.clone());
        assert_eq!(set.waker(*key).map(|waker| waker.will_wake(&own)), worker.has_waker.then_some(true));
        assert_eq!(worker.task.0.load(Ordering::Relaxed), worker.wakes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::with_cases(256)
    })]

    #[test]
    fn the_counts_and_the_wakers_agree_with_a_map_of_the_workers(ops in vec(op(), 0..80)) {
        let (mut set, mut model) = (WorkerSet::default(), Model::default());
        for op in &ops {
            step(&mut set, &mut model, op);
            check_counts(&mut set, &model);
        }
    }
}

/// A set of idle workers, which have arrived and parked in the order of their keys.
fn idle(many: u32) -> WorkerSet<u32> {
    let mut set = WorkerSet::default();
    for expected in 0..many {
        let Wakeup::Spawn(key) = set.notify_one(|| expected) else { panic!("no worker is idle yet") };
        assert_eq!(key, expected);
    }
    for key in 0..many {
        assert!(set.arrive(key, Waker::noop()) == WorkerState::Busy);
        set.park(key);
    }
    set
}

#[test]
fn the_last_worker_to_park_is_the_first_to_be_notified() {
    let mut set = idle(3);
    for expected in [2, 1, 0] {
        assert!(matches!(set.notify_one(|| panic!("a worker is idle")), Wakeup::Wake(_)));
        assert!(set.arrive(expected, Waker::noop()) == WorkerState::Busy);
    }
    assert!(matches!(set.notify_one(|| 7), Wakeup::Spawn(3)));
}

#[test]
fn the_workers_idle_longest_retire_first() {
    let mut set = idle(3);
    assert_eq!(set.retire(2).len(), 2);
    let states = [0, 1, 2].map(|key| set.arrive(key, Waker::noop()));
    assert!(states == [WorkerState::Retired, WorkerState::Retired, WorkerState::Idle]);
}

#[test]
fn memory_is_given_back_when_fewer_than_a_quarter_of_the_workers_are_left() {
    let mut set = idle(64);
    assert!(!set.shrink(16), "a quarter may be kept");
    assert!(!set.shrink(0), "all are still there");
    for key in 8..64 {
        set.remove(key);
    }
    assert!(!set.shrink(16), "a quarter may be kept");
    assert!(set.shrink(4));
    assert!(set.entries.capacity() < 64 && set.idle.capacity() < 64);
    assert!(!set.shrink(4), "nothing is left to give back");
    assert_eq!((set.len(), set.idle()), (8, 8));
}

#[test]
fn a_wakeup_wakes_or_spawns_or_does_nothing() {
    let task = Arc::new(Task(AtomicUsize::new(0)));
    let mut spawned = Vec::new();
    Wakeup::None.run(|key| spawned.push(key));
    Wakeup::Wake(waker(task.clone())).run(|key| spawned.push(key));
    Wakeup::Spawn(5).run(|key| spawned.push(key));
    assert_eq!((task.0.load(Ordering::Relaxed), spawned), (1, vec![5]));
}
