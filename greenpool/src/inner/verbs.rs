//! The pending verbs of a job, and the polls of its branches.
//!
//! A job may have any number of both. So what is asked after each change is counted as they change, and nothing here
//! that happens often looks at all of them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::task::Waker;

use slab::Slab;

use crate::inner::bag::{Bag, Place};
use crate::inner::effects::Effects;
use crate::inner::wait::{Lent, ReadySource, Shared, WaitEdge};
use crate::sync::slots::Ticket;

/// How many verbs are woken to see whether a poll blocks its thread.
const SUSPECTED: usize = 16;

/// In so many polls in a row, verbs of a branch are woken to find out whether its polls block their threads.
const MAX_WAKES: u32 = 64;

pub(crate) struct Verbs {
    /// Those that were polled last are at the end. Set aside are those that are ready, and that the job has not come to
    /// although it was woken for them: no search looks at these.
    waits: Bag<WaitEdge>,
    counts: Counts,
}

struct Counts {
    branches: Slab<Branch>,
    /// How many polls are in progress.
    polling: usize,
    /// How many of these are known to block their threads.
    blocking: usize,
    /// How many of these are of branches that still exist.
    in_progress: usize,
    /// In how many of those a verb has been polled that is pending.
    held_up: usize,
    /// How many verbs may be awaited in place, in those.
    in_place: usize,
    /// The verbs, in polls in progress, that wait only for the job's slot.
    resuming: BTreeSet<usize>,
    /// The branches that may not be polled before the job has its slot.
    wanting: BTreeSet<u32>,
    /// The verbs whose child runs in the slot of this job.
    lent: Vec<usize>,
    /// The spawns, by their tickets.
    spawns: HashMap<Ticket, usize>,
}

/// One branch of a job.
#[derive(Default)]
struct Branch {
    poll: PollRecord,
    /// How many verbs are pending in it.
    verbs: usize,
    /// How many of these may be awaited in place.
    in_place: usize,
    /// How many of these have been polled in its latest poll.
    seen: usize,
    /// Counts how often it became unknown whether the poll in progress blocks its thread, although its verbs were
    /// polled often.
    looks_epoch: u64,
    /// The number of the poll in which a verb was last woken to find out whether that poll blocks its thread.
    probed: Option<u64>,
    /// The number of the poll in which that was last done because the job could give its slot back.
    rechecked: Option<u64>,
    /// In how many polls either was done since a verb began or ended, or a poll was found to block its thread. Each may
    /// lead to another poll, and in jobs of several pools even to a search that does it in the next job. So it is not
    /// done for ever.
    wakes: u32,
    /// The task that polls it, as of its latest poll.
    task: Option<Arc<Shared>>,
    /// Its future has been dropped, but verbs that were pending in it are left.
    gone: bool,
}

/// The polls of one branch: how many there have been, and the one in progress.
#[derive(Clone, Copy, Default)]
pub(crate) struct PollRecord {
    pub(crate) number: u64,
    pub(crate) in_progress: bool,
    /// The poll in progress is known to block its thread.
    pub(crate) blocks_thread: bool,
}

impl Branch {
    /// Whether a verb may be woken to find out whether the poll in progress blocks its thread. Not in the poll that
    /// follows one in which that was done: it may be the answer, and would be followed by another one.
    fn may_probe(&self) -> bool {
        self.wakes < MAX_WAKES && self.probed.is_none_or(|probed| self.poll.number > probed + 1)
    }

    /// The same, if the job could give its slot back. A poll that blocks its thread may be long, so there may be
    /// several reasons in one poll.
    fn may_recheck(&self) -> bool {
        let number = self.poll.number;
        self.rechecked == Some(number) || self.wakes < MAX_WAKES && self.rechecked.is_none_or(|last| number > last + 1)
    }

    /// A verb is woken in the poll in progress.
    fn count_wake(&mut self) {
        let number = Some(self.poll.number);
        self.wakes += u32::from(self.probed != number && self.rechecked != number);
    }
}

impl Verbs {
    /// No verbs. The first branch is being polled, if that is so.
    pub(crate) fn new(in_progress: bool) -> Self {
        let mut branches = Slab::new();
        let poll = PollRecord { number: 1, in_progress, blocks_thread: false };
        branches.insert(Branch { poll, ..Branch::default() });
        let polls = usize::from(in_progress);
        let counts = Counts {
            branches,
            polling: polls,
            blocking: 0,
            in_progress: polls,
            held_up: 0,
            in_place: 0,
            resuming: BTreeSet::new(),
            wanting: BTreeSet::new(),
            lent: Vec::new(),
            spawns: HashMap::new(),
        };
        Verbs { waits: Bag::default(), counts }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waits.is_empty()
    }

