//! [`ReorderBuffer`] against a model that keeps lists of item numbers.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;

use futures::task::{ArcWake, waker};
use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::test_runner::RngSeed;

use super::{Numbers, ReorderBuffer, Results, Signals};
use crate::job::error::JoinError;

#[derive(Clone, Debug)]
enum Op {
    Resize(usize),
    SetWindow(usize),
    /// Asks for room for this many places.
    Room(usize),
    Reserve(usize),
    /// Gives back places that have no item.
    Unreserve(usize),
    /// Reads items for this many places.
    Read(usize),
    /// Puts the result of one of the running items, an index modulo their number.
    Put(usize),
    /// Puts the results of items with consecutive numbers, from one of the running items on.
    PutMany(usize, usize),
    /// The consumer fetches what is ready, or waits with one of two wakers.
    Fetch(usize),
    Take,
    SetTotal(u64, Option<u64>),
    Drain,
    Stop(bool),
}

fn op() -> impl Strategy<Value = Op> {
    let total = (0..20_u64, proptest::option::of(0..20_u64));
    prop_oneof![
        1 => (0..6_usize).prop_map(Op::Resize),
        1 => (0..8_usize).prop_map(Op::SetWindow),
        1 => (0..4_usize).prop_map(Op::Room),
        6 => (0..5_usize).prop_map(Op::Reserve),
        2 => (0..3_usize).prop_map(Op::Unreserve),
        8 => (1..4_usize).prop_map(Op::Read),
        8 => any::<usize>().prop_map(Op::Put),
        6 => (any::<usize>(), 1..5_usize).prop_map(|(pick, many)| Op::PutMany(pick, many)),
        6 => (0..2_usize).prop_map(Op::Fetch),
        12 => Just(Op::Take),
        1 => total.prop_map(|(lower, upper)| Op::SetTotal(lower, upper)),
        1 => prop_oneof![1 => Just(Op::Drain), 2 => any::<bool>().prop_map(Op::Stop)],
    ]
}

/// The waker of a consumer.
struct Consumer;

impl ArcWake for Consumer {
    fn wake_by_ref(_: &Arc<Self>) {}
}

#[expect(clippy::struct_excessive_bools, reason = "it mirrors the flags of the buffer and its signals")]
struct Model {
    ordered: bool,
    size: usize,
    window: Option<usize>,
    reserved: u64,
    read: u64,
    /// The numbers of the items that have been read and have no result yet.
    running: Vec<u64>,
    /// The numbers of the results that have not been fetched, in the order in which they were put.
    put: Vec<u64>,
    fetched: u64,
    taken: u64,
    total: (u64, Option<u64>),
    reading: bool,
    open: bool,
    last: bool,
    /// Which of the wakers waits.
    waiting: Option<usize>,
    starved: bool,
    full: bool,
    urgent: bool,
}

impl Model {
    fn new(ordered: bool, hint: (usize, Option<usize>)) -> Self {
        Model {
            ordered,
            size: 3,
            window: None,
            reserved: 0,
            read: 0,
            running: Vec::new(),
            put: Vec::new(),
            fetched: 0,
            taken: 0,
            total: (hint.0 as u64, hint.1.map(|upper| upper as u64)),
            reading: true,
            open: true,
            last: false,
            waiting: None,
            starved: false,
            full: false,
            urgent: false,
        }
    }

    /// The places that hold no item.
    fn unread(&self) -> usize {
        (self.reserved - self.read) as usize
    }

    /// The room in the window. If it is less than `wanted`, the next take says so.
    fn room(&mut self, wanted: usize) -> usize {
        let held = (self.reserved - self.taken) as usize;
        let room = self.window.unwrap_or(self.size.max(1)).saturating_sub(held);
        self.starved |= self.open && room < wanted;
        if self.open { room } else { 0 }
    }

    /// The results that can be fetched.
    fn ready(&self) -> Vec<u64> {
        if self.ordered {
            (self.fetched..self.read).take_while(|number| self.put.contains(number)).collect()
        } else {
            self.put.clone()
        }
    }

    fn is_ready(&self) -> bool {
        !self.ready().is_empty() || !self.reading && self.reserved == self.fetched
    }

    /// The waker that must be woken, if any.
    fn wake(&mut self) -> Option<usize> {
        let woken = if self.is_ready() { self.waiting.take() } else { None };
        if woken.is_some() {
            self.urgent = !self.reading;
        }
        woken
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let rest = |total: u64| total.saturating_sub(self.taken) as usize + usize::from(self.last);
        (rest(self.total.0), self.total.1.map(rest))
    }
}

/// A buffer, its model, and the results that the consumer has fetched and not yet taken.
struct Case {
    buffer: ReorderBuffer<u64>,
    signals: Arc<Signals>,
    model: Model,
    fetched: Results<u64>,
    wakers: [Waker; 2],
}

impl Case {
    fn new(ordered: bool, hint: (usize, Option<usize>)) -> Self {
        let signals = Arc::new(Signals::default());
        Case {
            buffer: ReorderBuffer::new(&signals, ordered, hint),
            signals,
            model: Model::new(ordered, hint),
            fetched: VecDeque::new(),
            wakers: [waker(Arc::new(Consumer)), waker(Arc::new(Consumer))],
        }
    }

