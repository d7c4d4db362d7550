//! What is asked of Redis, and what its answers mean.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use redis::{Cmd, RedisResult, Value, cmd};
use tokio::runtime::Handle;

use super::counters::Counters;
use super::keyspace::{Keyspace, message};
use super::link::{L2Error, Link, Session};
use super::record::{Content, Record};
use super::relay::Behind;
use super::scripts::{Script, Slot, call_all};
use super::server::Server;
use super::trust::Trust;
use super::{L2Key, L2Options, L2Value};
use crate::cache::clock::{Millis, jittered};
use crate::cache::load::{Intent, Lease, Loaded, Origin};

/// A question for a key.
pub(super) struct Ask<K> {
    pub(super) key: K,
    /// [`Intent::Fresh`] wants no value, but the lease, whoever holds it.
    pub(super) intent: Intent,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked<V> {
    /// This is there.
    Found(Loaded<V>),
    /// Nothing is there, and it is for the one who asked to load it.
    Leased {
        lease: Lease,
        /// The lowest version that may be kept.
        fence: u64,
    },
    /// Nothing is there, and somebody else is loading it.
    Held,
    /// The tier gives no answer.
    Off,
}

/// The end of a lease.
pub(super) struct Fill<K> {
    key: K,
    token: String,
    version: u64,
    /// Empty where there is nothing to keep.
    record: Vec<u8>,
    keep: Millis,
}

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
    /// Makes leases of this process unlike those of any other.
    node: u64,
    leases: AtomicU64,
    hasher: RandomState,
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
            node: getrandom::u64().unwrap_or_else(|_| hasher.hash_one(SystemTime::now())),
            leases: AtomicU64::new(0),
            hasher,
            options,
        }
    }

    /// The session to read from, if what it says may be believed.
    pub(super) fn usable(&self) -> Option<(Session, super::breaker::Attempt)> {
        let (session, attempt) = self.link.attempt()?;
        self.trust
            .covers(session.number)
            .then_some((session, attempt))
    }

    pub(super) async fn ask_all<K: L2Key, V: L2Value>(&self, asks: Vec<Ask<K>>) -> Vec<Asked<V>> {
        let mut answers: Vec<Option<Asked<V>>> = asks.iter().map(|_| None).collect();
        if let Some((session, attempt)) = self.usable() {
            let work = self.answer(&session, &asks, &mut answers);
            let limit = self.options.timeout;
            if let Err(error) = self.link.in_time(attempt, limit, work).await {
                tracing::debug!(%error, "Redis gives no answer");
            }
        }
        let answers = answers.into_iter().map(|it| it.unwrap_or(Asked::Off));
        let answers: Vec<_> = answers.collect();
        self.count(&answers);
        answers
    }

    /// Gives answers as far as it comes.
    async fn answer<K: L2Key, V: L2Value>(
        &self,
        session: &Session,
        asks: &[Ask<K>],
        answers: &mut [Option<Asked<V>>],
    ) -> RedisResult<()> {
        let slots: Vec<Slot> = asks
            .iter()
            .map(|ask| self.keyspace.slot(&ask.key))
            .collect();
        let mut unreadable: Vec<Vec<u8>> = vec![Vec::new(); asks.len()];
        let wanted: Vec<usize> = (0..asks.len())
            .filter(|at| asks[*at].intent == Intent::Any)
            .collect();
        if !wanted.is_empty() {
            let mut get = cmd("MGET");
            for at in &wanted {
                get.arg(&slots[*at].record);
            }
            let records: Vec<Option<Vec<u8>>> =
                redis::from_redis_value(session.connection.send(&get).await?)?;
            let now = unix_now();
            for (at, record) in wanted.into_iter().zip(records) {
                let Some(record) = record else { continue };
                match read(&record, now) {
                    Ok(found) => answers[at] = found.map(Asked::Found),
                    Err(Unreadable) => unreadable[at] = beginning(record),
                }
            }
        }
        let missing: Vec<usize> = (0..asks.len())
            .filter(|at| answers[*at].is_none())
            .collect();
        let leases: Vec<Lease> = missing.iter().map(|_| self.new_lease()).collect();
        let now = unix_now();
        let calls: Vec<Cmd> = missing
            .iter()
            .zip(&leases)
            .map(|(at, lease)| {
                let takes = u8::from(asks[*at].intent == Intent::Fresh);
                let mut call = session.scripts.call(Script::Lease, &slots[*at]);
                call.arg(token(*lease));
                call.arg(millis(self.options.lease()));
                call.arg(now).arg(takes).arg(&unreadable[*at]);
                call
            })
            .collect();
        self.counters
            .unreadable
            .add(unreadable.iter().filter(|bytes| !bytes.is_empty()).count());
        let outcomes = call_all(&session.connection, Script::Lease, &calls).await?;
        for ((at, lease), outcome) in missing.into_iter().zip(leases).zip(outcomes) {
            answers[at] = Some(match outcome {
                Value::Int(_) => Asked::Held,
                Value::BulkString(record) => match read(&record, now) {
                    Ok(Some(found)) => Asked::Found(found),
                    // It expired this moment, or is damaged: the next one who asks has it removed.
                    _ => Asked::Off,
                },
                granted => {
                    let fence: Vec<i64> = redis::from_redis_value(granted)?;
                    let fence = fence.first().copied().unwrap_or(0);
                    let fence = u64::try_from(fence).unwrap_or(0);
                    Asked::Leased { lease, fence }
                }
            });
        }
        Ok(())
    }

    fn count<V>(&self, answers: &[Asked<V>]) {
        let count = |is: fn(&Asked<V>) -> bool| answers.iter().filter(|it| is(it)).count();
        self.counters
            .hits
            .add(count(|it| matches!(it, Asked::Found(_))));
        self.counters
            .leases
            .add(count(|it| matches!(it, Asked::Leased { .. })));
        self.counters
            .held
            .add(count(|it| matches!(it, Asked::Held)));
        self.counters
            .unanswered
            .add(count(|it| matches!(it, Asked::Off)));
    }

    /// Prepares the end of a lease.
    pub(super) fn fill<K: L2Key, V: L2Value>(
        &self,
        key: &K,
        lease: Lease,
        loaded: Option<&Loaded<V>>,
    ) -> Fill<K> {
        let now = unix_now();
        let keep = jittered(self.options.keep, self.hasher.hash_one((key, now)));
        let mut fill = Fill {
            key: key.clone(),
            token: token(lease),
            version: 0,
            record: Vec::new(),
            keep,
        };
        if let Some(loaded) = loaded {
            let bytes = loaded.value.as_ref().map(V::to_bytes);
            let (content, believed) = match &bytes {
                Ok(bytes) => (Content::Value(bytes), keep),
                Err(absence) => (Content::Absent(**absence), self.options.negative),
            };
            let record = Record {
                content,
                version: loaded.version,
                stored_at: now,
                expires_at: now.saturating_add(believed),
            };
            fill.version = loaded.version;
            fill.record = record.to_bytes();
            // What the store never heard of guards nothing when it has expired; a version does.
            if loaded.version == 0 {
                fill.keep = believed;
            }
        }
        fill
    }

    /// Ends leases. Returns the keys whose loads were overtaken, with the version that did it.
    pub(super) async fn fill_all<K: L2Key>(&self, fills: Vec<Fill<K>>) -> Vec<(K, u64)> {
        let Some((session, attempt)) = self.usable() else {
            return Vec::new();
        };
        let calls: Vec<Cmd> = fills
            .iter()
            .map(|fill| {
                let slot = self.keyspace.slot(&fill.key);
                let mut call = session.scripts.call(Script::Fill, &slot);
                call.arg(&fill.token).arg(fill.version);
                call.arg(&fill.record).arg(fill.keep.max(1));
                call
            })
            .collect();
        let work = call_all(&session.connection, Script::Fill, &calls);
        let limit = self.options.timeout;
        let outcomes = match self.link.in_time(attempt, limit, work).await {
            Ok(outcomes) => outcomes,
            Err(error) => {
                tracing::debug!(%error, "values may not have reached Redis");
                return Vec::new();
            }
        };
        let mut overtaken = Vec::new();
        for (fill, outcome) in fills.into_iter().zip(outcomes) {
            match outcome {
                Value::Int(0) => self.counters.fills_refused.add(1),
                Value::Int(_) => self
                    .counters
                    .fills
                    .add(usize::from(!fill.record.is_empty())),
                refused => {
                    self.counters.fills_refused.add(1);
                    let fence: Vec<u64> = redis::from_redis_value(refused).unwrap_or_default();
                    overtaken.extend(fence.first().map(|fence| (fill.key, *fence)));
                }
            }
        }
        overtaken
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

    /// Invalidates over a session.
    pub(super) async fn invalidate<K: L2Key>(
        &self,
        session: &Session,
        changes: &[(K, u64)],
        announce: Announce,
    ) -> RedisResult<()> {
        let (now, keep) = (unix_now(), self.options.longest_kept());
        let channel = self.keyspace.channel();
        let calls: Vec<Cmd> = changes
            .iter()
            .map(|(key, version)| {
                let slot = self.keyspace.slot(key);
                let fence = Record {
                    content: Content::Fence,
                    version: *version,
                    stored_at: now,
                    expires_at: now.saturating_add(millis(keep)),
                };
                let mut call = session.scripts.call(Script::Invalidate, &slot);
                call.arg(version).arg(fence.to_bytes()).arg(millis(keep));
                call.arg(&channel).arg(message(key, *version));
                call.arg(u8::from(announce == Announce::Always));
                call
            })
            .collect();
        call_all(&session.connection, Script::Invalidate, &calls).await?;
        self.counters.invalidations.add(changes.len());
        Ok(())
    }

    fn new_lease(&self) -> Lease {
        let number = self.leases.fetch_add(1, Ordering::Relaxed);
        Lease(u128::from(self.node) << 64 | u128::from(number))
    }
}

