//! Enqueues jobs at an even rate, each as a request would, and does them: `jobs_paced sqlite:PATH|postgres://… RATE SECONDS`.
//! Prints one JSON object. `loadtest/jobs --measure reads` runs it beside a server that answers reads from the same
//! database.

mod jobs_store;

use std::time::{Duration, Instant};

use doorbuster::jobs::{
    Failure, Handler, Job, Kind, Limits, NewJob, Queue, Registered, Retention, WorkerOptions,
    Workers,
};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

const KIND: Kind = Kind {
    name: "load.paced",
    max_attempts: 3,
    keeps_done: false,
};
/// How often jobs are enqueued, each by a task of its own.
const TICK: Duration = Duration::from_millis(1);

struct Nothing;

impl Handler for Nothing {
    fn run<'a>(&'a self, _: &'a Job) -> BoxFuture<'a, Result<(), Failure>> {
        std::future::ready(Ok(())).boxed()
    }
}

/// Enqueues for so long. Returns how many were.
async fn enqueue(queue: &Queue, rate: usize, seconds: u64) -> anyhow::Result<usize> {
    let begun = Instant::now();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut asked, mut committed) = (0, 0);
    let mut asking = JoinSet::new();
    while begun.elapsed() < Duration::from_secs(seconds) {
        ticks.tick().await;
        // What a tick that came late left out is made up for.
        let micros = usize::try_from(begun.elapsed().as_micros())?;
        while asked < rate * micros / 1_000_000 {
            let job = NewJob::new(&KIND, &serde_json::json!({ "n": asked }))?;
            let queue = queue.clone();
            asking.spawn(async move { queue.enqueue(job).await });
            asked += 1;
        }
        while let Some(done) = asking.try_join_next() {
            done??;
            committed += 1;
        }
    }
    while let Some(done) = asking.join_next().await {
        done??;
        committed += 1;
    }
    Ok(committed)
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, rate, seconds] = arguments.as_slice() else {
        anyhow::bail!("usage: jobs_paced sqlite:PATH|postgres://… RATE SECONDS");
    };
    let (rate, seconds) = (rate.parse()?, seconds.parse()?);
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let queue = Queue::new(jobs_store::open(url)?, runtime.handle());
    let hour = Duration::from_hours(1);
    let options = WorkerOptions {
        threads: 1,
        lease: Duration::from_secs(30),
        poll: Duration::from_secs(1),
        drain: Duration::from_secs(30),
        retention: Retention {
            ended: hour,
            dead: hour,
        },
        tracer: None,
    };
    let limits = Limits {
        concurrency: 500,
        ..Limits::default()
    };
    let kinds = vec![Registered::new(KIND, limits, Nothing)];
    let workers = Workers::start(&queue, kinds, Vec::new(), options)?;
    let begun = Instant::now();
    let enqueued = runtime.block_on(enqueue(&queue, rate, seconds))?;
    let took = begun.elapsed();
    let done = workers.counters().read()[KIND.name].done;
    workers.drain();
    println!(
        "{}",
        serde_json::json!({
            "enqueued_per_second": enqueued as u128 * 1_000 / took.as_millis().max(1),
            "done_per_second": u128::from(done) * 1_000 / took.as_millis().max(1),
        })
    );
    Ok(())
}