    fn step(&mut self, op: &Op) {
        let Case { buffer, model, .. } = self;
        match *op {
            Op::Resize(size) => model.size = size,
            Op::SetWindow(window) => {
                buffer.set_window(window);
                model.window = Some(window.max(1));
                model.full = false;
            }
            Op::Room(wanted) => assert_eq!(buffer.room(model.size, wanted), model.room(wanted)),
            Op::Reserve(many) => {
                let room = model.room(1);
                let places = many.min(room);
                assert_eq!(buffer.reserve_many(model.size, many), places);
                model.reserved += places as u64;
                model.full = places == room;
            }
            Op::Unreserve(many) => {
                let many = many.min(model.unread());
                model.reserved -= many as u64;
                model.full = false;
                if !model.reading {
                    model.total = (model.reserved, Some(model.reserved));
                }
                let woken = buffer.unreserve(many);
                self.check_woken(woken);
            }
            Op::Read(many) => {
                let many = if model.reading { many.min(model.unread()) } else { 0 };
                model.running.extend(model.read..model.read + many as u64);
                model.read += many as u64;
            }
            Op::Put(pick) => {
                let Some(at) = pick.checked_rem(model.running.len()) else { return };
                let number = model.running.remove(at);
                model.put.push(number);
                let woken = buffer.put(number, &mut Some(Ok(number)));
                self.check_woken(woken);
            }
            Op::PutMany(pick, many) => {
                let Some(at) = pick.checked_rem(model.running.len()) else { return };
                let first = model.running[at];
                let numbers = (first..).take_while(|number| model.running.contains(number)).take(many);
                let numbers: Vec<u64> = numbers.collect();
                model.running.retain(|number| !numbers.contains(number));
                model.put.extend(&numbers);
                let mut results = buffer.take_spare();
                assert!(results.is_empty(), "spare memory is empty");
                results.extend(numbers.iter().map(|number| Some(Ok(*number))));
                let woken = buffer.put_many(first, &mut results);
                assert!(results.is_empty(), "all results are in the buffer");
                buffer.put_spare(results);
                self.check_woken(woken);
            }
            Op::Fetch(consumer) => self.fetch(consumer),
            Op::Take => self.take(),
            Op::SetTotal(lower, upper) => {
                buffer.set_total((lower, upper));
                if model.reading {
                    model.total = (lower, upper);
                }
            }
            Op::Drain => {
                buffer.mark_exhausted();
                model.open = false;
            }
            Op::Stop(with_error) => {
                if model.reading {
                    model.last = with_error;
                    model.total = (model.reserved, Some(model.reserved));
                    (model.reading, model.open, model.urgent) = (false, false, true);
                }
                let woken = buffer.stop(&mut with_error.then(JoinError::closed));
                self.check_woken(woken);
            }
        }
    }

    fn fetch(&mut self, consumer: usize) {
        if !self.fetched.is_empty() {
            return;
        }
        if !self.model.is_ready() {
            let waker = &self.wakers[consumer];
            assert!(self.buffer.set_consumer(waker, &mut Some(waker.clone())));
            (self.model.waiting, self.model.urgent) = (Some(consumer), true);
            return;
        }
        let expected = self.model.ready();
        self.model.put.retain(|number| !expected.contains(number));
        self.model.fetched += expected.len() as u64;
        self.buffer.fetch(&mut self.fetched);
        let fetched: Vec<u64> = self.fetched.iter().map(|result| number(result.as_ref())).collect();
        assert_eq!(fetched, expected);
        let mut numbers = Numbers::default();
        self.buffer.fetch_numbers(&mut numbers);
        let numbers: Vec<u64> = std::iter::from_fn(|| numbers.pop()).collect();
        assert_eq!(numbers, if self.model.ordered { Vec::new() } else { expected });
    }

    fn take(&mut self) {
        if self.fetched.pop_front().is_some() {
            self.model.taken += 1;
            self.model.full = false;
            assert_eq!(self.signals.take(), std::mem::take(&mut self.model.starved));
        }
    }

    fn check_woken(&mut self, woken: Option<Waker>) {
        let expected = self.model.wake().map(|consumer| &self.wakers[consumer]);
        assert_eq!(woken.is_some(), expected.is_some(), "the consumer is woken when there is something to fetch");
        assert!(woken.zip(expected).is_none_or(|(woken, expected)| woken.will_wake(expected)));
    }

    fn check(&self) {
        let Case { buffer, signals, model, .. } = self;
        assert_eq!(buffer.is_reading(), model.reading);
        assert_eq!(buffer.is_ready(), model.is_ready());
        assert_eq!(buffer.size_hint(), model.size_hint());
        assert_eq!(signals.is_full(), model.full, "is_full");
        assert_eq!(signals.is_urgent(), model.urgent, "is_urgent");
        assert_eq!(buffer.consumer.is_some(), model.waiting.is_some());
    }

