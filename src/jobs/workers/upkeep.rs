//! What is done for all jobs from time to time, by every process.

use std::sync::Arc;
use std::time::Duration;

use super::Shared;
use crate::jobs::backoff::jittered;
use crate::jobs::schedule::Schedule;
use crate::jobs::store::{JobStoreError, Upkeep};

/// How often what ended long ago is forgotten.
const FORGETTING: Duration = Duration::from_secs(10);

/// Looks for jobs whose time has come, for those of workers that were lost, and for those that other processes enqueued.
pub(super) async fn run(shared: Arc<Shared>, schedules: Vec<Schedule>) {
    let upkeep = Upkeep {
        lease: shared.options.lease,
    };
    let mut is_failing = false;
    loop {
        let looked = async {
            enqueue_turns(&shared, &schedules).await?;
            shared.store.look(upkeep).await
        };
        match looked.await {
            Ok(looked) => {
                is_failing = false;
                if looked.retaken > 0 {
                    shared.counters.took(looked.retaken);
                    tracing::warn!(
                        jobs = looked.retaken,
                        "their worker said nothing for longer than its lease: taken from it"
                    );
                }
                for kind in &looked.ready {
                    shared.wake.here(kind);
                }
            }
            Err(error) if !is_failing => {
                is_failing = true;
                tracing::warn!("cannot look after the jobs: {error}");
            }
            Err(error) => tracing::debug!("cannot look after the jobs: {error}"),
        }
        tokio::select! {
            () = shared.store.heard(jittered(shared.options.poll)) => {}
            () = shared.stopped() => return,
        }
    }
}

async fn enqueue_turns(shared: &Shared, schedules: &[Schedule]) -> Result<(), JobStoreError> {
    if schedules.is_empty() {
        return Ok(());
    }
    let now = shared.store.now().await?;
    for schedule in schedules {
        let Some(turn) = schedule.last_turn(now) else {
            continue;
        };
        let job = schedule.job.clone();
        shared.store.enqueue_turn(schedule.name, turn, job).await?;
    }
    Ok(())
}

/// Forgets what ended long ago, a batch at a time.
pub(super) async fn forget(shared: Arc<Shared>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(jittered(FORGETTING)) => {}
            () = shared.stopped() => return,
        }
        loop {
            match shared.store.forget(shared.options.retention).await {
                Ok(true) => tokio::task::yield_now().await,
                Ok(false) => break,
                Err(error) => {
                    tracing::debug!("what has ended was not forgotten: {error}");
                    break;
                }
            }
        }
    }
}
