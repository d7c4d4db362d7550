//! The guarantee that invalidations reach the tier: follows the journal and delivers what it says, again and again
//! until Redis takes it. Writers deliver theirs themselves, which is faster; what they could not, a crash or an
//! outage prevented, comes from here, and until it has come the tier is not believed.
//!
//! How far the journal was delivered is kept in Redis, beside what was delivered: a server that has lost the end of
//! what it was told, in a failover or a crash, has lost the end of that as well. The parts of a Cluster each have a
//! history of their own. Where another process has taken over one of them, as the run ids tell, everything is delivered
//! again that could concern a value that is still there; and so it is where the mark is lost. Where the journal does not
//! go back so far, everything that is kept is removed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use redis::{RedisResult, cmd};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::link::{L2Error, Session};
use super::tier::{Announce, Tier};
use super::{Journal, L2Key, Mark};
use crate::cache::load::LoadError;

/// Changes delivered at once.
const PAGE: usize = 500;
/// How long Redis may take for them, or for any one command.
const DELIVERY: Duration = Duration::from_secs(1);
/// How long everything that is kept may take to be removed.
const REMOVAL: Duration = Duration::from_mins(1);
/// How long the journal may take for a page.
const READING: Duration = Duration::from_secs(1);
/// How far delivery may be behind before the tier is not believed any more: less than a fence lives in a node.
const BEHIND: Duration = Duration::from_secs(1);
/// How often the journal is looked at, if nobody says that it grew.
const IDLE: Duration = Duration::from_secs(1);
/// From a failure to the next attempt.
const RETRY: Duration = Duration::from_millis(50);

/// Whether the journal is known to have more than was delivered.
#[derive(Debug, Default)]
pub(super) struct Behind {
    noted: AtomicU64,
    delivered: AtomicU64,
}

impl Behind {
    /// The journal grew.
    pub(super) fn note(&self) {
        self.noted.fetch_add(1, Ordering::AcqRel);
    }

    fn noted(&self) -> u64 {
        self.noted.load(Ordering::Acquire)
    }

    /// Everything noted up to here was delivered.
    fn delivered(&self, noted: u64) {
        self.delivered.fetch_max(noted, Ordering::AcqRel);
    }

    pub(super) fn is_behind(&self) -> bool {
        self.delivered.load(Ordering::Acquire) < self.noted()
    }
}

/// Why a pass did not come to its end.
enum Failure {
    Journal(LoadError),
    Redis(L2Error),
}

impl From<redis::RedisError> for Failure {
    fn from(error: redis::RedisError) -> Self {
        Self::Redis(error.into())
    }
}

/// How far the journal was delivered, and to whom.
struct Place {
    run_id: String,
    mark: Mark,
}

struct Relay<J> {
    tier: Arc<Tier>,
    journal: J,
    place: Option<Place>,
}

/// Delivers for as long as it is polled.
pub(super) async fn run<K: L2Key>(
    tier: Arc<Tier>,
    journal: impl Journal<K>,
    journal_grew: Arc<Notify>,
) {
    let mut sessions = tier.link.sessions();
    let mut relay = Relay {
        tier: Arc::clone(&tier),
        journal,
        place: None,
    };
    loop {
        let session = match sessions.wait_for(Option::is_some).await {
            Ok(session) => session.clone(),
            Err(_) => return,
        };
        let Some(session) = session else { continue };
        match relay.pass::<K>(&session).await {
            Ok(true) => {
                tokio::select! {
                    () = journal_grew.notified() => {}
                    () = sleep(IDLE) => {}
                    // The link is gone, and this will be, too.
                    _ = sessions.changed() => {}
                }
            }
            // A new doubt came up meanwhile.
            Ok(false) => {}
            Err(failure) => {
                relay.take_note(failure);
                sleep(RETRY).await;
            }
        }
    }
}

impl<J> Relay<J> {
    fn take_note(&self, failure: Failure) {
        let trust = &self.tier.trust;
        match failure {
            Failure::Redis(error) => {
                tracing::debug!(%error, "invalidations are not delivered to Redis");
                trust.suspend();
            }
            // A store that is down takes no writes either, and what is kept is all there is left then. But where
            // something was written that Redis has not been told of, it must not be read.
            Failure::Journal(error) => {
                tracing::debug!(%error, "what Redis has to be told of cannot be read");
                if self.tier.behind.is_behind() {
                    trust.suspend();
                }
            }
        }
    }