    pub(crate) fn get(&self, key: usize) -> Option<&WaitEdge> {
        self.waits.get(key)
    }

    /// Of the verbs that are not set aside, the one that has not been polled for the longest time.
    pub(crate) fn first(&self) -> Option<(Place, &WaitEdge)> {
        self.waits.first()
    }

    /// The verb after that, and so on. `None` if the last one is gone.
    pub(crate) fn after(&self, last: Place) -> Option<Option<(Place, &WaitEdge)>> {
        self.waits.get(last.key)?;
        Some(self.waits.after(last))
    }

    pub(crate) fn is_aside(&self, key: usize) -> bool {
        self.waits.is_aside(key)
    }

    /// Sets a verb aside until it is polled again.
    pub(crate) fn set_aside(&mut self, key: usize) {
        self.waits.set_aside(key);
    }

    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = &WaitEdge> {
        self.waits.all()
    }

    /// A verb is pending from now on. Returns its key.
    pub(crate) fn insert(&mut self, wait: WaitEdge) -> usize {
        let branch = wait.branch;
        let key = self.waits.insert(wait);
        if let Some(wait) = self.waits.get(key) {
            self.counts.add(key, wait);
        }
        self.counts.forget_wakes(branch);
        key
    }

    pub(crate) fn remove(&mut self, key: usize) -> Option<WaitEdge> {
        let wait = self.waits.remove(key)?;
        self.counts.subtract(key, &wait);
        self.counts.forget_wakes(wait.branch);
        self.counts.free(wait.branch);
        Some(wait)
    }

    /// Changes what is known of a verb.
    pub(crate) fn edit<R>(&mut self, key: usize, change: impl FnOnce(&mut WaitEdge) -> R) -> Option<R> {
        let wait = self.waits.get_mut(key)?;
        let before = wait.branch;
        self.counts.subtract(key, wait);
        let result = change(wait);
        self.counts.add(key, wait);
        self.counts.free(before);
        Some(result)
    }

    /// The spawn that waits for this ticket.
    pub(crate) fn spawn_of(&self, ticket: Ticket) -> Option<usize> {
        self.counts.spawns.get(&ticket).copied()
    }

    /// The wakers of spawns whose child ran in the slot of this job and is over.
    pub(crate) fn take_over(&mut self) -> Vec<Waker> {
        let lent = self.counts.lent.clone();
        lent.into_iter().filter_map(|key| self.edit(key, WaitEdge::take_over)?).collect()
    }

    /// This branch may not be polled before the job has its slot.
    pub(crate) fn want_slot(&mut self, branch: u32) {
        self.counts.wanting.insert(branch);
    }

    /// Such branches, and the wakers of their tasks. They are woken only once.
    pub(crate) fn take_wanting(&mut self) -> (Vec<u32>, Vec<Waker>) {
        let wanting = std::mem::take(&mut self.counts.wanting);
        let branches = wanting.into_iter().filter_map(|id| Some((id, self.counts.branches.get(id as usize)?)));
        branches.filter_map(|(id, branch)| Some((id, branch.task.as_ref().map(Shared::waker)?))).unzip()
    }

    /// The wakers of the verbs, in polls in progress, that wait only for the job's slot.
    pub(crate) fn resuming_wakers(&self) -> Vec<Waker> {
        let resuming = self.counts.resuming.iter().filter_map(|key| self.waits.get(*key));
        resuming.map(|wait| wait.waker.clone()).collect()
    }

    /// How many polls are in progress.
    pub(crate) fn polling(&self) -> usize {
        self.counts.polling
    }

    /// Whether all polls in progress are known to block their threads.
    pub(crate) fn all_block(&self) -> bool {
        self.counts.polling == self.counts.blocking
    }

    /// Whether a verb is pending in each poll in progress.
    pub(crate) fn all_held_up(&self) -> bool {
        self.counts.held_up == self.counts.in_progress
    }

    /// Whether a verb is pending in a poll in progress that may be awaited in place.
    pub(crate) fn may_be_in_place(&self) -> bool {
        self.counts.in_place > 0
    }

    /// Whether a verb waits only for the job's slot.
    pub(crate) fn is_resuming(&self) -> bool {
        !self.counts.resuming.is_empty()
    }

    /// A new branch. Returns its key.
    pub(crate) fn add_branch(&mut self) -> u32 {
        self.counts.branches.insert(Branch::default()) as u32
    }

