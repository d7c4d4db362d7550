//! What the parts of the tier share, and invalidating.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use redis::{Cmd, RedisResult};
use tokio::runtime::Handle;

use super::counters::Counters;
use super::keyspace::{Keyspace, Message};
use super::link::{L2Error, Link, Session};
use super::record::{Content, Record};
use super::relay::Behind;
use super::scripts::{Script, call_all};
use super::server::Server;
use super::trust::Trust;
use super::{L2Key, L2Options};
use crate::cache::clock::Millis;
use crate::cache::load::Lease;

/// Whether an invalidation is told to the other nodes although it was no news to Redis: the first who knows of it
/// may not have been the one to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Announce {
    Always,
    News,
}

/// The tier, of whatever keys and values.
pub(super) struct Tier {
    pub(super) options: L2Options,
    pub(super) keyspace: Keyspace,
    pub(super) link: Link,
    pub(super) trust: Arc<Trust>,
    pub(super) behind: Behind,
    pub(super) counters: Counters,
    /// How far the journal was delivered, for people.
    place: Mutex<Option<String>>,
    /// Makes leases of this process unlike those of any other.
    pub(super) node: u64,
    leases: AtomicU64,
    pub(super) hasher: RandomState,
}

impl Tier {
    pub(super) fn connect(server: Server, options: L2Options, background: &Handle) -> Self {
        let trust = Arc::<Trust>::default();
        let hasher = RandomState::new();
        Self {
            keyspace: Keyspace::new(&options.prefix),
            link: Link::start(
                server,
                options.connect_timeout,
                Arc::clone(&trust),
                background,
            ),
            trust,
            behind: Behind::default(),
            counters: Counters::default(),
            place: Mutex::default(),
            node: getrandom::u64().unwrap_or_else(|_| hasher.hash_one(SystemTime::now())),
            leases: AtomicU64::new(0),
            hasher,
            options,
        }
    }

    /// The session to read from, if what it says may be believed.
    pub(super) fn usable(&self) -> Option<(Session, crate::limits::breaker::Attempt)> {
        let (session, attempt) = self.link.attempt()?;
        self.trust
            .covers(session.number)
            .then_some((session, attempt))
    }

    /// Takes note of how far the journal was delivered.
    pub(super) fn set_place(&self, place: &str) {
        let mut known = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        if known.as_deref() != Some(place) {
            *known = Some(place.to_owned());
        }
    }

    pub(super) fn place(&self) -> Option<String> {
        let place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        place.clone()
    }

    /// A lease unlike any other.
    pub(super) fn new_lease(&self) -> Lease {
        let number = self.leases.fetch_add(1, Ordering::Relaxed);
        Lease(u128::from(self.node) << 64 | u128::from(number))
    }

    /// Invalidates, and tells the other nodes, within the time that a writer has for it.
    pub(super) async fn invalidate_in_time<K: L2Key>(
        &self,
        changes: &[(K, u64)],
    ) -> Result<(), L2Error> {
        let outcome = match self.link.attempt() {
            Some((session, attempt)) => {
                let work = self.invalidate(&session, changes, Announce::Always);
                let limit = self.options.timeout;
                self.link.in_time(attempt, limit, work).await
            }
            None => Err(L2Error::Down),
        };
        if outcome.is_err() {
            self.counters.invalidations_failed.add(changes.len());
        }
        outcome
    }

    /// Has all nodes look at something else than keys. One that does not hear of it will find it.
    pub(super) async fn note<K: L2Key>(&self, note: &str) -> Result<(), L2Error> {
        let (session, attempt) = self.link.attempt().ok_or(L2Error::Down)?;
        let message = Message::<K>::Note(note.to_owned()).to_text();
        let mut publish = redis::cmd("PUBLISH");
        publish.arg(self.keyspace.channel()).arg(message);
        let limit = self.options.timeout;
        let told = session.connection.send(&publish);
        self.link.in_time(attempt, limit, told).await.map(drop)
    }

    /// Invalidates over a session.
    pub(super) async fn invalidate<K: L2Key>(
        &self,
        session: &Session,
        changes: &[(K, u64)],
        announce: Announce,
    ) -> RedisResult<()> {
        let (now, keep) = (unix_now(), self.options.fence);
        let channel = self.keyspace.channel();
        let calls: Vec<Cmd> = changes
            .iter()
            .map(|(key, version)| {
                let slot = self.keyspace.slot(key);
                let fence = Record {
                    content: Content::Fence,
                    version: *version,
                    stored_at: now,
                    expires_at: now.saturating_add(keep),
                };
                let mut call = session.scripts.call(Script::Invalidate, &slot);
                call.arg(version).arg(fence.to_bytes()).arg(keep);
                call.arg(&channel)
                    .arg(Message::Invalidated(key.clone(), *version).to_text());
                call.arg(u8::from(announce == Announce::Always));
                call
            })
            .collect();
        call_all(&session.connection, Script::Invalidate, &calls).await?;
        self.counters.invalidations.add(changes.len());
        Ok(())
    }
}

/// The lease as Redis keeps it.
pub(super) fn token(lease: Lease) -> String {
    format!("{:032x}", lease.0)
}

pub(super) fn millis(time: Duration) -> Millis {
    Millis::try_from(time.as_millis()).unwrap_or(Millis::MAX)
}

/// Times in records are of the Unix clock, which nodes share more or less.
pub(super) fn unix_now() -> Millis {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, millis)
}

impl fmt::Debug for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tier")
            .field("options", &self.options)
            .field("link", &self.link)
            .field("trust", &self.trust)
            .finish_non_exhaustive()
    }
}
