//! The comparisons that have a bound.

use crate::Plan;
use crate::contest::{Case, Samples, interleave};
use crate::producers;
use crate::report::Table;
use crate::report::bound::Bound;
use crate::runtimes::{Place, Runtimes};
use crate::ways::load::Load;
use crate::ways::queue::Operation;
use crate::ways::work;

const SIZE: usize = 100;
const FEW: usize = 100;
const MANY: usize = 100_000;

const OPERATIONS: [(Operation, &str); 3] = [
    (Operation::Serve, "enqueue, get a slot, complete"),
    (Operation::PassBy, "enqueue and cancel"),
    (Operation::GiveUp, "cancel in the middle, enqueue"),
];

/// Measures everything that `plan` selects. The second value is a table of queue operations, compared with tokio's.
pub(crate) fn measure(plan: &Plan, runtimes: &Runtimes) -> (Vec<Bound>, Table) {
    let bounds = Rows { plan, runtimes };
    let mut rows = Vec::new();
    rows.extend(bounds.wall("spawn-n", "semaphore-detached", 0.35));
    rows.extend(bounds.wall("imap", "map-spawn-buffered", 0.25));
    rows.extend(bounds.throughput("spawn-n"));
    rows.extend(bounds.throughput("imap"));
    rows.extend(bounds.two_producers());
    let mut queue = Table::new(
        "An operation on a full pool with so many waiters, current-thread runtime: ns",
        &["operation", "pool"],
        &["100", "100,000", "ratio"],
    );
    for (operation, title) in OPERATIONS {
        rows.extend(bounds.waiters(operation, title, &mut queue));
    }
    (rows, queue)
}

struct Rows<'a> {
    plan: &'a Plan,
    runtimes: &'a Runtimes,
}

impl<'a> Rows<'a> {
    /// The samples of all cases, or `None` if the plan does not select them.
    fn samples<const N: usize>(&self, name: &str, cases: &[Case<'a>; N]) -> Option<[Samples; N]> {
        if !self.plan.wants(&format!("bounds/{name}")) {
            return None;
        }
        eprintln!("measuring {name}");
        interleave(cases, self.plan.budget).try_into().ok()
    }

    fn case(&self, place: Place, load: Load, id: &str, jobs: u64) -> (String, Case<'a>) {
        let way = load.ways().into_iter().find(|way| way.id == id).expect("the way exists");
        let title = way.title.to_owned();
        let runtime = self.runtimes.of(place);
        let case = Case::timed(jobs, move || {
            assert_eq!(runtime.block_on(way.run(SIZE, jobs)), work::sum(jobs), "{} has lost a job", way.id);
        });
        (title, case)
    }

    /// Wall-clock time of no-op jobs.
    fn wall(&self, what: &str, against: &str, limit: f64) -> Option<Bound> {
        let name = format!("wall/{what}");
        let (what, case) = self.case(Place::TwoThreads, Load::Noop, what, 10_000);
        let (against, peer) = self.case(Place::TwoThreads, Load::Noop, against, 10_000);
        let [case, peer] = self.samples(&name, &[case, peer])?;
        let figure = case.ratio(&peer);
        let setting = "no-op, two threads, wall".into();
        Some(Bound { what, against, setting, figure, limit, at_least: false, unit: "" })
    }

    /// Throughput of CPU-bound jobs, on two threads and on one.
    fn throughput(&self, way: &str) -> Option<Bound> {
        let (what, two) = self.case(Place::TwoThreads, Load::Computes10us, way, 1_000);
        let (_, one) = self.case(Place::Current, Load::Computes10us, way, 1_000);
        let [two, one] = self.samples(&format!("throughput/{way}"), &[two, one])?;
        Some(Bound {
            what,
            against: "the same on one thread".into(),
            setting: "10 us of CPU, two threads, throughput".into(),
            figure: one.ratio(&two),
            limit: 1.8,
            at_least: true,
            unit: "",
        })
    }

    fn two_producers(&self) -> Option<Bound> {
        let jobs = 10_000;
        let runtime = self.runtimes.of(Place::TwoThreads);
        let case = Case::timed(jobs, || runtime.block_on(producers::declared(SIZE, jobs)));
        let peer = Case::timed(jobs, || runtime.block_on(producers::semaphore(SIZE, jobs)));
        let [case, peer] = self.samples("producers", &[case, peer])?;
        Some(Bound {
            what: "greenpool f::spawn_n, two producers".into(),
            against: "Semaphore + tokio::spawn, two producers".into(),
            setting: "no-op, two threads, wall".into(),
            figure: case.ratio(&peer),
            limit: 0.8,
            at_least: false,
            unit: "",
        })
    }

    fn waiters(&self, operation: Operation, title: &str, table: &mut Table) -> Option<Bound> {
        let runtime = self.runtimes.of(Place::Current);
        let operations = 2_000;
        let jobs = operations as u64;
        let pool = |waiters| Case::timing(jobs, move || runtime.block_on(operation.in_pool(waiters, operations)));
        let semaphore =
            |waiters| Case::timing(jobs, move || runtime.block_on(operation.in_semaphore(waiters, operations)));
        let cases = [pool(FEW), pool(MANY), semaphore(FEW), semaphore(MANY)];
        let samples = self.samples(&format!("waiters/{title}"), &cases)?;
        let [few, many, peer_few, peer_many] = samples;
        for (name, few, many) in
            [("GreenPool::spawn_n", &few, &many), ("Semaphore + tokio::spawn", &peer_few, &peer_many)]
        {
            table.row(vec![
                title.into(),
                name.into(),
                format!("{:.0}", few.median()),
                format!("{:.0}", many.median()),
                format!("{:.2}", many.ratio(few)),
            ]);
        }
        // A waiter that leaves the middle touches neighbours in cold memory, in tokio's queue too. `instructions` has
        // the bound for that.
        let bound = !matches!(operation, Operation::GiveUp);
        bound.then(|| Bound {
            what: format!("{title}, 100,000 waiters"),
            against: "the same, 100 waiters".into(),
            setting: "current thread, wall".into(),
            figure: many.ratio(&few),
            limit: 1.5,
            at_least: false,
            unit: "",
        })
    }
}
