//! A process of workers that can be killed and stopped: this binary, started again for one function.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use doorbuster::jobs::{
    Backoff, Failure, Handler, Job, Kind, Limits, Queue, Registered, Retention, WorkerOptions,
    Workers,
};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rustix::process::{Pid, Signal, kill_process};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};

use super::place::{Opened, Place, kind, number, numbered};

/// Writes an effect in the transaction that ends it.
pub(crate) const EFFECT: Kind = kind("test.effect", 100);
/// Delivers something under a key that its receiver knows again, and is ended a while later.
pub(crate) const KEYED: Kind = kind("test.keyed", 100);
/// Notes that it was begun, and is not done before somebody says so in the database.
pub(crate) const HANG: Kind = kind("test.hang", 20);
/// Kills its process.
pub(crate) const POISON: Kind = kind("test.poison", 3);
/// Fails, panics, or takes too long, by its number.
pub(crate) const FAIL: Kind = kind("test.fail", 3);

const URL: &str = "JOBS_URL";
const LEASE: &str = "JOBS_LEASE_MS";
const CONCURRENCY: &str = "JOBS_CONCURRENCY";
/// What the process that enqueues says before a number.
const ENQUEUED: &str = "enqueued ";

/// A process that does the jobs of a place.
pub(crate) struct WorkerProcess(Child);

impl WorkerProcess {
    pub(crate) fn start(url: &str, lease: Duration, concurrency: usize) -> Self {
        let mut command = this_binary("jobs::process::workers", url);
        command.env(CONCURRENCY, concurrency.to_string());
        command.env(LEASE, lease.as_millis().to_string());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        // Not reaped yet, so the number is still its own.
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }

    /// Ends it as the system would for want of memory.
    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Has it drain, and awaits its end; true where that was a clean one.
    pub(crate) fn drain(self) -> bool {
        self.signal(Signal::TERM);
        self.drained()
    }

    /// Awaits its end; true where that was a clean one.
    pub(crate) fn drained(mut self) -> bool {
        self.0.wait().unwrap().success()
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        // Both fail only where it has ended and been reaped.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// This binary, started again for one function.
fn this_binary(function: &str, url: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", function, "--ignored", "--nocapture"]);
    command.env(URL, url);
    command
}

/// A process that enqueues jobs with an effect, from number 0 on, and is killed once it has said of `count` of them that
/// they are enqueued. Returns those that it said so of.
pub(crate) fn enqueue_and_be_killed(place: &Place, count: usize) -> Vec<i64> {
    let mut command = this_binary("jobs::process::enqueuer", &place.url());
    command.stdin(Stdio::null()).stderr(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut told = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).split(b'\n') {
        let line = String::from_utf8(line.unwrap()).unwrap();
        told.extend(
            line.rsplit_once(ENQUEUED)
                .map(|(_, n)| n.parse::<i64>().unwrap()),
        );
        if told.len() == count {
            // What it has said by now is heard all the same.
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    told
}

impl Place {
    pub(crate) fn worker(&self, lease: Duration, concurrency: usize) -> WorkerProcess {
        WorkerProcess::start(&self.url(), lease, concurrency)
    }
}

struct Effect(Opened);

impl Handler for Effect {
    fn run<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Result<(), Failure>> {
        async move {
            let written = self.0.write_effect(job.lease, number(job)).await;
            written.map_err(Failure::passing)
        }
        .boxed()
    }
}

struct Keyed(Opened);

impl Handler for Keyed {
    fn run<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Result<(), Failure>> {
        async move {
            let deliver = format!(
                "INSERT INTO keyed (n, deliveries) VALUES ({}, 1)
                 ON CONFLICT (n) DO UPDATE SET deliveries = keyed.deliveries + 1",
                number(job)
            );
            self.0.execute(deliver).await.map_err(Failure::passing)?;
            // Long enough to be killed in.
            tokio::time::sleep(Duration::from_millis(50)).await;
            Ok(())
        }
        .boxed()
    }
}

struct Hang(Opened);

impl Handler for Hang {
    fn run<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Result<(), Failure>> {
        async move {
            let n = number(job);
            let note = format!("INSERT INTO begun (n) VALUES ({n})");
            self.0.execute(note).await.map_err(Failure::passing)?;
            loop {
                let go =
                    format!("UPDATE begun SET worker = worker WHERE n = {n} AND worker = 'go'");
                if self.0.execute(go).await.map_err(Failure::passing)? > 0 {
                    return Ok(());
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        .boxed()
    }
}

struct Poison;

impl Handler for Poison {
    fn run<'a>(&'a self, _: &'a Job) -> BoxFuture<'a, Result<(), Failure>> {
        std::process::abort()
    }
}

struct Fail;

impl Handler for Fail {
    fn run<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Result<(), Failure>> {
        async move {
            match number(job) {
                0 => Err(Failure::passing("not yet")),
                1 => Err(Failure::lasting("never")),
                2 => panic!("as this test wants it"),
                3 => std::future::pending().await,
                _ => Ok(()),
            }
        }
        .boxed()
    }
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("no {name}"))
}

fn runtime() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(1).enable_all().build().unwrap()
}

#[test]
#[ignore = "the process that other tests start"]
fn enqueuer() {
    let runtime = runtime();
    let queue = Queue::new(Opened::at(&variable(URL)).jobs(), runtime.handle());
    for n in 0.. {
        let id = runtime.block_on(queue.enqueue(numbered(&EFFECT, n)));
        assert!(id.unwrap().is_some());
        println!("{ENQUEUED}{n}");
    }
}

#[test]
#[ignore = "the process that other tests start"]
fn workers() {
    let millis = |name| Duration::from_millis(variable(name).parse().unwrap());
    let opened = Opened::at(&variable(URL));
    let runtime = runtime();
    let queue = Queue::new(opened.jobs(), runtime.handle());
    let lease = millis(LEASE);
    let limits = Limits {
        concurrency: variable(CONCURRENCY).parse().unwrap(),
        timeout: Duration::from_mins(5),
        backoff: Backoff {
            first: Duration::from_millis(10),
            longest: Duration::from_millis(100),
        },
        rate: None,
    };
    let impatient = Limits {
        timeout: Duration::from_millis(100),
        ..limits
    };
    let workers = Workers::start(
        &queue,
        vec![
            Registered::new(EFFECT, limits, Effect(opened.clone())),
            Registered::new(KEYED, limits, Keyed(opened.clone())),
            Registered::new(HANG, limits, Hang(opened)),
            Registered::new(POISON, limits, Poison),
            Registered::new(FAIL, impatient, Fail),
        ],
        Vec::new(),
        options(lease),
    );
    let workers = workers.unwrap();
    runtime.block_on(async {
        signal(SignalKind::terminate()).unwrap().recv().await;
    });
    workers.drain();
}

pub(crate) fn options(lease: Duration) -> WorkerOptions {
    WorkerOptions {
        threads: 1,
        lease,
        poll: Duration::from_millis(100),
        drain: Duration::from_millis(100),
        // Longer than a clock is set back and forward by: what ended meanwhile would be forgotten.
        retention: Retention {
            ended: Duration::from_hours(24),
            dead: Duration::from_hours(24),
        },
        tracer: None,
    }
}
