//! The connection to Redis: made and kept up in the background, and cut where it does not answer in time. Whoever
//! wants something of the tier takes the session there is, or goes without.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::RedisError;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::scripts::Scripts;
use super::server::{Connection, Identity, Server, is_lost};
use super::trust::Trust;
use super::watch::{Watch, within};
use crate::cache::clock::{Clock, SystemClock};
use crate::limits::breaker::{Attempt, Breaker, BreakerOptions, Phase};

/// Failures in a row after which nobody waits for Redis any more.
const FAILURES: u32 = 3;
/// From a failed attempt to connect to the next one, in milliseconds.
const COOL_DOWN: u64 = 250;
/// How often the session is looked at: whether it answers, and whether it is still the same server that does.
const LOOK: Duration = Duration::from_secs(1);

/// One connection, from its making to its loss.
#[derive(Clone)]
pub(super) struct Session {
    /// Rises with each session.
    pub(super) number: u64,
    pub(super) connection: Connection,
    pub(super) scripts: Scripts,
    pub(super) identity: Arc<Identity>,
}

/// What is wrong with the tier. The text is for operators.
#[derive(Debug, Clone, thiserror::Error)]
pub enum L2Error {
    /// Redis refused, or the connection failed.
    #[error("{0}")]
    Redis(#[from] RedisError),
    /// It did not answer in time.
    #[error("no answer within {0:?}")]
    DeadlineExceeded(Duration),
    /// There is no connection now.
    #[error("not connected")]
    Down,
}

/// The link. Dropping it ends its task.
pub(super) struct Link {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    server: Server,
    connect_timeout: Duration,
    breaker: Breaker,
    sessions: watch::Sender<Option<Session>>,
    trouble: Notify,
    trust: Arc<Trust>,
    begun: AtomicU64,
}

impl Link {
    pub(super) fn start(
        server: Server,
        connect_timeout: Duration,
        trust: Arc<Trust>,
        background: &Handle,
    ) -> Self {
        let shared = Arc::new(Shared {
            server,
            connect_timeout,
            breaker: Breaker::new(BreakerOptions {
                failures: FAILURES,
                cool_down: COOL_DOWN,
            }),
            sessions: watch::Sender::new(None),
            trouble: Notify::new(),
            trust,
            begun: AtomicU64::new(0),
        });
        let task = background.spawn(keep_up(Arc::clone(&shared)));
        Self { shared, task }
    }

    pub(super) fn server(&self) -> &Server {
        &self.shared.server
    }

    /// The session of now and those to come.
    pub(super) fn sessions(&self) -> watch::Receiver<Option<Session>> {
        self.shared.sessions.subscribe()
    }

    /// The session to try something on; none while the breaker is open.
    pub(super) fn attempt(&self) -> Option<(Session, Attempt)> {
        let attempt = self.shared.breaker.attempt()?;
        let session = self.shared.sessions.borrow().clone()?;
        Some((session, attempt))
    }

    /// The session of now, for what has a patience of its own.
    pub(super) fn session(&self) -> Option<Session> {
        self.shared.sessions.borrow().clone()
    }

    /// How the breaker stands.
    pub(super) fn phase(&self) -> Phase {
        self.shared.breaker.phase()
    }

    /// Sessions so far.
    pub(super) fn sessions_begun(&self) -> u64 {
        self.shared.begun.load(Ordering::Relaxed)
    }

    /// Has the session looked at now: another connection to the same server was lost.
    pub(super) fn suspect(&self) {
        self.shared.trouble.notify_one();
    }

    /// Awaits what was tried, for a limited time, and takes note of how it went. What is not answered in time may
    /// have been done all the same.
    pub(super) async fn in_time<T>(
        &self,
        attempt: Attempt,
        limit: Duration,
        work: impl Future<Output = Result<T, RedisError>>,
    ) -> Result<T, L2Error> {
        let Shared {
            breaker, trouble, ..
        } = &*self.shared;
        let outcome = match timeout(limit, work).await {
            Ok(Ok(done)) => {
                breaker.succeeded(attempt);
                return Ok(done);
            }
            Ok(Err(error)) => L2Error::Redis(error),
            Err(_) => L2Error::DeadlineExceeded(limit),
        };
        let opened = match &outcome {
            L2Error::Redis(error) if is_lost(error) => breaker.lost(attempt, SystemClock.now()),
            _ => breaker.failed(attempt, SystemClock.now()),
        };
        if opened {
            trouble.notify_one();
        }
        Err(outcome)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let session = self.shared.sessions.borrow();
        f.debug_struct("Link")
            .field("session", &session.as_ref().map(|session| session.number))
            .field("breaker", &self.shared.breaker)
            .finish_non_exhaustive()
    }
}

/// Connects, watches over the session until it is lost, and begins again.
async fn keep_up(shared: Arc<Shared>) {
    let mut number = 0;
    let mut is_told = false;
    loop {
        let probe = match shared.breaker.probe(SystemClock.now()) {
            Ok(probe) => probe,
            Err(wait) => {
                sleep(Duration::from_millis(wait)).await;
                continue;
            }
        };
        number += 1;
        let session = match shared.begin(number).await {
            Ok(session) => session,
            Err(error) => {
                if !is_told {
                    tracing::warn!(%error, "no connection to Redis; going on without it");
                    is_told = true;
                }
                probe.failed(SystemClock.now());
                continue;
            }
        };
        is_told = false;
        let Identity {
            run_id, version, ..
        } = &*session.identity;
        tracing::info!(%run_id, %version, "connected to Redis");
        // Before anybody can have the session.
        shared.trust.doubt();
        shared.begun.fetch_add(1, Ordering::Relaxed);
        shared.sessions.send_replace(Some(session.clone()));
        probe.succeeded();
        let error = shared.watch_over(&session).await;
        shared.breaker.open(SystemClock.now());
        shared.sessions.send_replace(None);
        shared.trust.doubt();
        tracing::warn!(%error, "lost Redis; going on without it");
    }
}

impl Shared {
    async fn begin(&self, number: u64) -> Result<Session, L2Error> {
        let limit = self.connect_timeout;
        let begin = async {
            let connection = self.server.connect(limit).await?;
            let identity = Arc::new(connection.identify().await?);
            let scripts = Scripts::load(&connection).await?;
            Ok(Session {
                number,
                connection,
                scripts,
                identity,
            })
        };
        within(limit, begin).await
    }

    /// Returns what the session was lost for.
    async fn watch_over(&self, session: &Session) -> L2Error {
        let mut watch = Watch::over((*session.identity).clone());
        loop {
            tokio::select! {
                () = self.trouble.notified() => {}
                () = sleep(LOOK) => {}
            }
            if self.breaker.attempt().is_none() {
                return L2Error::Down;
            }
            let looked = watch.look(&self.server, &session.connection, self.connect_timeout);
            if let Err(error) = looked.await {
                return error;
            }
        }
    }
}
