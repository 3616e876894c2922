//! `Debug` output that prints a program like code.

use std::fmt::{self, Debug, Formatter, Result};

use crate::program::{
    Act, Block, End, Fan, Fault, Job, Map, Outer, Phase, Pile, Pool, Producer, Program, Taken, Then, Verb, Way,
};

impl Debug for Program {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for (pool, size) in self.sizes.iter().enumerate() {
            let kind = if self.declared && pool + 1 == self.sizes.len() { "declared" } else { "new" };
            let per_key = self.per_key.map(|per_key| format!(", per_key = {per_key}")).unwrap_or_default();
            writeln!(f, "let {} = {kind}({size}{per_key});", name(pool))?;
        }
        for phase in &self.phases {
            writeln!(f, "{phase:?}")?;
        }
        match self.grace {
            Some(grace) => write!(f, "shutdown({grace}ms)"),
            None => Ok(()),
        }
    }
}

impl Debug for Phase {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self.cut {
            Some(turns) => write!(f, "runtime dropped after {turns} turns ")?,
            None => write!(f, "runtime ")?,
        }
        block(f, &self.main, 0)
    }
}

impl Debug for Outer {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        line(f, self, 0)
    }
}

impl Debug for Act {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.write(f, 0)
    }
}

/// Formatting that may take several lines.
trait Write {
    fn write(&self, f: &mut Formatter<'_>, depth: usize) -> Result;
}

fn line(f: &mut Formatter<'_>, what: &impl Write, depth: usize) -> Result {
    what.write(f, depth)
}

fn name(pool: Pool) -> char {
    ['a', 'b', 'c', 'd'][pool]
}

fn indent(f: &mut Formatter<'_>, depth: usize) -> Result {
    write!(f, "\n{:1$}", "", depth * 4)
}

fn block(f: &mut Formatter<'_>, acts: &[impl Write], depth: usize) -> Result {
    if acts.is_empty() {
        return f.write_str("{}");
    }
    f.write_str("{")?;
    for act in acts {
        indent(f, depth + 1)?;
        act.write(f, depth + 1)?;
        f.write_str(";")?;
    }
    indent(f, depth)?;
    f.write_str("}")
}

fn list(f: &mut Formatter<'_>, items: &[impl Write], depth: usize) -> Result {
    for (at, item) in items.iter().enumerate() {
        f.write_str(if at == 0 { "" } else { ", " })?;
        item.write(f, depth)?;
    }
    Ok(())
}

impl Write for Block {
    fn write(&self, f: &mut Formatter<'_>, depth: usize) -> Result {
        block(f, self, depth)
    }
}

impl Write for Job {
    fn write(&self, f: &mut Formatter<'_>, depth: usize) -> Result {
        write!(f, "key {} ", self.key)?;
        block(f, &self.acts, depth)?;
        f.write_str(match self.end {
            End::Return => "",
            End::Panic => " panic!",
            End::PanicInDrop => " panic in drop!",
        })
    }
}

impl Write for Outer {
    fn write(&self, f: &mut Formatter<'_>, depth: usize) -> Result {
        match self {
            Outer::Act(act) => act.write(f, depth),
            Outer::WaitAll(pool) => write!(f, "{}.waitall().await", name(*pool)),
            Outer::Close(pool) => write!(f, "{}.close()", name(*pool)),
            Outer::Slot(pool, None) => write!(f, "{}.slot().await -> dropped", name(*pool)),
            Outer::Slot(pool, Some(job)) => {
                write!(f, "{}.slot().await.spawn_n(", name(*pool))?;
                job.write(f, depth)?;
                f.write_str(")")
            }
        }
    }
}

impl Write for Act {
    fn write(&self, f: &mut Formatter<'_>, depth: usize) -> Result {
        match self {
            Act::Yield => f.write_str("yield_now().await"),
            Act::Sleep => f.write_str("sleep(1ms).await"),
            Act::Panic => f.write_str("panic!()"),
            Act::Resize(pool, size) => write!(f, "{}.resize({size})", name(*pool)),
            Act::AbortAll(pool) => write!(f, "{}.abort_all()", name(*pool)),
            Act::Spawn(pool, job, then) => spawn(f, *pool, "spawn", job, Some(*then), depth),
            Act::SpawnN(pool, job) => spawn(f, *pool, "spawn_n", job, None, depth),
            Act::KeepSpawn(pool, job) => {
                f.write_str("kept = ")?;
                spawn(f, *pool, "spawn", job, None, depth)
            }
            Act::TrySpawn(pool, job, then) => spawn(f, *pool, "try_spawn", job, Some(*then), depth),
            Act::Queue(pool, job) => spawn(f, *pool, "queue", job, None, depth),
            Act::Map(map) => map.write(f, depth),
            Act::Pile(pile) => pile.write(f, depth),
            Act::Fan(fan) => fan.write(f, depth),
            Act::Join(blocks) => {
                f.write_str("join!(")?;
                list(f, blocks, depth)?;
                f.write_str(")")
            }
            Act::Select(blocks) => {
                f.write_str("select!(")?;
                list(f, blocks, depth)?;
                f.write_str(")")
            }
            Act::Polls(polls, acts) => {
                write!(f, "dropped after {polls} polls: ")?;
                acts.write(f, depth)
            }
            Act::Lend(acts) => {
                f.write_str("lend(")?;
                acts.write(f, depth)?;
                f.write_str(").await")
            }
            Act::Part(acts) => {
                f.write_str("inherit(")?;
                acts.write(f, depth)?;
                f.write_str(").await")
            }
            Act::Timeout(ms, acts) => {
                write!(f, "timeout({ms}ms): ")?;
                acts.write(f, depth)
            }
            Act::Reopen(pool) => write!(f, "{0}.close(), then {0}.reopen()", name(*pool)),
            Act::WaitAll(pool) => Outer::WaitAll(*pool).write(f, depth),
            Act::Slot(pool, job) => Outer::Slot(*pool, job.clone()).write(f, depth),
            Act::HandOver(pools, jobs) => {
                spawn(f, pools[1], "spawn", &jobs[1], None, depth)?;
                f.write_str(" which awaits ")?;
                spawn(f, pools[0], "spawn", &jobs[0], None, depth)
            }
            Act::Detach(acts) => {
                f.write_str("tokio::spawn(inherit(")?;
                acts.write(f, depth)?;
                f.write_str("))")
            }
            Act::Abandon(turns, acts) => {
                f.write_str("tokio::spawn(inherit(")?;
                acts.write(f, depth)?;
                write!(f, ")), aborted after {turns} turns")
            }
            Act::ResizePerKey(pool, limit) => write!(f, "{}.resize_per_key({limit})", name(*pool)),
            Act::Inherit(acts) => {
                f.write_str("tokio::spawn(inherit(")?;
                acts.write(f, depth)?;
                f.write_str(")).await")
            }
            Act::InPlace(acts) => {
                f.write_str("block_in_place(")?;
                acts.write(f, depth)?;
                f.write_str(")")
            }
        }
    }
}

fn spawn(f: &mut Formatter<'_>, pool: Pool, verb: &str, job: &Job, then: Option<Then>, depth: usize) -> Result {
    write!(f, "{}.{verb}(", name(pool))?;
    job.write(f, depth)?;
    f.write_str(if matches!(verb, "try_spawn" | "queue") { ")" } else { ").await" })?;
    f.write_str(match then {
        None => "",
        Some(Then::Await) => ".await",
        Some(Then::Drop) => " -> dropped",
        Some(Then::Abort) => ".abort()",
        Some(Then::Keep) => " -> kept",
    })
}

impl Write for Map {
    fn write(&self, f: &mut Formatter<'_>, depth: usize) -> Result {
        write!(f, "{}.", name(self.pool))?;
        match self.verb {
            Verb::Imap => f.write_str("imap")?,
            Verb::ImapUnordered => f.write_str("imap_unordered")?,
            Verb::Starmap => f.write_str("starmap")?,
            Verb::StarmapUnordered => f.write_str("starmap_unordered")?,
            Verb::ImapStream => f.write_str("imap_stream")?,
            Verb::ImapStreamUnordered => f.write_str("imap_stream_unordered")?,
            Verb::Chained(pool) => write!(f, "imap_stream over {}.imap", name(pool))?,
        }
        f.write_str("([")?;
        list(f, &self.jobs, depth)?;
        f.write_str("])")?;
        if let Some(window) = self.window {
            write!(f, ".window({window})")?;
        }
        match self.fault {
            Some(Fault::Source(at)) => write!(f, " source panics at {at}")?,
            Some(Fault::Function(at)) => write!(f, " function panics at {at}")?,
            None => {}
        }
        self.taken.fmt(f)
    }
}

impl fmt::Debug for Taken {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Taken::All => f.write_str(" -> all taken"),
            Taken::ThenDropped(taken) => write!(f, " -> {taken} taken, then dropped"),
            Taken::ThenDetached(taken) => write!(f, " -> {taken} taken, then detached"),
            Taken::ThenStopped(taken) => write!(f, " -> {taken} taken, then stopped"),
        }
    }
}

impl Write for Pile {
    fn write(&self, f: &mut Formatter<'_>, depth: usize) -> Result {
        write!(f, "GreenPile::on({})", name(self.pool))?;
        f.write_str(match self.by {
            Producer::First => ".spawn each [",
            Producer::Concurrent => ".spawner() in join! [",
            Producer::Inheriting => ".spawner() in tokio::spawn(inherit) [",
            Producer::Unrelated => ".spawner() in tokio::spawn [",
        })?;
        list(f, &self.jobs, depth)?;
        f.write_str(if self.unordered { "] unordered" } else { "]" })?;
        self.taken.fmt(f)
    }
}

impl Write for Fan {
    fn write(&self, f: &mut Formatter<'_>, depth: usize) -> Result {
        write!(f, "pile![in {}; ", name(self.pool))?;
        list(f, &self.jobs, depth)?;
        f.write_str("]")?;
        match self.way {
            Way::Join => f.write_str(".join().await"),
            Way::TryJoin => f.write_str(".try_join().await"),
            Way::Next(taken) => taken.fmt(f),
            Way::Unordered(taken) => {
                f.write_str(" unordered")?;
                taken.fmt(f)
            }
        }
    }
}