    /// The future of that branch has been dropped.
    pub(crate) fn remove_branch(&mut self, branch: u32) {
        self.counts.wanting.remove(&branch);
        self.counts.leave_poll(branch);
        let Some(gone) = self.counts.branch(branch) else { return };
        gone.gone = true;
        self.counts.free(branch);
    }

    /// The latest poll of that branch, if it exists.
    pub(crate) fn poll(&self, branch: u32) -> Option<PollRecord> {
        self.counts.branches.get(branch as usize).filter(|branch| !branch.gone).map(|branch| branch.poll)
    }

    /// The latest poll of the branch that a verb is pending in.
    pub(crate) fn poll_of(&self, wait: &WaitEdge) -> PollRecord {
        self.poll(wait.branch).unwrap_or_default()
    }

    /// A branch is about to be polled.
    pub(crate) fn begin_poll(&mut self, branch: u32) {
        self.counts.leave_poll(branch);
        self.counts.polling += 1;
        let Some(polled) = self.counts.branch(branch) else { return };
        polled.poll = PollRecord { number: polled.poll.number + 1, in_progress: true, blocks_thread: false };
        polled.seen = 0;
        let in_place = polled.in_place;
        self.counts.in_progress += 1;
        self.counts.in_place += in_place;
    }

    /// A branch has been polled. Verbs in it that waited for the job's slot do so no longer: they find it in the next
    /// poll. Returns their wakers.
    pub(crate) fn end_poll(&mut self, branch: u32) -> Vec<Waker> {
        self.set_blocks_thread(branch, false);
        self.counts.polling -= 1;
        self.counts.leave_poll(branch);
        let resuming = self.counts.resuming.clone();
        let mut stop = |key: usize| {
            self.waits.get(key).filter(|wait| wait.branch == branch)?;
            self.edit(key, |wait| {
                wait.resuming = false;
                wait.waker.clone()
            })
        };
        resuming.into_iter().filter_map(&mut stop).collect()
    }

    /// Notes whether the poll in progress of that branch is known to block its thread. Returns whether that is new.
    pub(crate) fn set_blocks_thread(&mut self, branch: u32, blocks_thread: bool) -> bool {
        let Some(polled) = self.counts.branch(branch).filter(|branch| branch.poll.in_progress) else { return false };
        let old = std::mem::replace(&mut polled.poll.blocks_thread, blocks_thread);
        if blocks_thread {
            polled.wakes = 0;
        }
        self.counts.blocking -= usize::from(old);
        self.counts.blocking += usize::from(blocks_thread);
        old != blocks_thread
    }

    /// How many polls in progress are not known to block their threads.
    pub(crate) fn not_blocking(&self) -> usize {
        self.counts.polling - self.counts.blocking
    }

    /// Something has happened in the poll of that branch, so it is unknown again whether it blocks its thread.
    pub(crate) fn unmark_blocking(&mut self, branch: u32) {
        self.set_blocks_thread(branch, false);
        self.forget_probe(branch);
    }

    /// A search may wake a verb of that branch again to find that out.
    pub(crate) fn forget_probe(&mut self, branch: u32) {
        if let Some(branch) = self.counts.branch(branch) {
            branch.probed = None;
        }
    }

    /// A verb is being polled, in the latest poll of its branch. Returns whether it has been polled there before.
    pub(crate) fn look(&mut self, key: usize) -> bool {
        let Some(wait) = self.waits.get(key) else { return false };
        let (branch, number) = (wait.branch, self.poll_of(wait).number);
        let epoch = self.counts.branches.get(branch as usize).map_or(0, |branch| branch.looks_epoch);
        let looked = self.edit(key, |wait| {
            let again = std::mem::replace(&mut wait.last_polled, number) == number;
            let goes_on = std::mem::replace(&mut wait.looks_epoch, epoch) == epoch && again;
            wait.looks = if goes_on { wait.looks.saturating_add(1) } else { 1 };
            again
        });
        self.waits.move_to_end(key);
        looked.unwrap_or_default()
    }

    /// The verb of a branch that was polled last, if that was in its latest poll.
    fn latest(&self, id: u32) -> Option<(usize, &WaitEdge)> {
        let branch = self.counts.branches.get(id as usize).filter(|branch| branch.seen > 0)?;
        let mut waits = self.waits.iter_back().map(|(place, wait)| (place.key, wait));
        waits.find(|(_, wait)| wait.branch == id && wait.last_polled == branch.poll.number)
    }

