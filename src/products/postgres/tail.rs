//! Following what was committed, by whichever program: the outbox tail.

use std::time::Duration;

use tokio::task::JoinHandle;

use super::outbox;
use crate::db::postgres::{Listener, Postgres, PostgresError};
use crate::products::store::OutboxMark;
use crate::products::tail::TailEvent;

const PRUNE: &str = include_str!("../../../sql/postgres/queries/prune_outbox.sql");

/// How long at most between two looks while notifications are heard, and while they are not, in milliseconds. Each
/// look comes up to a quarter earlier, so that a fleet does not look at once.
const LISTENING: u64 = 500;
const DEAF: u64 = 100;
/// Rows handed over at once.
const BATCH: usize = 1000;
/// How often old outbox rows are removed.
const PRUNE_EVERY: Duration = Duration::from_mins(10);
/// How often the same failure is told.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// What follows the outbox. Dropping it stops it.
#[derive(Debug)]
pub struct Tail {
    task: JoinHandle<()>,
}

impl Tail {
    /// Starts with what was committed within the last `back`, which it has told of when this returns: copies may be so
    /// far behind. What was committed before needs no event, since nothing is cached yet.
    /// `on_event` runs on the runtime of the connections. Blocks until it has come to the end.
    ///
    /// Where the primary is lost and there are replicas to read from, it starts all the same, and with a gap as soon as
    /// there is a primary: what was read until then may have been replaced by what no tail told of.
    pub fn start(
        database: &Postgres,
        back: Duration,
        on_event: impl Fn(TailEvent) + Send + Sync + 'static,
    ) -> Result<Self, PostgresError> {
        let mark = database.block_on(async {
            let mut connection = database.read_fresh().await?;
            let before = if back.is_zero() {
                None
            } else {
                outbox::before(&mut connection, back).await?
            };
            if let Some(mark) = before {
                return Ok(mark);
            }
            let (mark, position) = outbox::end_and_position(&mut connection).await?;
            database.require_replayed(position.timeline, position.bytes);
            Ok::<_, PostgresError>(mark)
        });
        let may_wait = |error: &PostgresError| error.is_lost() && database.has_replicas();
        let mark = mark.or_else(|error| may_wait(&error).then(OutboxMark::unknown).ok_or(error))?;
        let mut follower = Follower {
            // Without its own: the handle here belongs to the caller, and the task must not keep the runtime.
            database: database.clone(),
            mark,
            on_event,
        };
        match database.block_on(follower.poll()) {
            Err(error) if may_wait(&error) => {
                tracing::warn!(%error, "the catalogue is followed once there is a primary");
            }
            polled => polled?,
        }
        let listener = database.listen("catalog_outbox");
        Ok(Self {
            task: database.spawn(follower.run(listener)),
        })
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Follower<F> {
    database: Postgres,
    mark: OutboxMark,
    on_event: F,
}

impl<F: Fn(TailEvent) + Send + Sync + 'static> Follower<F> {
    async fn run(mut self, mut listener: Listener) {
        let mut pruned = tokio::time::Instant::now();
        let mut told: Option<tokio::time::Instant> = None;
        loop {
            listener.wait(jittered(LISTENING), jittered(DEAF)).await;
            // One that hangs will be given up.
            let lost = self.database.primary_lost();
            let polled = tokio::select! {
                polled = self.poll() => polled,
                () = lost => Err(PostgresError::NoAnswer("to a look at the outbox")),
            };
            match polled {
                Ok(()) => {
                    told = None;
                    (self.on_event)(TailEvent::CaughtUp);
                }
                // The mark has not moved, so the next look misses nothing.
                Err(error) if told.is_none_or(|told| told.elapsed() >= TELL_EVERY) => {
                    told = Some(tokio::time::Instant::now());
                    tracing::warn!(%error, "cannot follow the catalogue; trying again");
                }
                Err(_) => tokio::time::sleep(jittered(DEAF)).await,
            }
            if pruned.elapsed() >= PRUNE_EVERY {
                pruned = tokio::time::Instant::now();
                if let Err(error) = self.prune().await {
                    tracing::warn!(%error, "cannot remove old rows of the outbox");
                }
            }
        }
    }

    /// Hands over everything that is committed now.
    async fn poll(&mut self) -> Result<(), PostgresError> {
        let mut connection = self.database.read_fresh().await?;
        loop {
            let Some(page) = outbox::after(&mut connection, &self.mark, BATCH).await? else {
                // Everything that is forgotten now was in the log here. What a replica that has not come so far shows
                // could not be told from what is new.
                let (end, position) = outbox::end_and_position(&mut connection).await?;
                self.database
                    .require_replayed(position.timeline, position.bytes);
                self.mark = end;
                (self.on_event)(TailEvent::Gap);
                continue;
            };
            self.mark = page.mark;
            let is_all = page.changes.len() < BATCH;
            if !page.changes.is_empty() {
                (self.on_event)(TailEvent::Changes(page.changes));
            }
            if is_all {
                return Ok(());
            }
        }
    }

    async fn prune(&self) -> Result<(), PostgresError> {
        let mut connection = self.database.read_fresh().await?;
        connection.execute(PRUNE, &[]).await?;
        Ok(())
    }
}

/// A little less than this, in milliseconds.
fn jittered(most: u64) -> Duration {
    // Without random numbers all nodes look at the same time, which is no error.
    let random = getrandom::u32().unwrap_or(0);
    Duration::from_millis(most - most / 4 * u64::from(random) / u64::from(u32::MAX))
}
