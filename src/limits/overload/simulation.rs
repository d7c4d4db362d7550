//! A dependency and its callers on a clock that a loop moves: what the limits do with a day's traffic in a second.
//!
//! The dependency has servers that each work on one call at a time, first come, first served, so that calls beyond their
//! number make it slower and no call faster. Callers come at random moments, at a rate, and do not wait for each other.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::float_cmp,
    reason = "counts of a simulated hour at most, which are whole numbers"
)]

use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::rc::Rc;
use std::time::Duration;

use super::admission::{Admission, Ask, Counts, Outcome, Place};
use super::gradient::GradientOptions;
use super::priority::Priority;
use super::waiting::Waiter;
use crate::limits::RouteClass;

const SERVERS: usize = 4;
const SERVICE: Duration = Duration::from_millis(8);
/// Calls a second that it can do.
const CAPACITY: f64 = 500.0;
const TARGET: Duration = Duration::from_millis(50);
/// After this long nobody wants the answer any more.
const PATIENCE: Duration = Duration::from_millis(500);

const WRITE: usize = 0;
const PRODUCT: usize = 1;

#[derive(Clone)]
struct Caller {
    number: u64,
    gone: Rc<Cell<bool>>,
    arrived: Duration,
}

impl Waiter for Caller {
    fn is_gone(&self) -> bool {
        self.gone.get()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Arrives,
    /// A waiter's patience is over.
    GivesUp(u64),
    Done(u64),
}

struct World {
    now: Duration,
    events: BinaryHeap<Reverse<(Duration, Event)>>,
    /// `None` lets everybody in.
    admission: Option<Admission<Caller>>,
    waiting: BTreeMap<u64, (Priority, Caller)>,
    within: BTreeMap<u64, (Option<Place>, Priority, Duration)>,
    /// When each server is free.
    servers: Vec<Duration>,
    service: Duration,
    /// Calls a second, of each priority.
    rates: [f64; Priority::COUNT],
    random: u64,
    numbers: u64,
    /// Answered while somebody still waited.
    good: Counts,
    shed: Counts,
    /// When one of each priority was last let in.
    admitted_at: [Duration; Priority::COUNT],
}

impl World {
    fn new(rates: [f64; Priority::COUNT], with_limits: bool) -> Self {
        let options = GradientOptions {
            initial: 2 * SERVERS as u32,
            floor: SERVERS as u32,
            ceiling: 4 * SERVERS as u32,
            tolerance: 2.0,
        };
        let mut world = Self {
            now: Duration::ZERO,
            events: BinaryHeap::new(),
            admission: with_limits.then(|| Admission::new(options, TARGET)),
            waiting: BTreeMap::new(),
            within: BTreeMap::new(),
            servers: vec![Duration::ZERO; SERVERS],
            service: SERVICE,
            rates,
            random: 2026,
            numbers: 0,
            good: Counts::default(),
            shed: Counts::default(),
            admitted_at: [Duration::ZERO; Priority::COUNT],
        };
        world.at(Duration::ZERO, Event::Arrives);
        world
    }

    /// From 0 to 1, by xorshift64 (Marsaglia, 2003).
    fn roll(&mut self) -> f64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn at(&mut self, delay: Duration, event: Event) {
        self.events.push(Reverse((self.now + delay, event)));
    }

    fn run(&mut self, last: Duration) {
        let end = self.now + last;
        while let Some(Reverse((at, event))) = self.events.pop() {
            if at > end {
                self.events.push(Reverse((at, event)));
                break;
            }
            self.now = at;
            match event {
                Event::Arrives => self.arrive(),
                Event::GivesUp(number) => self.give_up(number),
                Event::Done(number) => self.done(number),
            }
        }
        self.now = end;
    }

    fn arrive(&mut self) {
        let total: f64 = self.rates.iter().sum();
        // Poisson arrivals.
        let pause = -(1.0 - self.roll()).ln() / total;
        self.at(Duration::from_secs_f64(pause), Event::Arrives);
        let mut draw = self.roll() * total;
        let index = self.rates.iter().position(|rate| {
            draw -= rate;
            draw < 0.0
        });
        let priority = Priority::ALL[index.unwrap_or(PRODUCT)];
        let caller = Caller {
            number: self.numbers,
            gone: Rc::default(),
            arrived: self.now,
        };
        self.numbers += 1;
        let ask = Ask {
            priority,
            kind: priority.name(),
            places: 1,
        };
        let Some(admission) = &mut self.admission else {
            return self.begin(None, priority, &caller);
        };
        if let Some(place) = admission.ask(self.now, ask) {
            return self.begin(Some(place), priority, &caller);
        }
        let patience = admission.patience(self.now, priority);
        let spared = admission.wait(self.now, ask, caller.clone());
        self.at(patience, Event::GivesUp(caller.number));
        self.waiting.insert(caller.number, (priority, caller));
        if let Some(spared) = spared {
            self.give_up(spared.number);
        }
    }

    fn give_up(&mut self, number: u64) {
        let Some((priority, caller)) = self.waiting.remove(&number) else {
            return;
        };
        caller.gone.set(true);
        self.shed[priority.index()] += 1;
        if let Some(admission) = &mut self.admission {
            admission.shed(self.now, priority);
        }
        for lower in &self.admitted_at[priority.index() + 1..] {
            assert!(
                *lower <= caller.arrived,
                "{priority:?} is shed, and while it waited somebody was let in who matters less"
            );
        }
    }

