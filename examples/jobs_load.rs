//! How fast the queue of jobs is: `jobs_load sqlite:PATH|postgres://… [JOBS]`. Prints one JSON object. The database has to
//! be there and current (`doorbuster migrate`), and should be nobody else's. `loadtest/jobs` runs it for both stores.

mod jobs_store;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use doorbuster::jobs::{
    Failure, Handler, Job, JobStore, Kind, Limits, NewJob, Queue, Registered, Retention,
    WorkerOptions, Workers,
};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, mpsc};

/// Nothing is remembered of what was done, as for small work that comes in masses.
const FORGOTTEN: Kind = kind("load.forgotten", false);
/// What was done is remembered.
const KEPT: Kind = kind("load.kept", true);
/// Jobs that are enqueued one at a time, to see how soon each is begun.
const SINGLE: Kind = kind("load.single", false);

/// Jobs of a statement that enqueues many.
const BATCH: usize = 1_000;
/// Callers at once that enqueue a job each.
const CALLERS: usize = 1_000;
/// Jobs at once in this process.
const CONCURRENCY: usize = 500;
/// Jobs enqueued one at a time.
const SINGLES: usize = 500;

const fn kind(name: &'static str, keeps_done: bool) -> Kind {
    Kind {
        name,
        max_attempts: 3,
        keeps_done,
    }
}

/// Counts jobs, and tells when all were done.
struct Counts {
    left: AtomicUsize,
    done: Arc<Notify>,
}

impl Handler for Counts {
    fn run<'a>(&'a self, _: &'a Job) -> BoxFuture<'a, Result<(), Failure>> {
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.done.notify_one();
        }
        std::future::ready(Ok(())).boxed()
    }
}

/// Tells when a job was begun.
struct Tells(mpsc::UnboundedSender<Instant>);

impl Handler for Tells {
    fn run<'a>(&'a self, _: &'a Job) -> BoxFuture<'a, Result<(), Failure>> {
        let _ = self.0.send(Instant::now());
        std::future::ready(Ok(())).boxed()
    }
}

fn workers(queue: &Queue, kind: Kind, handler: impl Handler) -> anyhow::Result<Workers> {
    let limits = Limits {
        concurrency: CONCURRENCY,
        ..Limits::default()
    };
    let options = WorkerOptions {
        threads: 1,
        lease: Duration::from_secs(30),
        poll: Duration::from_secs(1),
        drain: Duration::from_secs(30),
        retention: Retention {
            ended: Duration::from_hours(1),
            dead: Duration::from_hours(1),
        },
        tracer: None,
    };
    let kinds = vec![Registered::new(kind, limits, handler)];
    Ok(Workers::start(queue, kinds, Vec::new(), options)?)
}

fn jobs(kind: &Kind, count: usize) -> anyhow::Result<Vec<NewJob>> {
    let job = |n| NewJob::new(kind, &serde_json::json!({ "n": n }));
    Ok((0..count).map(job).collect::<Result<_, _>>()?)
}

fn per_second(count: usize, begun: Instant) -> u64 {
    let nanos = begun.elapsed().as_nanos().max(1);
    u64::try_from(count as u128 * 1_000_000_000 / nanos).unwrap_or(u64::MAX)
}

/// Jobs enqueued a second, many by each statement.
fn enqueue(
    runtime: &Runtime,
    store: &Arc<dyn JobStore>,
    kind: &Kind,
    count: usize,
) -> anyhow::Result<u64> {
    let all = jobs(kind, count)?;
    let begun = Instant::now();
    for batch in all.chunks(BATCH) {
        runtime.block_on(store.enqueue(batch.to_vec()))?;
    }
    Ok(per_second(count, begun))
}

/// Jobs enqueued a second by callers that enqueue one each, and wait for its COMMIT.
fn enqueue_each(
    runtime: &Runtime,
    queue: &Queue,
    kind: &Kind,
    count: usize,
) -> anyhow::Result<u64> {
    let mut all = jobs(kind, count)?;
    let begun = Instant::now();
    let share = count.div_ceil(CALLERS).max(1);
    let mut callers = Vec::new();
    while !all.is_empty() {
        let mine = all.split_off(all.len().saturating_sub(share));
        let queue = queue.clone();
        callers.push(runtime.spawn(async move {
            for job in mine {
                queue.enqueue(job).await?;
            }
            Ok::<_, doorbuster::jobs::QueueError>(())
        }));
    }
    for ended in runtime.block_on(join_all(callers)) {
        ended??;
    }
    Ok(per_second(count, begun))
}

/// Jobs begun, done and ended a second. The handler gets one at a time.
fn work(runtime: &Runtime, queue: &Queue, kind: Kind, count: usize) -> anyhow::Result<u64> {
    let done = Arc::new(Notify::new());
    let counts = Counts {
        left: AtomicUsize::new(count),
        done: Arc::clone(&done),
    };
    let begun = Instant::now();
    let workers = workers(queue, kind, counts)?;
    runtime.block_on(done.notified());
    // With what is still to be ended.
    workers.drain();
    Ok(per_second(count, begun))
}

/// From the COMMIT of a job to its beginning, in microseconds: half of them take no longer, 99 % no longer.
fn wake_up(runtime: &Runtime, queue: &Queue) -> anyhow::Result<(u128, u128)> {
    let (tells, mut told) = mpsc::unbounded_channel();
    let workers = workers(queue, SINGLE, Tells(tells))?;
    let mut waits = Vec::new();
    for job in jobs(&SINGLE, SINGLES)? {
        let wait = runtime.block_on(async {
            queue.enqueue(job).await?;
            let committed = Instant::now();
            let begun = told.recv().await;
            let begun = begun.ok_or_else(|| anyhow::anyhow!("the workers have ended"))?;
            anyhow::Ok(begun.saturating_duration_since(committed).as_micros())
        });
        waits.push(wait?);
    }
    workers.drain();
    waits.sort_unstable();
    Ok((waits[SINGLES / 2], waits[SINGLES * 99 / 100]))
}

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments
        .next()
        .ok_or_else(|| anyhow::anyhow!("usage: jobs_load sqlite:PATH|postgres://… [JOBS]"))?;
    let count = arguments.next().map_or(Ok(100_000), |text| text.parse())?;
    let store = jobs_store::open(&url)?;
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let queue = Queue::new(Arc::clone(&store), runtime.handle());
    let batched = enqueue(&runtime, &store, &FORGOTTEN, count)?;
    let forgotten = work(&runtime, &queue, FORGOTTEN, count)?;
    let each = enqueue_each(&runtime, &queue, &KEPT, count)?;
    let kept = work(&runtime, &queue, KEPT, count)?;
    let (half, most) = wake_up(&runtime, &queue)?;
    println!(
        "{}",
        serde_json::json!({
            "jobs": count,
            "enqueue_batched_per_second": batched,
            "enqueue_each_per_second": each,
            "work_per_second": forgotten,
            "work_remembered_per_second": kept,
            "wake_up_p50_us": half,
            "wake_up_p99_us": most,
        })
    );
    Ok(())
}
