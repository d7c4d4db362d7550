//! Workers in processes of their own, which are killed, stopped and told to end.

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use doorbuster::jobs::{Failure, Handler, Job, Limits, Queue, Registered, Selection, Workers};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rustix::process::Signal;

use super::on_both_stores;
use super::place::{PLAIN, Place, numbered};
use super::process::{
    EFFECT, FAIL, HANG, KEYED, POISON, WorkerProcess, enqueue_and_be_killed, options,
};
use crate::harness::{Database, PATIENCE, Proxy, within};

/// Short, so that the tests need not wait long for one to run out; long enough for a busy machine.
const LEASE: Duration = Duration::from_millis(1_500);
/// What a busy machine may take for what takes milliseconds: less than any lease that is usual.
const SLACK: Duration = Duration::from_secs(5);

on_both_stores!(
    what_was_said_to_be_enqueued_is_done_though_who_said_so_is_killed,
    a_job_committed_before_a_kill_is_done_after_it,
    the_job_of_a_killed_worker_is_taken_within_its_lease,
    a_worker_that_was_stopped_for_longer_than_its_lease_ends_nothing,
    a_clock_that_is_set_while_a_job_runs_has_it_done_again_and_ended_once,
    a_store_that_takes_nothing_for_longer_than_a_lease_loses_nothing,
    a_job_that_kills_its_process_ends_as_a_dead_letter,
    a_worker_that_is_told_to_end_gives_back_what_it_did_not_do,
    failures_panics_and_long_work_are_tried_again_and_then_given_up,
    a_cancelled_job_stops_while_it_runs,
    jobs_enqueued_in_the_same_process_are_begun_at_once,
);

impl Place {
    fn begun(&self) -> i64 {
        self.raw().number("SELECT count(*) FROM begun")
    }

    fn await_begun(&self, count: i64) {
        within(PATIENCE, "the job is begun", || {
            (self.begun() >= count).then_some(())
        });
    }

    fn await_state(&self, id: i64, state: &str) -> u16 {
        within(PATIENCE, state, || {
            let (now, attempt) = self.state(id)?;
            (now == state).then_some(attempt)
        })
    }

    pub(crate) fn await_no_job(&self) {
        let raw = self.raw();
        within(2 * PATIENCE, "no job is left", || {
            (raw.number("SELECT count(*) FROM job") == 0).then_some(())
        });
    }

    fn only_id(&self) -> i64 {
        self.raw().number("SELECT id FROM job")
    }

    /// Has the jobs that hang go on.
    fn let_go(&self) {
        self.raw()
            .execute("UPDATE begun SET worker = 'go'", [])
            .unwrap();
    }
}

fn what_was_said_to_be_enqueued_is_done_though_who_said_so_is_killed(place: &Place) {
    let told = enqueue_and_be_killed(place, 50);
    assert!(told.len() >= 50);
    let _worker = place.worker(LEASE, 4);
    place.await_no_job();
    let raw = place.raw();
    let done: HashSet<_> = raw
        .texts("SELECT cast(n AS text) FROM effect")
        .into_iter()
        .collect();
    let lost: Vec<_> = told
        .iter()
        .filter(|n| !done.contains(&n.to_string()))
        .collect();
    assert!(lost.is_empty(), "{lost:?} of {} were lost", told.len());
}

fn a_job_committed_before_a_kill_is_done_after_it(place: &Place) {
    // Begun by a worker that is killed while it is at it: the first of many is ended, or not, at that moment.
    let first = place.worker(LEASE, 4);
    place.put(numbered(&HANG, 1));
    place.await_begun(1);
    place.put(numbered(&EFFECT, 2));
    first.kill();
    place.put(numbered(&EFFECT, 3));
    let _second = place.worker(LEASE, 4);
    let effects = "SELECT count(*) FROM effect WHERE n IN (2, 3)";
    within(PATIENCE, "both effects", || {
        (place.raw().number(effects) == 2).then_some(())
    });
    assert_eq!(place.raw().number("SELECT count(*) FROM effect"), 2);
}

fn the_job_of_a_killed_worker_is_taken_within_its_lease(place: &Place) {
    let first = place.worker(LEASE, 4);
    place.put(numbered(&HANG, 1));
    place.await_begun(1);
    let id = place.only_id();
    let second = place.worker(LEASE, 4);
    // As long as the first one lives, it keeps the job, for longer than a lease.
    let kept = Instant::now();
    within(2 * PATIENCE, "more than a lease", || {
        assert_eq!(place.state(id), Some(("running", 1)));
        (kept.elapsed() > LEASE + LEASE / 2).then_some(())
    });
    assert_eq!(place.begun(), 1);
    first.kill();
    let killed = Instant::now();
    place.await_begun(2);
    // With the time until somebody looks, and what a busy machine takes.
    assert!(killed.elapsed() < LEASE + SLACK, "{:?}", killed.elapsed());
    assert_eq!(place.state(id), Some(("running", 2)));
    place.let_go();
    assert_eq!(place.await_state(id, "done"), 2);
    assert!(second.drain());
}