    /// What to wake to see whether the polls in progress block their threads, except that of branch `except`: in each
    /// the verbs that were polled last. If the poll is in a `block_on`, this wakes it.
    pub(crate) fn suspected(&self, except: Option<u32>) -> Vec<Waker> {
        self.polled_except(except).into_iter().flat_map(|id| self.suspected_in(id)).collect()
    }

    /// The same, if the job could give its slot back: not in a poll that may be the answer to that.
    pub(crate) fn recheck(&mut self, except: Option<u32>) -> Vec<Waker> {
        let mut branches = self.polled_except(except);
        branches.retain(|id| self.may_recheck(*id));
        branches.into_iter().flat_map(|id| self.suspected_in(id)).collect()
    }

    /// The branches whose polls are in progress, except that one.
    fn polled_except(&self, except: Option<u32>) -> Vec<u32> {
        let branches = self.counts.branches.iter().filter(|(_, branch)| branch.poll.in_progress);
        branches.map(|(id, _)| id as u32).filter(|id| Some(*id) != except).collect()
    }

    /// Whether a verb in the poll of that branch may be woken for that reason. Notes that it will be.
    pub(crate) fn may_recheck(&mut self, branch: u32) -> bool {
        let Some(branch) = self.counts.branch(branch).filter(|branch| branch.may_recheck()) else { return false };
        branch.count_wake();
        branch.rechecked = Some(branch.poll.number);
        true
    }

    /// Whether a search has woken a verb to find out whether the poll in progress of that branch blocks its thread.
    pub(crate) fn is_probed(&self, branch: u32) -> bool {
        self.counts.branches.get(branch as usize).is_some_and(|branch| branch.probed == Some(branch.poll.number))
    }

    /// The number of the poll in which that was last done.
    #[cfg(test)]
    pub(crate) fn last_probe(&self, branch: u32) -> Option<u64> {
        self.counts.branches[branch as usize].probed
    }

    /// The verbs that were polled last in the poll in progress. One of them alone may have been polled with a waker
    /// that wakes nothing, as `now_or_never` does.
    fn suspected_in(&self, id: u32) -> impl Iterator<Item = Waker> {
        let branch = self.counts.branches.get(id as usize);
        let (number, seen) = branch.map_or((0, 0), |branch| (branch.poll.number, branch.seen));
        let waits = self.waits.iter_back().map(|(_, wait)| wait);
        let seen = waits.filter(move |wait| wait.branch == id && wait.last_polled == number).take(seen.min(SUSPECTED));
        seen.filter(|wait| wait.maybe_in_place).map(|wait| wait.waker.clone())
    }

    /// Wakes verbs in each of a suspect's polls, once, to see whether one is polled again within the same poll of the
    /// job. If none has been polled in it yet, that may be one of those that were polled before, so the last of these
    /// are woken.
    pub(crate) fn probe(&mut self, effects: &mut Effects) {
        if !self.may_be_in_place() {
            return;
        }
        let in_progress = self.counts.branches.iter().filter(|(_, branch)| branch.poll.in_progress);
        let unknown = in_progress.filter(|(_, branch)| !branch.poll.blocks_thread && branch.may_probe());
        for id in unknown.map(|(id, _)| id).collect::<Vec<_>>() {
            let branch = &mut self.counts.branches[id];
            branch.count_wake();
            branch.probed = Some(branch.poll.number);
            if branch.seen > 0 {
                effects.wakers.extend(self.suspected_in(id as u32));
            } else {
                let latest = self.waits.iter_back().map(|(_, wait)| wait).take(SUSPECTED);
                let in_place = latest.filter(|wait| wait.branch as usize == id && wait.maybe_in_place);
                effects.wakers.extend(in_place.map(|wait| wait.waker.clone()));
            }
        }
    }

    /// Whether the task that polls this branch has that waker.
    pub(crate) fn is_polled_with(&self, id: u32, waker: &Waker) -> bool {
        let task = self.counts.branches.get(id as usize).and_then(|branch| branch.task.as_ref());
        task.is_some_and(|task| task.will_wake(waker))
    }

    /// Stores the waker of the task that polls this branch. Returns the old one, to be dropped with no lock held.
    pub(crate) fn set_task(&mut self, id: u32, task: Arc<Shared>) -> Option<Arc<Shared>> {
        match self.counts.branch(id) {
            Some(branch) => branch.task.replace(task),
            None => Some(task),
        }
    }

