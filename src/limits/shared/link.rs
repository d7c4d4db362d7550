//! The connection to Redis, apart from the cache's: a decision must not wait behind documents. Made and kept up in the
//! background; who has a question takes the connection there is, or goes without.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use redis::{Cmd, RedisError, RedisResult, ServerErrorKind, Value, cmd};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::cache::l2::{Connection, Identity, Server, Watch};

const SCRIPT: &str = include_str!("gcra.lua");

/// Failures in a row after which nobody waits for Redis any more.
const FAILURES: u32 = 3;
/// From a failed attempt to connect to the next one. With [`ATTEMPT`] it bounds how long after its return Redis is
/// used again: below a second.
const PAUSE: Duration = Duration::from_millis(100);
/// How long an attempt may take.
const ATTEMPT: Duration = Duration::from_millis(500);
/// How often is looked whether the server is there, and still the same.
const LOOK: Duration = Duration::from_secs(1);

/// Redis gave no answer in time, or no useful one.
#[derive(Debug)]
pub(super) struct NoAnswer;

/// The link. Dropping it ends its task.
pub(super) struct Link {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    server: Server,
    patience: Duration,
    session: ArcSwapOption<Session>,
    trouble: Notify,
    begun: AtomicU64,
    unanswered: AtomicU64,
}

struct Session {
    connection: Connection,
    identity: Identity,
    hash: String,
    failures: AtomicU32,
}

impl Link {
    /// Connects in the background, and goes on trying for as long as it takes.
    pub(super) fn start(server: Server, patience: Duration, background: &Handle) -> Self {
        let shared = Arc::new(Shared {
            server,
            patience,
            session: ArcSwapOption::empty(),
            trouble: Notify::new(),
            begun: AtomicU64::new(0),
            unanswered: AtomicU64::new(0),
        });
        let task = background.spawn(keep_up(Arc::clone(&shared)));
        Self { shared, task }
    }

    pub(super) fn patience(&self) -> Duration {
        self.shared.patience
    }

    pub(super) fn is_up(&self) -> bool {
        self.shared.session.load().is_some()
    }

    /// Sessions so far, and questions that were not answered.
    pub(super) fn counts(&self) -> (u64, u64) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (read(&self.shared.begun), read(&self.shared.unanswered))
    }

    /// Runs the script on a key. Takes [`Link::patience`] at most; what is not answered may have been done all the
    /// same, also where it is dropped.
    pub(super) async fn run(&self, key: &str, arguments: &[String]) -> Result<Vec<i64>, NoAnswer> {
        let Some(session) = self.shared.session.load_full() else {
            return Err(NoAnswer);
        };
        let answer = timeout(self.shared.patience, session.run(key, arguments)).await;
        let error: &dyn fmt::Display = match &answer {
            Ok(Ok(answer)) => {
                session.failures.store(0, Ordering::Relaxed);
                return Ok(answer.clone());
            }
            Ok(Err(error)) => error,
            Err(late) => late,
        };
        tracing::debug!(%error, "Redis decides no limit");
        self.shared.unanswered.fetch_add(1, Ordering::Relaxed);
        if session.failures.fetch_add(1, Ordering::Relaxed) + 1 == FAILURES {
            self.shared.lose(&session);
        }
        Err(NoAnswer)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("server", &self.shared.server)
            .field("is_up", &self.is_up())
            .finish_non_exhaustive()
    }
}

impl Session {
    async fn run(&self, key: &str, arguments: &[String]) -> RedisResult<Vec<i64>> {
        let call = |name: &str, script: &str| {
            let mut call = cmd(name);
            call.arg(script).arg(1).arg(key).arg(arguments);
            call
        };
        let mut answer = self.send(&call("EVALSHA", &self.hash)).await;
        if let Err(error) = &answer
            && error.kind() == redis::ErrorKind::Server(ServerErrorKind::NoScript)
        {
            // Redis has forgotten its scripts: it keeps what it is given here.
            answer = self.send(&call("EVAL", SCRIPT)).await;
        }
        Ok(redis::from_redis_value(answer?)?)
    }

    async fn send(&self, command: &Cmd) -> RedisResult<Value> {
        self.connection.send(command).await
    }
}

impl Shared {
    async fn begin(&self) -> Result<Session, RedisError> {
        let connection = self.server.connect(ATTEMPT).await?;
        let identity = connection.identify().await?;
        let hash = connection.load_script(SCRIPT).await?;
        Ok(Session {
            connection,
            identity,
            hash,
            failures: AtomicU32::new(0),
        })
    }

    /// Has a session replaced, if it is still that of now.
    fn lose(&self, session: &Arc<Session>) {
        let now = self.session.compare_and_swap(session, None);
        if now.as_ref().is_some_and(|now| Arc::ptr_eq(now, session)) {
            self.trouble.notify_one();
        }
    }

    /// Returns when the session is lost.
    async fn watch_over(&self, session: &Arc<Session>) {
        let mut watch = Watch::over(session.identity.clone());
        loop {
            tokio::select! {
                () = self.trouble.notified() => return,
                () = sleep(LOOK) => {}
            }
            let looked = watch.look(&self.server, &session.connection, ATTEMPT);
            if let Err(error) = looked.await {
                tracing::debug!(%error, "the connection for the limits is given up");
                self.session.store(None);
                return;
            }
        }
    }
}

/// Connects, watches over the session until it is lost, and begins again.
async fn keep_up(shared: Arc<Shared>) {
    let mut is_told = false;
    loop {
        match timeout(ATTEMPT, shared.begin()).await {
            Ok(Ok(session)) => {
                tracing::info!("Redis counts for the limits");
                is_told = false;
                shared.begun.fetch_add(1, Ordering::Relaxed);
                let session = Arc::new(session);
                shared.session.store(Some(Arc::clone(&session)));
                shared.watch_over(&session).await;
                tracing::warn!("Redis counts no more for the limits; this node counts its part");
            }
            Ok(Err(error)) if !is_told => {
                tracing::warn!(%error, "Redis does not count for the limits; this node counts its part");
                is_told = true;
            }
            _ => sleep(PAUSE).await,
        }
    }
}
