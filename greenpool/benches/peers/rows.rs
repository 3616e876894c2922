//! The comparisons that have a bound.

use crate::Plan;
use crate::contest::{Case, Samples, interleave};
use crate::producers;
use crate::report::Table;
use crate::report::bound::Bound;
use crate::runtimes::{Place, Runtimes};
use crate::ways::Caller;
use crate::ways::load::Load;
use crate::ways::queue::Operation;

const SIZE: usize = 100;
const FEW: usize = 100;
const MANY: usize = 100_000;

const OPERATIONS: [(Operation, &str); 3] = [
    (Operation::Serve, "enqueue, get a slot, complete"),
    (Operation::PassBy, "enqueue and cancel"),
    (Operation::GiveUp, "cancel in the middle, enqueue"),
];

/// Does nothing, with one argument and with two.
const NOTHING: &[Load] = &[Load::Noop, Load::MaySleep];
const YIELDS: &[Load] = &[Load::Yields];
const COMPUTES: &[Load] = &[Load::Computes10us];

/// The first way may take at most this multiple of the time of the second, with each of these loads, whoever calls.
const WALL: [(Place, &str, &str, &[Load], f64); 8] = [
    (Place::Current, "spawn-n", "semaphore-detached", NOTHING, 0.35),
    (Place::Current, "spawn", "tokio-spawn", NOTHING, 0.50),
    (Place::TwoThreads, "spawn-n", "semaphore-detached", NOTHING, 0.40),
    (Place::TwoThreads, "spawn-n", "semaphore-detached", YIELDS, 1.00),
    (Place::TwoThreads, "spawn-n", "semaphore-detached", COMPUTES, 1.00),
    (Place::TwoThreads, "spawn", "tokio-spawn", YIELDS, 1.00),
    (Place::TwoThreads, "spawn", "tokio-spawn", COMPUTES, 1.05),
    (Place::TwoThreads, "imap", "map-spawn-buffered", NOTHING, 0.25),
];

/// Measures everything that `plan` selects. The second value is a table of queue operations, compared with tokio's.
pub(crate) fn measure(plan: &Plan, runtimes: &Runtimes) -> (Vec<Bound>, Table) {
    let bounds = Rows { plan, runtimes };
    let mut rows = Vec::new();
    for (place, what, against, loads, limit) in WALL {
        for &load in loads {
            rows.extend(bounds.wall(place, what, against, load, limit));
        }
    }
    rows.extend(bounds.throughput("spawn-n"));
    rows.extend(bounds.throughput("imap"));
    rows.extend(bounds.two_producers());
    let mut queue = Table::new(
        "An operation on a full pool with so many waiters, current-thread runtime: ns",
        &["operation", "pool"],
        &["100", "100,000", "ratio"],
    );
    for (operation, title) in OPERATIONS {
        bounds.waiters(operation, title, &mut queue, &mut rows);
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

    fn case(&self, place: Place, load: Load, caller: Caller, id: &str, jobs: u64) -> (String, Case<'a>) {
        let way = load.ways().into_iter().find(|way| way.id == id).expect("the way exists");
        let title = way.title.to_owned();
        let runtime = self.runtimes.of(place);
        (title, Case::timed(jobs, move || way.run(runtime, caller, SIZE, jobs)))
    }

    /// The time of two ways.
    fn wall(&self, place: Place, what: &str, against: &str, load: Load, limit: f64) -> Option<Bound> {
        let name = format!("wall/{}/{}/{what}", place.name(), load.name());
        let jobs = if load == Load::Computes10us { 1_000 } else { 10_000 };
        let cases = |id| Caller::ALL.map(|caller| self.case(place, load, caller, id, jobs));
        let ([(what, task), (_, main)], [(against, task_peer), (_, main_peer)]) = (cases(what), cases(against));
        let [task, task_peer, main, main_peer] = self.samples(&name, &[task, task_peer, main, main_peer])?;
        let (figure, main) = (task.ratio(&task_peer), Some(main.ratio(&main_peer)));
        let setting = format!("{}, {}, wall", load.title(), place.threads());
        Some(Bound { what, against, setting, figure, main, limit, at_least: false, unit: "" })
    }

    /// Throughput of CPU-bound jobs, on two threads and on one.
    fn throughput(&self, way: &str) -> Option<Bound> {
        let (what, two) = self.case(Place::TwoThreads, Load::Computes10us, Caller::Task, way, 1_000);
        let (_, one) = self.case(Place::Current, Load::Computes10us, Caller::Task, way, 1_000);
        let [two, one] = self.samples(&format!("throughput/{way}"), &[two, one])?;
        Some(Bound {
            what,
            against: "the same on one thread".into(),
            setting: "10 us of CPU, two threads, throughput".into(),
            figure: one.ratio(&two),
            main: None,
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
            main: None,
            limit: 0.8,
            at_least: false,
            unit: "",
        })
    }

    fn waiters(&self, operation: Operation, title: &str, table: &mut Table, rows: &mut Vec<Bound>) {
        let runtime = self.runtimes.of(Place::Current);
        let operations = 2_000;
        let jobs = operations as u64;
        let pool = |waiters| Case::timing(jobs, move || runtime.block_on(operation.in_pool(waiters, operations)));
        let semaphore =
            |waiters| Case::timing(jobs, move || runtime.block_on(operation.in_semaphore(waiters, operations)));
        let cases = [pool(FEW), pool(MANY), semaphore(FEW), semaphore(MANY)];
        let Some([few, many, peer_few, peer_many]) = self.samples(&format!("waiters/{title}"), &cases) else { return };
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
        let mut bound = |against: &str, figure, limit| {
            rows.push(Bound {
                what: format!("{title}, 100,000 waiters"),
                against: against.to_owned(),
                setting: "current thread, wall".into(),
                figure,
                main: None,
                limit,
                at_least: false,
                unit: "",
            });
        };
        if !matches!(operation, Operation::GiveUp) {
            bound("the same, 100 waiters", many.ratio(&few), 1.5);
        }
        if matches!(operation, Operation::Serve) {
            bound("the same with a Semaphore", many.ratio(&peer_many), 1.0);
        }
    }
}
