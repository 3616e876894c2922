//! Executes the steps and operations of the scripts as calls to greenpool.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use futures::future::BoxFuture;
use greenpool::{GreenMap, GreenPile, GreenPool};
use greenpool_tests::until_idle;
use serde_json::{Value, json};

use crate::format::{Observation, Op, Scenario, Step};
use crate::job::{Source, call, job};
use crate::world::{Consumer, Handle, Signal, World, counters, outcome};

/// Runs the first `steps` steps of a script, and returns what was observed after each.
pub(crate) fn run(scenario: &Scenario, steps: usize) -> Vec<Observation> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    let world = World::new(scenario.jobs.clone());
    let seen = runtime.block_on(async {
        let mut seen = Vec::with_capacity(steps);
        for step in &scenario.steps[..steps] {
            world.drive(step);
            until_idle().await;
            seen.push(world.observe());
        }
        seen
    });
    drop(runtime);
    world.clear();
    seen
}

/// Records the result of one call, or that it was cancelled.
struct Call<'a> {
    world: &'a World,
    id: String,
    returned: bool,
}

impl Call<'_> {
    fn returns(&mut self, result: Value) {
        self.returned = true;
        self.world.state().seen.returned.insert(self.id.clone(), result);
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if !self.returned {
            self.returns(json!({"cancelled": true}));
        }
    }
}

impl World {
    fn drive(&self, step: &Step) {
        let world = self.clone();
        let Step { driver, op } = step.clone();
        let name = driver.clone();
        let task = tokio::spawn(async move { world.perform(driver, &op).await });
        self.state().drivers.insert(name, task.abort_handle());
    }