    fn begin(&mut self, place: Option<Place>, priority: Priority, caller: &Caller) {
        self.admitted_at[priority.index()] = self.now;
        let server = self.servers.iter_mut().min().expect("there are some");
        // Between half and one and a half times the mean.
        *server = (*server).max(self.now);
        let (free, spread) = (*server, 0.5 + self.roll());
        let done = free + self.service.mul_f64(spread);
        *self.servers.iter_mut().min().expect("there are some") = done;
        self.within
            .insert(caller.number, (place, priority, caller.arrived));
        self.at(done.saturating_sub(self.now), Event::Done(caller.number));
    }

    fn done(&mut self, number: u64) {
        let (place, priority, arrived) = self.within.remove(&number).expect("it began");
        if self.now.saturating_sub(arrived) <= PATIENCE {
            self.good[priority.index()] += 1;
        }
        let (Some(admission), Some(place)) = (&mut self.admission, place) else {
            return;
        };
        for (place, caller) in admission.leave(self.now, place, Outcome::Answered) {
            let (priority, _) = self.waiting.remove(&caller.number).expect("it waits");
            self.begin(Some(place), priority, &caller);
        }
    }

    /// What came of the next while.
    fn measure(&mut self, last: Duration) -> (Counts, Counts) {
        (self.good, self.shed) = Default::default();
        self.run(last);
        (self.good, self.shed)
    }

    fn limit(&mut self) -> usize {
        let now = self.now;
        self.admission
            .as_mut()
            .map_or(0, |admission| admission.view(now).limit)
    }
}

fn rates(capacity: f64, shares: [f64; Priority::COUNT]) -> [f64; Priority::COUNT] {
    shares.map(|share| CAPACITY * capacity * share)
}

/// Writes, products, lists, searches, extras, refreshes.
const MIX: [f64; Priority::COUNT] = [0.02, 0.20, 0.30, 0.20, 0.18, 0.10];

fn total(counts: Counts) -> f64 {
    counts.iter().sum::<u64>() as f64
}

/// B1.
#[test]
fn at_four_times_capacity_nothing_is_lost_and_the_least_important_gives_way() {
    for with_limits in [true, false] {
        let mut world = World::new(rates(0.7, MIX), with_limits);
        world.run(Duration::from_secs(30));
        world.rates = rates(4.0, MIX);
        // From the first second on.
        let seconds = 60.0;
        let (good, shed) = world.measure(Duration::from_mins(1));
        let goodput = total(good) / seconds / CAPACITY;
        if !with_limits {
            assert!(goodput < 0.1, "without limits {goodput:.2} is left");
            continue;
        }
        assert!(goodput >= 0.9, "goodput is {goodput:.3} of the capacity");
        // What is asked of writes and products is 0.88 of the capacity: all of it is served, but for the very
        // first moment. Each single case of the order is checked where one gives up.
        assert_eq!(shed[WRITE], 0);
        let products = good[PRODUCT] as f64 / (good[PRODUCT] + shed[PRODUCT]) as f64;
        assert!(products >= 0.99, "{products:.3} of the products");
        assert!(good[5] < good[1] / 20, "{good:?}");
        let names: Vec<_> = RouteClass::ALL.iter().map(|class| class.name()).collect();
        println!("goodput {goodput:.3}; {names:?} good {good:?} shed {shed:?}");
    }
}

/// B2.
#[test]
fn ten_times_as_slow_for_a_minute_and_all_is_as_before_ten_seconds_after() {
    let mut world = World::new(rates(0.3, MIX), true);
    world.run(Duration::from_secs(30));
    world.rates = rates(4.0, MIX);
    world.run(Duration::from_secs(30));
    let before = world.limit();
    world.service = SERVICE * 10;
    world.run(Duration::from_mins(1));
    let during = world.limit();
    world.service = SERVICE;
    world.run(Duration::from_secs(10));
    let after = world.limit();
    assert!(
        after * 10 >= before * 9,
        "{before}, then {during}, then {after}"
    );
    let (good, _) = world.measure(Duration::from_secs(10));
    let goodput = total(good) / 10.0 / CAPACITY;
    assert!(goodput >= 0.9, "{goodput:.3}");
}

/// B2, the second half: what other nodes ask of the same dependency makes it slower by a fifth than is tolerated.
#[test]
fn half_an_hour_of_mild_overload_does_not_raise_the_limit() {
    let mut world = World::new(rates(0.3, MIX), true);
    world.run(Duration::from_secs(30));
    world.rates = rates(2.0, MIX);
    world.run(Duration::from_secs(30));
    let before = world.limit();
    let mut most = before;
    for _ in 0..30 * 6 {
        world.run(Duration::from_secs(10));
        most = most.max(world.limit());
    }
    // It swings by what is found out within a window.
    assert!(
        most * 10 <= before.max(2 * SERVERS) * 15,
        "{before}, then up to {most}"
    );
    let (good, _) = world.measure(Duration::from_secs(10));
    assert!(total(good) / 10.0 / CAPACITY >= 0.9);
}

/// B3.
#[test]
fn below_the_limit_nobody_is_shed() {
    let mut world = World::new(rates(0.5, MIX), true);
    for _ in 0..30 {
        let (good, shed) = world.measure(Duration::from_mins(1));
        assert_eq!(total(shed), 0.0, "{shed:?}");
        assert!(total(good) > 0.0);
    }
}

/// A spike and its end, as the shop's load test has it.
#[test]
fn after_a_spike_everything_is_as_before_within_seconds() {
    let mut world = World::new(rates(0.5, MIX), true);
    world.run(Duration::from_secs(30));
    world.rates = rates(10.0, MIX);
    let (good, _) = world.measure(Duration::from_mins(1));
    assert!(total(good) / 60.0 / CAPACITY >= 0.9);
    world.rates = rates(0.5, MIX);
    world.run(Duration::from_secs(2));
    let (_, shed) = world.measure(Duration::from_secs(8));
    assert_eq!(total(shed), 0.0, "{shed:?}");
}