    /// Delivers everything there is. True where the tier is believed from here on.
    async fn pass<K: L2Key>(&mut self, session: &Session) -> Result<bool, Failure>
    where
        J: Journal<K>,
    {
        let doubts = self.tier.trust.doubts();
        let noted = self.tier.behind.noted();
        let started = Instant::now();
        let run_id = &session.identity.run_id;
        let (mut mark, mut moved) = match &self.place {
            Some(place) if place.run_id == *run_id => (place.mark.clone(), false),
            _ => (self.find_place(session).await?, true),
        };
        loop {
            let page = in_reading_time(self.journal.after(mark.clone(), PAGE)).await?;
            let Some(page) = page else {
                mark = self.remove_all(session).await?;
                moved = true;
                continue;
            };
            if page.changes.is_empty() {
                break;
            }
            let delivery = self.tier.invalidate(session, &page.changes, Announce::News);
            in_delivery_time(DELIVERY, delivery).await?;
            mark = page.mark;
            moved = true;
            if started.elapsed() > BEHIND {
                self.tier.trust.suspend();
            }
        }
        if moved {
            let text = format!("{run_id} {}", mark.0);
            self.command(session, cmd("SET").arg(self.tier.keyspace.mark()).arg(text))
                .await?;
        }
        self.tier.set_place(&mark.0);
        self.place = Some(Place {
            run_id: run_id.clone(),
            mark,
        });
        self.tier.behind.delivered(noted);
        let was_trusted = self.tier.trust.covers(session.number);
        let is_trusted = self.tier.trust.grant(session.number, doubts);
        if is_trusted && !was_trusted {
            tracing::info!("the cache in Redis is in use");
        }
        Ok(is_trusted)
    }

    /// Where to begin, so that nothing is left out that this Redis may not have been told.
    async fn find_place<K: L2Key>(&self, session: &Session) -> Result<Mark, Failure>
    where
        J: Journal<K>,
    {
        let saved = self
            .command(session, cmd("GET").arg(self.tier.keyspace.mark()))
            .await?;
        let saved: Option<String> = redis::from_redis_value(saved).unwrap_or(None);
        if let Some((run_id, mark)) = saved.as_deref().and_then(|saved| saved.split_once(' '))
            && (session.identity.has_one_history() || run_id == session.identity.run_id)
        {
            return Ok(Mark(mark.to_owned()));
        }
        let end = in_reading_time(self.journal.end()).await?;
        let size = self.command(session, &cmd("DBSIZE")).await?;
        if redis::from_redis_value::<u64>(size).is_ok_and(|size| size == 0) {
            return Ok(end);
        }
        let age = self.tier.options.longest_kept();
        match in_reading_time(self.journal.back(age)).await? {
            Some(mark) => {
                tracing::info!("Redis may have lost invalidations; they are delivered again");
                Ok(mark)
            }
            None => self.remove_all(session).await,
        }
    }

    /// Removes everything that is kept; returns where the journal ended before.
    ///
    /// Twice. A node that has not heard of it yet may put in what it loaded before, after its record was looked for and
    /// before its lease is removed. The leases of that time are over after the first round, and what came in is seen by
    /// the second one.
    async fn remove_all<K: L2Key>(&self, session: &Session) -> Result<Mark, Failure>
    where
        J: Journal<K>,
    {
        self.tier.trust.suspend();
        let end = in_reading_time(self.journal.end()).await?;
        let pattern = self.tier.keyspace.pattern();
        let mut removed = 0;
        for _ in 0..2 {
            let removal = session.connection.remove_all(&pattern, &session.identity);
            removed += in_delivery_time(REMOVAL, removal).await?;
        }
        tracing::info!(
            removed,
            "the journal does not tell what Redis missed; everything it kept was removed"
        );
        Ok(end)
    }

    async fn command(
        &self,
        session: &Session,
        command: &redis::Cmd,
    ) -> Result<redis::Value, Failure> {
        in_delivery_time(DELIVERY, session.connection.send(command)).await
    }
}

async fn in_delivery_time<T>(
    limit: Duration,
    work: impl Future<Output = RedisResult<T>>,
) -> Result<T, Failure> {
    let outcome = timeout(limit, work).await;
    Ok(outcome.map_err(|_| Failure::Redis(L2Error::DeadlineExceeded(limit)))??)
}

async fn in_reading_time<T>(
    work: impl Future<Output = Result<T, LoadError>>,
) -> Result<T, Failure> {
    timeout(READING, work)
        .await
        .unwrap_or(Err(LoadError::DeadlineExceeded(READING)))
        .map_err(Failure::Journal)
}