/// A record that nobody can read.
struct Unreadable;

/// What a record says, if it is still believed.
fn read<V: L2Value>(record: &[u8], now: Millis) -> Result<Option<Loaded<V>>, Unreadable> {
    let record = Record::from_bytes(record).ok_or(Unreadable)?;
    let value = match record.content {
        Content::Fence => return Ok(None),
        // Redis itself removes it in time; no other clock is asked.
        Content::Value(bytes) => Ok(V::from_bytes(bytes).ok_or(Unreadable)?),
        Content::Absent(_) if record.expires_at <= now => return Ok(None),
        Content::Absent(absence) => Err(absence),
    };
    let ttl = record.expires_at.saturating_sub(now);
    Ok(Some(Loaded {
        value,
        version: record.version,
        origin: Origin::L2 { ttl },
        lease: None,
    }))
}

/// Enough of a record to tell it from another one.
fn beginning(mut record: Vec<u8>) -> Vec<u8> {
    record.truncate(64);
    record
}

fn token(lease: Lease) -> String {
    format!("{:032x}", lease.0)
}

fn millis(time: Duration) -> Millis {
    Millis::try_from(time.as_millis()).unwrap_or(Millis::MAX)
}

/// Times in records are of the Unix clock, which nodes share more or less.
fn unix_now() -> Millis {
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
