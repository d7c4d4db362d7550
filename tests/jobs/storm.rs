//! Jobs that come while their workers are killed, stopped for longer than a lease and told to end, and the clock of the
//! store is set: none is lost, none is stuck, and what is promised to be done once is done once.

use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use doorbuster::jobs::NewJob;
use rustix::process::Signal;

use super::on_both_stores;
use super::place::{Place, numbered};
use super::process::{EFFECT, KEYED, WorkerProcess};
use crate::harness::{PATIENCE, within};

on_both_stores!(none_is_lost_none_stuck_and_effects_are_once_whoever_is_killed);

/// As short as `jobs.lease` may be, and a bit.
const LEASE: Duration = Duration::from_millis(1_500);
/// Jobs that each worker does at once.
const CONCURRENCY: usize = 8;
/// A clock that is set is set by so many milliseconds: longer than any lease.
const STEP: i64 = 3_600_000;

fn none_is_lost_none_stuck_and_effects_are_once_whoever_is_killed(place: &Place) {
    let scale = Scale::read();
    eprintln!("JOBS_SEED={} repeats this one", scale.seed);
    let mut fleet = Fleet::start(place, &scale);
    let mut offered = Offered::default();
    let raw = place.raw();
    let begun = Instant::now();
    while begun.elapsed() < scale.length {
        let pause = 100 + fleet.dice.below(200);
        thread::sleep(Duration::from_millis(pause));
        // The jobs come while the workers go, and somebody is to be at one.
        offered.up_to(scale.due(begun.elapsed()), place);
        let any = |which| format!("SELECT count(*) FROM (SELECT 1 FROM job {which} LIMIT 1) found");
        within(PATIENCE, "a job is begun, or none is left", || {
            let is_begun = raw.number(&any("WHERE state = 'running'")) > 0;
            (is_begun || raw.number(&any("")) == 0).then_some(())
        });
        fleet.disturb();
    }
    offered.up_to(scale.jobs, place);
    offered.up_to(scale.jobs, place);
    let left_at_the_end = raw.number("SELECT count(*) FROM job");
    fleet.calm();
    within(3 * PATIENCE + scale.length, "no job is left", || {
        thread::sleep(Duration::from_millis(20));
        (raw.number("SELECT count(*) FROM job") == 0).then_some(())
    });
    let took = begun.elapsed();
    fleet.end();

    let given_up = raw.texts("SELECT errors FROM job_ended WHERE state <> 'done'");
    assert!(given_up.is_empty(), "{given_up:?}");
    let ended = raw.number("SELECT count(*) FROM job_ended");
    assert_eq!(ended, offered.effects + offered.keyed + offered.twice);
    // In the transaction that ends it: once, whoever else was at it.
    assert_eq!(
        raw.number("SELECT count(*) FROM effect"),
        offered.effects,
        "effects that were written twice, or never"
    );
    assert_eq!(
        raw.number("SELECT count(DISTINCT n) FROM effect"),
        offered.effects
    );
    // By its key: each at least once, and kept once.
    assert_eq!(raw.number("SELECT count(*) FROM keyed"), offered.keyed);
    let repeated = raw.number("SELECT count(*) FROM job_ended WHERE attempt > 1");
    assert!(repeated > 0, "nobody was at a job when it was disturbed");
    let deliveries = raw.number("SELECT cast(sum(deliveries) AS bigint) FROM keyed");
    println!(
        "{} jobs of {} workers in {took:.1?}, {left_at_the_end} of them after the storm: {:?}; {} keys had \
         two jobs; {repeated} jobs begun more than once, {deliveries} deliveries of {} keyed effects",
        scale.jobs, scale.workers, fleet.done, offered.twice, offered.keyed
    );
}

/// How much of it. More where somebody has the time: `scripts/chaos`.
struct Scale {
    jobs: i64,
    length: Duration,
    workers: usize,
    seed: u64,
}

impl Scale {
    fn read() -> Self {
        let said = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
        Self {
            jobs: said("JOBS_COUNT").map_or(1_000, u64::cast_signed),
            length: Duration::from_secs(said("JOBS_SECONDS").unwrap_or(5)),
            workers: usize::try_from(said("JOBS_WORKERS").unwrap_or(4)).unwrap(),
            seed: said("JOBS_SEED").unwrap_or_else(|| getrandom::u64().unwrap()),
        }
    }
}

impl Scale {
    /// How many jobs are enqueued by then: all of them some time before the end.
    fn due(&self, elapsed: Duration) -> i64 {
        let millis = |time: Duration| i64::try_from(time.as_millis()).unwrap();
        (self.jobs * millis(elapsed) / millis(self.length * 9 / 10)).min(self.jobs)
    }
}

/// What falls, and is the same again for the same seed (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