    /// Completes all items. All results come out, then the error, if there is one.
    fn finish(&mut self) {
        self.step(&Op::Stop(false));
        self.step(&Op::Unreserve(usize::MAX));
        while !self.model.running.is_empty() {
            self.step(&Op::Put(usize::MAX));
        }
        while self.model.taken < self.model.read {
            self.fetch(0);
            assert!(!self.fetched.is_empty(), "a result is ready");
            while !self.fetched.is_empty() {
                self.take();
            }
            self.check();
        }
        self.fetch(0);
        assert!(self.fetched.is_empty());
        assert!(self.buffer.is_ready(), "the end is ready");
        assert_eq!(self.buffer.last().is_some(), std::mem::take(&mut self.model.last));
        assert_eq!(self.buffer.size_hint(), (0, Some(0)));
        assert!(self.buffer.last().is_none());
    }
}

fn number(result: Option<&Result<u64, JoinError>>) -> u64 {
    match result {
        Some(Ok(number)) => *number,
        other => panic!("not a result: {other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::with_cases(256)
    })]

    #[test]
    fn the_results_and_the_wakers_agree_with_lists_of_numbers(
        ordered in any::<bool>(),
        hint in (0..9_usize, proptest::option::of(0..9_usize)),
        ops in vec(op(), 0..120),
    ) {
        let mut case = Case::new(ordered, hint);
        for op in &ops {
            case.step(op);
            case.check();
        }
        case.finish();
    }

    #[test]
    fn all_results_that_were_not_fetched_are_cleared(ordered in any::<bool>(), ops in vec(op(), 0..60)) {
        let mut case = Case::new(ordered, (0, None));
        for op in &ops {
            case.step(op);
        }
        let (cleared, errors): (Vec<_>, Vec<_>) = case.buffer.clear().into_iter().flatten().partition(Result::is_ok);
        let mut cleared: Vec<u64> = cleared.iter().map(|result| number(Some(result))).collect();
        cleared.sort_unstable();
        case.model.put.sort_unstable();
        assert_eq!(cleared, case.model.put);
        assert_eq!(errors.len(), usize::from(case.model.last), "the last error");
        let (mut one, mut many) = (Some(Ok(0)), VecDeque::from([Some(Ok(1)), Some(Ok(2))]));
        assert!(case.buffer.put(0, &mut one).is_none() && case.buffer.put_many(1, &mut many).is_none());
        assert!(one.is_some() && many.len() == 2, "what nobody takes is given back");
        assert!(case.buffer.clear().is_empty());
    }
}

fn buffer(ordered: bool) -> ReorderBuffer<u64> {
    let mut buffer = ReorderBuffer::new(&Arc::new(Signals::default()), ordered, (0, None));
    assert_eq!(buffer.reserve_many(64, 64), 64);
    buffer
}

#[test]
fn the_larger_spare_memory_is_kept() {
    let mut buffer = buffer(true);
    buffer.put_spare(VecDeque::with_capacity(64));
    buffer.put_spare(VecDeque::with_capacity(8));
    assert!(buffer.take_spare().capacity() >= 64);
    assert_eq!(buffer.take_spare().capacity(), 0, "it is taken once");
}

#[test]
fn the_next_results_are_put_into_the_memory_that_was_given_back() {
    let mut buffer = buffer(true);
    buffer.put_spare(VecDeque::with_capacity(64));
    assert!(buffer.put(0, &mut Some(Ok(0))).is_none());
    buffer.fetch(&mut VecDeque::new());
    assert!(buffer.results.capacity() >= 64);
    assert_eq!(buffer.take_spare().capacity(), 0);
}

#[test]
fn the_next_results_stay_in_the_consumers_memory_if_it_is_larger() {
    let mut buffer = buffer(true);
    buffer.put_spare(VecDeque::with_capacity(8));
    assert!(buffer.put(0, &mut Some(Ok(0))).is_none());
    buffer.fetch(&mut VecDeque::with_capacity(64));
    assert!(buffer.results.capacity() >= 64);
    assert!(buffer.take_spare().capacity() >= 8);
}

#[test]
fn results_that_are_put_together_are_not_copied_into_an_empty_buffer() {
    for ordered in [true, false] {
        let mut buffer = buffer(ordered);
        let mut results: Results<u64> = (0..64).map(|number| Some(Ok(number))).collect();
        let memory = results.as_slices().0.as_ptr();
        assert!(buffer.put_many(0, &mut results).is_none());
        let mut fetched = VecDeque::new();
        buffer.fetch(&mut fetched);
        assert_eq!(fetched.as_slices().0.as_ptr(), memory);
    }
}

#[test]
fn a_full_buffer_is_not_full_once_a_place_of_a_larger_pool_is_reserved() {
    let signals = Arc::new(Signals::default());
    let mut buffer = ReorderBuffer::<u64>::new(&signals, true, (0, None));
    assert_eq!(buffer.reserve_many(2, 3), 2);
    assert!(signals.is_full());
    assert!(buffer.reserve_many(4, 1) == 1 && !signals.is_full());
    assert!(buffer.reserve_many(4, 1) == 1 && signals.is_full());
    assert!(buffer.reserve_many(4, 1) == 0 && signals.is_full());
}