fn a_worker_that_was_stopped_for_longer_than_its_lease_ends_nothing(place: &Place) {
    let slow = place.worker(LEASE, 4);
    place.put(numbered(&HANG, 1));
    place.await_begun(1);
    let id = place.only_id();
    slow.signal(Signal::STOP);
    let quick = place.worker(LEASE, 4);
    place.await_begun(2);
    // The first one wakes, and may find that its job can be ended. It is not its own to end.
    slow.signal(Signal::CONT);
    let before = place.wait(place.store.find(id)).unwrap().unwrap();
    quick.signal(Signal::STOP);
    place.let_go();
    let fence = "SELECT fence FROM job";
    let of_quick = place.raw().number(fence);
    let woken = Instant::now();
    within(PATIENCE, "some time for the first one", || {
        let now = place.wait(place.store.find(id)).unwrap();
        let now = now.expect("a stale worker must not end the job");
        let is_another = now.worker != before.worker;
        (is_another || woken.elapsed() > LEASE / 3).then_some(())
    });
    assert!(place.raw().number(fence) >= of_quick);
    quick.signal(Signal::CONT);
    // Whoever ends it does so once, by a fence that was given for that.
    let attempt = place.await_state(id, "done");
    assert!(attempt >= 2, "{attempt}");
}

fn a_clock_that_is_set_while_a_job_runs_has_it_done_again_and_ended_once(place: &Place) {
    const HOUR: i64 = 3_600_000;
    let _workers = [place.worker(LEASE, 4), place.worker(LEASE, 4)];
    // Back, and forward again: either way its lease seems to be none, and its worker still lives.
    for (n, (before, behind)) in [(0, HOUR), (HOUR, 0)].into_iter().enumerate() {
        let begun = place.begun();
        place.put(numbered(&HANG, i64::try_from(n).unwrap()));
        let id = place.raw().number("SELECT max(id) FROM job");
        place.await_begun(begun + 1);
        place.set_clock(before, behind);
        place.await_begun(begun + 2);
        place.let_go();
        assert_eq!(place.await_state(id, "done"), 2);
    }
    let ended = place.raw().number("SELECT count(*) FROM job_ended");
    assert_eq!(ended, 2);
}

fn a_store_that_takes_nothing_for_longer_than_a_lease_loses_nothing(place: &Place) {
    const JOBS: i64 = 200;
    let _workers = [place.worker(LEASE, 8), place.worker(LEASE, 8)];
    let jobs = (0..JOBS).map(|n| numbered(&KEYED, n)).collect();
    place.wait(place.store.enqueue(jobs)).unwrap();
    let delivered = || place.raw().number("SELECT count(*) FROM keyed");
    within(PATIENCE, "some are at it", || {
        (delivered() > 0).then_some(())
    });
    // No job can be taken, kept or ended.
    let raw = place.raw();
    let block = match &raw {
        Database::Sqlite(_) => "BEGIN IMMEDIATE",
        Database::Postgres(_) => "BEGIN; LOCK TABLE job IN SHARE ROW EXCLUSIVE MODE",
    };
    raw.execute_batch(block).unwrap();
    std::thread::sleep(2 * LEASE);
    assert!(
        place.raw().number("SELECT count(*) FROM job") > 0,
        "nothing was held up"
    );
    raw.execute_batch("COMMIT").unwrap();
    place.await_no_job();
    assert_eq!(delivered(), JOBS);
    let done = "SELECT count(*) FROM job_ended WHERE state = 'done'";
    assert_eq!(raw.number(done), JOBS);
}

fn a_job_that_kills_its_process_ends_as_a_dead_letter(place: &Place) {
    place.put(numbered(&POISON, 1));
    let id = place.only_id();
    for _ in 0..POISON.max_attempts {
        let mut worker = place.worker(LEASE, 1);
        within(2 * PATIENCE, "the worker is killed", || {
            worker.has_ended().then_some(())
        });
    }
    let watcher = place.worker(LEASE, 1);
    assert_eq!(place.await_state(id, "dead"), POISON.max_attempts);
    let record = place.wait(place.store.find(id)).unwrap().unwrap();
    assert_eq!(record.errors.as_array().unwrap().len(), 3, "{record:?}");
    assert!(watcher.drain());
}