/// What was enqueued.
#[derive(Default)]
struct Offered {
    jobs: i64,
    /// Jobs whose effect is written with their end.
    effects: i64,
    /// Jobs whose effect is delivered under a key before they end.
    keyed: i64,
    /// Some of those, to be asked for again as by somebody who heard no answer.
    again: Vec<NewJob>,
    /// Keys of which there were two jobs, one after the other.
    twice: i64,
}

impl Offered {
    /// Enqueues until so many are.
    fn up_to(&mut self, jobs: i64, place: &Place) {
        // Of what is over by now it is a new job, and the receiver of its effect has to know the key again.
        let again = put(std::mem::take(&mut self.again), place);
        self.twice += again;
        while self.jobs < jobs {
            // So many that no transaction of the embedded store keeps the workers waiting for long.
            let next = self.jobs..jobs.min(self.jobs + 1_000);
            self.jobs = next.end;
            let of = |n: i64| match n % 2 {
                0 => numbered(&EFFECT, n),
                _ => numbered(&KEYED, n).unique(n.to_string()),
            };
            let new: Vec<_> = next.map(of).collect();
            let keyed = new.iter().filter(|job| job.kind == KEYED.name);
            self.again.extend(keyed.clone().step_by(10).cloned());
            let (all, keyed) = (count(&new), i64::try_from(keyed.count()).unwrap());
            self.effects += all - keyed;
            self.keyed += keyed;
            assert_eq!(put(new, place), all);
        }
    }
}

/// Enqueues; returns how many are new.
fn put(jobs: Vec<NewJob>, place: &Place) -> i64 {
    let ids = place.wait(place.store.enqueue(jobs)).unwrap();
    count(&ids.into_iter().flatten().collect::<Vec<_>>())
}

fn count<T>(these: &[T]) -> i64 {
    i64::try_from(these.len()).unwrap()
}

/// What was done to the workers.
#[derive(Debug, Default)]
struct Done {
    killed: u32,
    stopped: u32,
    told_to_end: u32,
    clocks_set: u32,
}

/// The workers, and what happens to them.
struct Fleet<'p> {
    place: &'p Place,
    dice: Dice,
    awake: Vec<WorkerProcess>,
    /// Stopped for longer than their leases.
    asleep: Vec<JoinHandle<WorkerProcess>>,
    /// Told to end.
    leaving: Vec<WorkerProcess>,
    /// By how much the clock of the store is behind the real one, in milliseconds.
    behind: i64,
    done: Done,
}

impl<'p> Fleet<'p> {
    fn start(place: &'p Place, scale: &Scale) -> Self {
        let start = || place.worker(LEASE, CONCURRENCY);
        Self {
            place,
            dice: Dice(scale.seed),
            awake: (0..scale.workers).map(|_| start()).collect(),
            asleep: Vec::new(),
            leaving: Vec::new(),
            behind: 0,
            done: Done::default(),
        }
    }

    /// Does something bad.
    fn disturb(&mut self) {
        let woken = self.asleep.extract_if(.., |sleeper| sleeper.is_finished());
        let woken: Vec<_> = woken.map(|sleeper| sleeper.join().unwrap()).collect();
        self.awake.extend(woken);
        let what = self.dice.below(16);
        // At least one goes on.
        if what == 0 || self.awake.len() < 2 {
            self.set_clock(if self.behind == 0 { STEP } else { 0 });
            self.done.clocks_set += 1;
            return;
        }
        let victim = self.dice.below(self.awake.len() as u64);
        let victim = self.awake.swap_remove(usize::try_from(victim).unwrap());
        match what {
            1..9 => {
                victim.kill();
                self.done.killed += 1;
                self.replace();
            }
            9..13 => {
                victim.signal(Signal::STOP);
                let length = LEASE.mul_f64(1.2) + Duration::from_millis(self.dice.below(1_000));
                // By a thread of its own: with a lock of the store in its hands it stops everybody.
                self.asleep.push(thread::spawn(move || {
                    thread::sleep(length);
                    victim.signal(Signal::CONT);
                    victim
                }));
                self.done.stopped += 1;
            }
            _ => {
                victim.signal(Signal::TERM);
                self.leaving.push(victim);
                self.done.told_to_end += 1;
                self.replace();
            }
        }
    }

    fn replace(&mut self) {
        self.awake.push(self.place.worker(LEASE, CONCURRENCY));
    }

    /// Sets the clock of the store so many milliseconds behind the real one: back, or forward again.
    fn set_clock(&mut self, behind: i64) {
        self.place.set_clock(self.behind, behind);
        self.behind = behind;
    }

    /// Nothing bad happens any more.
    fn calm(&mut self) {
        for sleeper in self.asleep.drain(..) {
            self.awake.push(sleeper.join().unwrap());
        }
        self.set_clock(0);
    }

    /// All of them end, as they should.
    fn end(&mut self) {
        for worker in &self.awake {
            worker.signal(Signal::TERM);
        }
        for worker in self.awake.drain(..).chain(self.leaving.drain(..)) {
            assert!(worker.drained());
        }
    }
}
