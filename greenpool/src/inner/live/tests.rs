//! [`LiveJobs`] against a model that keeps a list of the jobs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;

use futures::task::{ArcWake, waker};
use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::test_runner::RngSeed;

use super::{EPOCH_SHIFT, LiveJobs};

/// Which job an operation is about: an index into the list of jobs, modulo its length.
type Pick = usize;

#[derive(Clone, Debug)]
enum Op {
    Enter(u64),
    Leave(Pick),
    /// New jobs are aborted as they enter, or no longer.
    AbortNew(bool),
    Restart(u64),
    UndoRestart,
    AbortAll,
    PollAborted(usize),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (0..4_u64).prop_map(Op::Enter),
        6 => any::<Pick>().prop_map(Op::Leave),
        2 => any::<bool>().prop_map(Op::AbortNew),
        1 => (0..4_u64).prop_map(Op::Restart),
        1 => Just(Op::UndoRestart),
        1 => Just(Op::AbortAll),
        2 => (0..2_usize).prop_map(Op::PollAborted),
    ]
}

/// Counts how often it is woken.
#[derive(Default)]
struct Wakes(AtomicU64);

impl ArcWake for Wakes {
    fn wake_by_ref(arc_self: &Arc<Self>) {
        arc_self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A job that has entered and is not gone.
#[derive(Clone, Copy)]
struct Job {
    epoch: u32,
    aborted: bool,
}

#[derive(Default)]
struct Model {
    jobs: Vec<Job>,
    begun: u64,
    restarted: u64,
    aborts_new: bool,
    /// Whether each of the two wakers is registered, and how often it must have been woken.
    registered: [bool; 2],
    wakes: [u64; 2],
}

impl Model {
    fn aborted(&self) -> usize {
        self.jobs.iter().filter(|job| job.aborted).count()
    }

    fn pick(&self, pick: Pick) -> Option<usize> {
        pick.checked_rem(self.jobs.len())
    }

    fn leave_aborted(&mut self) {
        if self.aborted() == 0 {
            for (registered, wakes) in self.registered.iter_mut().zip(&mut self.wakes) {
                *wakes += u64::from(std::mem::take(registered));
            }
        }
    }
}

fn step(live: &LiveJobs, model: &mut Model, wakers: &[Waker; 2], op: &Op) {
    match *op {
        Op::Enter(jobs) => {
            let epoch = live.enter(jobs);
            model.begun += jobs;
            let job = Job { epoch, aborted: model.aborts_new };
            model.jobs.extend((0..jobs).map(|_| job));
            // A later change of the switch does not change what became of them: `check` asks again after each step.
            assert_eq!(live.is_aborted(epoch), model.aborts_new, "new jobs are aborted at once, or not");
        }
        Op::Leave(pick) => {
            let Some(at) = model.pick(pick) else { return };
            let job = model.jobs.swap_remove(at);
            assert_eq!(live.leave(job.epoch), !job.aborted);
            assert_eq!(live.count(), model.jobs.len() as u64, "the job is not live while it still has its slot");
            if job.aborted {
                live.leave_aborted();
                model.leave_aborted();
            }
        }
        Op::AbortNew(on) => {
            live.abort_new(on);
            model.aborts_new = on;
        }
        Op::Restart(jobs) => {
            live.count_begun(jobs);
            model.begun += jobs;
            model.restarted = jobs;
        }
        Op::UndoRestart => {
            let jobs = std::mem::take(&mut model.restarted);
            live.uncount_begun(jobs);
            model.begun -= jobs;
        }
        Op::AbortAll => {
            let running = model.jobs.iter_mut().filter(|job| !job.aborted);
            let expected = running.map(|job| job.aborted = true).count();
            assert_eq!(live.abort_all(), expected as u64);
        }
        Op::PollAborted(who) => {
            let gone = model.aborted() == 0;
            assert_eq!(live.poll_aborted(&wakers[who]), gone);
            model.registered[who] |= !gone;
        }
    }
}

fn check(ops: &[Op]) {
    let counts = [Arc::new(Wakes::default()), Arc::new(Wakes::default())];
    let wakers = counts.clone().map(waker);
    let live = LiveJobs::default();
    let mut model = Model::default();
    for op in ops {
        step(&live, &mut model, &wakers, op);
        assert_eq!(live.count(), model.jobs.len() as u64);
        assert_eq!(live.begun(), model.begun);
        for job in &model.jobs {
            assert_eq!(live.is_aborted(job.epoch), job.aborted);
        }
        assert_eq!(counts.each_ref().map(|count| count.0.load(Ordering::Relaxed)), model.wakes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::with_cases(256)
    })]

    #[test]
    fn the_counts_agree_with_a_list_of_the_jobs(ops in vec(op(), 0..60)) {
        check(&ops);
    }
}

#[test]
fn the_first_epoch_follows_the_last() {
    let live = LiveJobs { word: AtomicU64::new(u64::MAX << EPOCH_SHIFT), ..LiveJobs::default() };
    let last = live.enter(2);
    assert_eq!(live.abort_all(), 2);
    let first = live.enter(1);
    assert_eq!(first, 0);
    assert!(live.is_aborted(last) && !live.is_aborted(first));
    assert_eq!(live.count(), 3);
    assert!(!live.leave(last) && live.leave(first));
    assert_eq!(live.count(), 1);
}

#[test]
fn a_job_that_was_restarted_is_counted_as_begun_and_not_as_live() {
    let live = LiveJobs::default();
    live.enter(1);
    live.count_begun(3);
    assert_eq!((live.begun(), live.count()), (4, 1));
    live.uncount_begun(2);
    assert_eq!((live.begun(), live.count()), (2, 1));
}

#[test]
fn jobs_that_enter_a_pool_that_aborts_them_are_counted_until_they_are_gone() {
    let wakes = Arc::new(Wakes::default());
    let waker = waker(wakes.clone());
    let live = LiveJobs::default();
    let before = live.enter(1);
    live.abort_new(true);
    let aborted = live.enter(2);
    assert!(live.is_aborted(aborted) && !live.is_aborted(before), "only new jobs are aborted");
    assert_eq!((live.count(), live.begun()), (3, 3));
    assert!(!live.poll_aborted(&waker));
    live.abort_new(false);
    let after = live.enter(1);
    assert!(live.is_aborted(aborted) && !live.is_aborted(after), "they stay aborted");
    assert!(live.leave(after) && live.leave(before));
    for left in [1, 0] {
        assert!(!live.leave(aborted));
        live.leave_aborted();
        assert_eq!((live.count(), wakes.0.load(Ordering::Relaxed)), (left, u64::from(left == 0)));
    }
    assert!(live.poll_aborted(&waker));
}

#[test]
fn a_pool_goes_on_to_abort_new_jobs_after_all_were_aborted() {
    let live = LiveJobs { word: AtomicU64::new(u64::MAX << EPOCH_SHIFT), ..LiveJobs::default() };
    live.abort_new(true);
    // In the last epoch, in the first, and in the second.
    for old in 0..3 {
        let aborted = live.enter(1);
        assert!(live.is_aborted(aborted));
        assert_eq!((live.abort_all(), live.count()), (0, old + 1), "it has been aborted already");
        assert!(live.is_aborted(aborted));
    }
    live.abort_new(false);
    let epoch = live.enter(1);
    assert!(!live.is_aborted(epoch) && live.leave(epoch));
}

#[test]
fn jobs_that_enter_while_others_abort_them_are_all_counted() {
    const JOBS: usize = 1000;
    let live = LiveJobs::default();
    let aborted = live.enter(1);
    assert!(live.leave(aborted));
    live.abort_new(true);
    let start = std::sync::Barrier::new(3);
    let enter = || {
        start.wait();
        (0..JOBS).for_each(|_| assert!(live.is_aborted(live.enter(1)), "it is aborted at once"));
    };
    std::thread::scope(|scope| {
        scope.spawn(enter);
        scope.spawn(enter);
        start.wait();
        for _ in 0..JOBS {
            assert!(live.abort_all() <= 2, "at most those that are just entering");
        }
    });
    assert_eq!((live.count(), live.begun()), (2 * JOBS as u64, 2 * JOBS as u64 + 1));
    for _ in 0..2 * JOBS {
        assert!(!live.leave(aborted));
        live.leave_aborted();
    }
    assert_eq!(live.count(), 0);
}
