//! The workers of a process: one loop a kind that begins jobs as there is room for them, one that extends the leases of
//! all that are being done, one that ends them in batches, and one that looks after all jobs from time to time.

mod ender;
mod held;
mod kind_loop;
mod trace;
mod untold;
mod upkeep;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::counters::Counters;
use super::enqueued::Wake;
use super::handler::Registered;
use super::queue::Queue;
use super::schedule::Schedule;
use super::store::{JobStore, Retention};
use crate::telemetry::traces::Tracer;
use ender::Ended;
use held::Held;

/// Jobs that were done and may wait to be ended. Then no more are begun.
const UNENDED: usize = 4_096;
/// How much less than HTTP the threads of the workers get where both want the processor.
const NICENESS: i32 = 5;

/// How workers work.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// Threads.
    pub threads: usize,
    /// For how long a job is leased; a worker that says nothing for so long is taken for dead.
    pub lease: Duration,
    /// How often is looked for what nobody told of.
    pub poll: Duration,
    /// How long jobs may take that are being done when the process is to stop.
    pub drain: Duration,
    /// How long what has ended is remembered.
    pub retention: Retention,
    /// Where jobs are traced.
    pub tracer: Option<Tracer>,
}

/// What the loops share.
struct Shared {
    store: Arc<dyn JobStore>,
    options: WorkerOptions,
    /// Names this process to people.
    name: String,
    wake: Wake,
    held: Held,
    counters: Counters,
    ended: mpsc::Sender<Ended>,
    stop: watch::Receiver<bool>,
}

impl Shared {
    /// Waits until nothing more is to be begun.
    async fn stopped(&self) {
        let mut stop = self.stop.clone();
        // An error says that nobody is left who could say so: then it is over, too.
        let _ = stop.wait_for(|stop| *stop).await;
    }
}

/// Workers that run. Dropping them without [`Workers::drain`] leaves what they hold to its leases.
pub struct Workers {
    runtime: Runtime,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    loops: Vec<JoinHandle<()>>,
    /// Ends when everything was ended.
    ending: JoinHandle<()>,
}

impl Workers {
    /// Begins to do the jobs of these kinds, and to enqueue those of these schedules.
    pub fn start(
        queue: &Queue,
        kinds: Vec<Registered>,
        schedules: Vec<Schedule>,
        options: WorkerOptions,
    ) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(options.threads.max(1))
            .thread_name("jobs")
            .on_thread_start(|| {
                // On Linux that is of this thread. Where it is refused, HTTP has to do without.
                let _ = rustix::process::nice(NICENESS);
            })
            .enable_all()
            .build()?;
        let (stop, stopping) = watch::channel(false);
        let (ended, to_end) = mpsc::channel(UNENDED);
        let shared = Arc::new(Shared {
            store: Arc::clone(queue.store()),
            options,
            name: name_of_this_process(),
            wake: queue.wake().clone(),
            held: Held::default(),
            counters: Counters::of(kinds.iter().map(|it| it.kind.name)),
            ended,
            stop: stopping,
        });
        let ending = runtime.spawn(ender::run(Arc::clone(&shared), to_end));
        let mut loops = vec![
            runtime.spawn(held::extend(Arc::clone(&shared))),
            runtime.spawn(upkeep::run(Arc::clone(&shared), schedules)),
            runtime.spawn(upkeep::forget(Arc::clone(&shared))),
        ];
        for kind in kinds {
            loops.push(runtime.spawn(kind_loop::run(Arc::clone(&shared), kind)));
        }
        Ok(Self {
            runtime,
            shared,
            stop,
            loops,
            ending,
        })
    }

    /// What they did.
    pub fn counters(&self) -> &Counters {
        &self.shared.counters
    }

    /// Begins nothing more, gives what is being done the time it has, and gives back what is not done by then, without
    /// counting the attempt. Blocks.
    pub fn drain(self) {
        let Self {
            runtime,
            shared,
            stop,
            loops,
            ending,
        } = self;
        let _ = stop.send(true);
        runtime.block_on(async {
            let (drain, lease) = (shared.options.drain, shared.options.lease);
            if tokio::time::timeout(drain, shared.held.is_idle())
                .await
                .is_err()
            {
                shared.held.interrupt_all(held::Interruption::Draining);
            }
            for task in loops {
                // A loop that panicked was reported by the panic hook.
                let _ = task.await;
            }
            // It ends when nobody is left who could end a job. What the store does not take in time is left to its lease.
            drop(shared);
            let _ = tokio::time::timeout(lease, ending).await;
        });
        runtime.shutdown_timeout(Duration::from_secs(1));
    }
}

/// Host, number of the process, and some letters that tell two apart that had the same number.
fn name_of_this_process() -> String {
    let host = rustix::system::uname();
    let host = host.nodename().to_string_lossy().into_owned();
    let random = getrandom::u32().unwrap_or_default();
    format!("{host}:{}:{random:08x}", std::process::id())
}