    /// Performs operations in sequence. The k-th call of `owner` is `owner.k`. Boxed, since lists can nest.
    pub(crate) fn perform_all<'a>(&'a self, owner: &'a str, ops: &'a [Op]) -> BoxFuture<'a, ()> {
        async move {
            for (k, op) in ops.iter().enumerate() {
                self.perform(format!("{owner}.{k}"), op).await;
            }
        }
        .boxed()
    }

    async fn perform(&self, id: String, op: &Op) {
        let mut call = Call { world: self, id, returned: false };
        let result = match op {
            Op::Seq { ops } => {
                self.perform_all(&call.id, ops).await;
                done()
            }
            op => self.operate(op).await,
        };
        call.returns(result);
    }

    async fn operate(&self, op: &Op) -> Value {
        match op {
            Op::NewPool { pool, size } => self.new_pool(pool, size.as_ref()),
            Op::Spawn { pool, job } => self.spawn(pool, job).await,
            Op::SpawnN { pool, job: id } => {
                self.pool(pool).spawn_n(job(self, id, vec![])).await;
                done()
            }
            Op::Open { job } => self.set(job, Signal::Open),
            Op::Fail { job } => self.set(job, Signal::Fail),
            Op::Join { job } => self.join(job).await,
            Op::Kill { job } => self.kill(job).await,
            Op::CancelDriver { driver } => {
                self.state().drivers[driver].abort();
                done()
            }
            Op::Resize { pool, size } => self.resize(pool, size),
            Op::Waitall { pool } => self.waitall(pool).await,
            Op::Imap { pool, map, sources, func } => {
                let run_jobs = func.as_deref() != Some("none");
                self.imap(pool, map, sources.clone(), run_jobs)
            }
            Op::Starmap { pool, map, args } => self.starmap(pool, map, args.clone()),
            Op::Next { map } => self.next(map).await,
            Op::NewPile { pile, pool, size } => self.new_pile(pile, pool.as_deref(), size.as_ref()),
            Op::PileSpawn { pile, job } => self.pile_spawn(pile, job).await,
            Op::PileNext { pile } => self.pile_next(pile).await,
            Op::Look { pool } => self.look(pool),
            Op::Seq { .. } => unreachable!("a list is not one operation"),
        }
    }

    fn new_pool(&self, name: &str, wanted: Option<&Value>) -> Value {
        let pool = match wanted.map(size).transpose() {
            Ok(size) => size.map_or_else(GreenPool::default, GreenPool::new),
            Err(exception) => return exception,
        };
        self.state().pools.insert(name.to_owned(), pool);
        done()
    }

    async fn spawn(&self, pool: &str, id: &str) -> Value {
        let thread = self.pool(pool).spawn(job(self, id, vec![])).await;
        let abort = thread.abort_handle();
        let result = thread.map(outcome).boxed().shared();
        self.state().handles.insert(id.to_owned(), Handle { result, abort });
        done()
    }

    fn set(&self, job: &str, signal: Signal) -> Value {
        self.set_gate(job, signal);
        done()
    }

    async fn join(&self, job: &str) -> Value {
        let handle = self.state().handles.get(job).cloned();
        match handle {
            Some(handle) => handle.result.await,
            None => json!({"no_handle": true}),
        }
    }

    async fn kill(&self, job: &str) -> Value {
        let handle = self.state().handles.get(job).cloned();
        let Some(handle) = handle else {
            return json!({"no_handle": true});
        };
        handle.abort.abort();
        // A killed job ends at its next await, which matters when it killed itself. eventlet also lets others run here.
        tokio::task::yield_now().await;
        done()
    }

    fn resize(&self, pool: &str, to: &Value) -> Value {
        match size(to) {
            Ok(size) => self.pool(pool).resize(size),
            Err(exception) => return exception,
        }
        done()
    }

    async fn waitall(&self, pool: &str) -> Value {
        let pool = self.pool(pool);
        let all = AssertUnwindSafe(async move { pool.waitall().await });
        match all.catch_unwind().await {
            Ok(()) => done(),
            Err(_) => json!({"exception": "AssertionError"}),
        }
    }

    fn imap(&self, pool: &str, map: &str, sources: Vec<Vec<Value>>, run_jobs: bool) -> Value {
        self.state().map_seen(map);
        let pool = self.pool(pool);
        let mut sources: Vec<Source> =
            sources.into_iter().enumerate().map(|(index, items)| Source::new(self, map, index, items)).collect();
        let world = self.clone();
        let green = match sources.len() {
            1 => pool.imap(move |a| call(&world, run_jobs, vec![a]), sources.remove(0)),
            2 => {
                let sources = (sources.remove(0), sources.remove(0));
                pool.imap(move |a, b| call(&world, run_jobs, vec![a, b]), sources)
            }
            3 => {
                let sources = (sources.remove(0), sources.remove(0), sources.remove(0));
                pool.imap(move |a, b, c| call(&world, run_jobs, vec![a, b, c]), sources)
            }
            n => panic!("the format has no map over {n} sources"),
        };
        self.insert_map(map, &pool, green)
    }

    fn starmap(&self, pool: &str, map: &str, rows: Vec<Value>) -> Value {
        let pool = self.pool(pool);
        let source = Source::new(self, map, 0, rows).map(|row| match row {
            Value::Array(row) => (row,),
            other => panic!("the format does not allow {other} as the arguments of a call"),
        });
        let world = self.clone();
        // Rows differ in length, so a row cannot be a tuple. Pass it as the only argument.
        let green = pool.starmap(move |row| call(&world, true, row), source);
        self.insert_map(map, &pool, green)
    }

    fn insert_map(&self, map: &str, pool: &GreenPool, green: GreenMap<Value>) -> Value {
        // eventlet reads one item ahead of what can run.
        let green = green.window(pool.size() + 1);
        self.state().maps.insert(map.to_owned(), Consumer::new(green));
        done()
    }

    async fn next(&self, map: &str) -> Value {
        let consumer = self.state().maps[map].clone();
        let item = consumer.next().await;
        self.state().map_seen(map).items.push(item.clone());
        item
    }

    fn new_pile(&self, name: &str, pool: Option<&str>, wanted: Option<&Value>) -> Value {
        let pile = match pool {
            Some(pool) => GreenPile::on(&self.pool(pool)),
            None => match wanted.map(size).transpose() {
                Ok(size) => size.map_or_else(|| GreenPile::on(&GreenPool::default()), GreenPile::new),
                Err(exception) => return exception,
            },
        };
        let mut state = self.state();
        if pool.is_none() {
            state.pools.insert(name.to_owned(), pile.pool().clone());
        }
        state.pile_seen(name);
        state.piles.insert(name.to_owned(), Consumer::new(pile));
        done()
    }

    async fn pile_spawn(&self, pile: &str, id: &str) -> Value {
        let consumer = self.state().piles[pile].clone();
        // A spawner for this call only: the pile ends when all spawners are gone, as the script expects.
        let spawner = consumer.stream().spawner();
        spawner.spawn(job(self, id, vec![])).await;
        done()
    }

    async fn pile_next(&self, pile: &str) -> Value {
        let consumer = self.state().piles[pile].clone();
        let item = consumer.next().await;
        self.state().pile_seen(pile).items.push(item.clone());
        item
    }

    fn look(&self, pool: &str) -> Value {
        let counters = counters(&self.pool(pool));
        let started = self.state().seen.started.len();
        json!({"ok": {
            "free": counters.free, "running": counters.running, "waiting": counters.waiting, "started": started
        }})
    }
}

fn done() -> Value {
    json!({"ok": null})
}

/// Parses a size the way Python would. Python rejects at run time what the type rules out in Rust.
fn size(value: &Value) -> Result<usize, Value> {
    let Some(number) = value.as_f64() else {
        return Err(json!({"exception": "TypeError"}));
    };
    if number < 0.0 {
        return Err(json!({"exception": "ValueError"}));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small, positive number")]
    Ok(number as usize)
}