    /// What to wake so that the job is polled: its task or, if it has been polled only once, all of its verbs. One of
    /// them alone may have been polled with a waker that wakes nothing any longer.
    pub(crate) fn job_wakers(&self) -> Vec<Waker> {
        match self.counts.branches.get(0).and_then(|job| job.task.as_ref()) {
            Some(task) => vec![task.waker()],
            None => self.waits.all().map(|wait| wait.waker.clone()).collect(),
        }
    }

    /// Wakes a verb, to see whether its branch comes to it. It may have been polled with a waker that wakes nothing any
    /// longer, so this also wakes the task of the branch, or the `block_on` that it is in. Whether the poll in progress
    /// blocks its thread must be found out anew.
    pub(crate) fn wake(&mut self, key: usize, effects: &mut Effects) {
        let Some(wait) = self.waits.get(key) else { return };
        let (id, own) = (wait.branch, wait.waker.clone());
        self.set_blocks_thread(id, false);
        let Some(branch) = self.counts.branch(id) else { return effects.wakers.push(own) };
        branch.probed = Some(branch.poll.number);
        branch.looks_epoch += 1;
        effects.wakers.push(own);
        let waker = |other: usize, wait: &WaitEdge| (other != key).then(|| wait.waker.clone());
        match self.counts.branches.get(id as usize).and_then(|branch| branch.task.as_ref()) {
            Some(task) => {
                let latest = self.latest(id).and_then(|(other, wait)| waker(other, wait));
                effects.wakers.extend(latest.into_iter().chain([task.waker()]));
            }
            // It has been polled only once, or its first poll is not over.
            None => {
                let all = self.waits.iter().filter(|(_, wait)| wait.branch == id);
                effects.wakers.extend(all.filter_map(|(place, wait)| waker(place.key, wait)));
            }
        }
    }
}

impl Counts {
    fn branch(&mut self, branch: u32) -> Option<&mut Branch> {
        self.branches.get_mut(branch as usize).filter(|branch| !branch.gone)
    }

    /// A verb of that branch has begun or ended.
    fn forget_wakes(&mut self, branch: u32) {
        if let Some(branch) = self.branch(branch) {
            branch.wakes = 0;
        }
    }

    fn add(&mut self, key: usize, wait: &WaitEdge) {
        if wait.resuming {
            self.resuming.insert(key);
        }
        if wait.lent == Lent::Yes {
            self.lent.push(key);
        }
        if let (ReadySource::Child(_), Some(ticket)) = (&wait.source, wait.ticket) {
            self.spawns.insert(ticket, key);
        }
        let Some(branch) = self.branches.get_mut(wait.branch as usize) else { return };
        branch.verbs += 1;
        branch.in_place += usize::from(wait.maybe_in_place);
        let sees = wait.last_polled == branch.poll.number;
        branch.seen += usize::from(sees);
        if branch.poll.in_progress {
            self.in_place += usize::from(wait.maybe_in_place);
            self.held_up += usize::from(sees && branch.seen == 1);
        }
    }

    fn subtract(&mut self, key: usize, wait: &WaitEdge) {
        self.resuming.remove(&key);
        if wait.lent == Lent::Yes {
            self.lent.retain(|lent| *lent != key);
        }
        if let (ReadySource::Child(_), Some(ticket)) = (&wait.source, wait.ticket) {
            if self.spawns.get(&ticket) == Some(&key) {
                self.spawns.remove(&ticket);
            }
        }
        let Some(branch) = self.branches.get_mut(wait.branch as usize) else { return };
        branch.verbs -= 1;
        branch.in_place -= usize::from(wait.maybe_in_place);
        let saw = wait.last_polled == branch.poll.number;
        branch.seen -= usize::from(saw);
        if branch.poll.in_progress {
            self.in_place -= usize::from(wait.maybe_in_place);
            self.held_up -= usize::from(saw && branch.seen == 0);
        }
    }

    /// The poll of a branch is over, if it is in progress.
    fn leave_poll(&mut self, branch: u32) {
        let Some(polled) = self.branch(branch).filter(|branch| branch.poll.in_progress) else { return };
        polled.poll.in_progress = false;
        let was_blocking = std::mem::replace(&mut polled.poll.blocks_thread, false);
        let (in_place, was_held_up) = (polled.in_place, polled.seen > 0);
        self.blocking -= usize::from(was_blocking);
        self.in_progress -= 1;
        self.in_place -= in_place;
        self.held_up -= usize::from(was_held_up);
    }

    /// Frees the key of a branch that is gone, once no verb has it.
    fn free(&mut self, branch: u32) {
        if self.branches.get(branch as usize).is_some_and(|branch| branch.gone && branch.verbs == 0) {
            self.branches.remove(branch as usize);
        }
    }
}