fn a_worker_that_is_told_to_end_gives_back_what_it_did_not_do(place: &Place) {
    for n in 1..=3 {
        place.put(numbered(&HANG, n));
    }
    let worker = place.worker(Duration::from_secs(30), 2);
    place.await_begun(2);
    let states = || {
        let raw = place.raw();
        raw.texts("SELECT state FROM job ORDER BY id")
    };
    assert_eq!(states(), ["running", "running", "ready"]);
    assert!(worker.drain());
    assert_eq!(states(), ["ready", "ready", "ready"]);
    let spent = "SELECT sum(attempt) FROM job";
    assert_eq!(
        place
            .raw()
            .number(&format!("SELECT cast(({spent}) AS bigint)")),
        0
    );
}

fn failures_panics_and_long_work_are_tried_again_and_then_given_up(place: &Place) {
    for n in 0..5 {
        place.put(numbered(&FAIL, n));
    }
    let ids: Vec<i64> = (1..=5).collect();
    let first = place.raw().number("SELECT min(id) FROM job");
    let _worker = place.worker(LEASE, 5);
    for (id, (attempts, error)) in ids.iter().zip([
        (3, "not yet"),
        (1, "never"),
        (3, "it panicked"),
        (3, "not done within 100ms"),
    ]) {
        let id = id - 1 + first;
        assert_eq!(place.await_state(id, "dead"), attempts);
        let record = place.wait(place.store.find(id)).unwrap().unwrap();
        let errors = record.errors.as_array().unwrap();
        assert_eq!(errors.len(), usize::from(attempts));
        assert!(errors.iter().all(|it| it["error"] == error), "{record:?}");
    }
    place.await_state(first + 4, "done");
}

fn a_cancelled_job_stops_while_it_runs(place: &Place) {
    let worker = place.worker(LEASE, 4);
    place.put(numbered(&HANG, 1));
    place.await_begun(1);
    let id = place.only_id();
    let cancelled = place
        .wait(place.store.cancel(Selection::default()))
        .unwrap();
    assert_eq!(cancelled, 1);
    place.await_state(id, "cancelled");
    // It was stopped, and the worker lives.
    place.put(numbered(&EFFECT, 1));
    let effects = "SELECT count(*) FROM effect";
    within(PATIENCE, "an effect", || {
        (place.raw().number(effects) == 1).then_some(())
    });
    assert!(worker.drain());
}

struct Tells(tokio::sync::mpsc::UnboundedSender<i64>);

impl Handler for Tells {
    fn run<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Result<(), Failure>> {
        let _ = self.0.send(super::place::number(job));
        std::future::ready(Ok(())).boxed()
    }
}

fn jobs_enqueued_in_the_same_process_are_begun_at_once(place: &Place) {
    let queue = Queue::new(place.store.clone(), place.handle());
    let (tells, mut told) = tokio::sync::mpsc::unbounded_channel();
    let kinds = vec![Registered::new(PLAIN, Limits::default(), Tells(tells))];
    let mut patient = options(LEASE);
    // Whoever waits for the next look waits for ever.
    patient.poll = Duration::from_hours(1);
    let workers = Workers::start(&queue, kinds, Vec::new(), patient).unwrap();
    for n in 0..20 {
        let id = place.wait(queue.enqueue(numbered(&PLAIN, n))).unwrap();
        assert!(id.is_some());
        let heard = place.wait(async { tokio::time::timeout(PATIENCE, told.recv()).await });
        assert_eq!(heard.unwrap(), Some(n));
    }
    let counters = workers.counters().clone();
    workers.drain();
    let plain = counters.read()[PLAIN.name];
    assert_eq!((plain.begun, plain.done, plain.failed), (20, 20, 0));
}

/// The answer to an end gets lost with the connection: the job has ended, once, and the worker goes on.
#[test]
fn a_database_that_is_cut_off_in_the_middle_of_an_end_loses_nothing() {
    let place = Place::postgres();
    let server = SocketAddr::from((Ipv4Addr::LOCALHOST, place.port().unwrap()));
    let proxy = Proxy::before(server);
    let name = place.url();
    let name = name.rsplit_once('/').unwrap().1.to_owned();
    let url = format!("postgres://shop@{}/{name}", proxy.address());
    let _worker = WorkerProcess::start(&url, LEASE, 8);
    let mut n = 0;
    for round in 0..6 {
        for _ in 0..50 {
            place.put(numbered(&EFFECT, n));
            place.put(numbered(&FAIL, 4));
            n += 1;
        }
        // What the server does from here on it does, and says to nobody.
        proxy.mute(true);
        std::thread::sleep(Duration::from_millis(20 * round));
        proxy.cut();
        proxy.mute(false);
    }
    place.await_no_job();
    let raw = place.raw();
    assert_eq!(raw.number("SELECT count(*) FROM effect"), n);
    assert_eq!(raw.number("SELECT count(DISTINCT n) FROM effect"), n);
    let done = "SELECT count(*) FROM job_ended WHERE state = 'done'";
    assert_eq!(raw.number(done), 2 * n);
}
