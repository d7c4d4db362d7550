//! Asking for values: one MGET for all, then one script a key for those that are not there.

use std::time::{Duration, Instant};

use redis::{Cmd, RedisResult, Value, cmd};

use super::link::Session;
use super::record::{Content, Record};
use super::scripts::{Script, Slot, call_all};
use super::tier::{Tier, millis, token, unix_now};
use super::{L2Key, L2Value};
use crate::cache::clock::Millis;
use crate::cache::load::{Intent, Lease, Loaded, Origin};

/// A question for a key.
pub(super) struct Ask<K> {
    pub(super) key: K,
    /// [`Intent::Fresh`] wants no value, but the lease, whoever holds it.
    pub(super) intent: Intent,
    /// When it was asked: it may have waited for its batch.
    pub(super) at: Instant,
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

impl Tier {
    pub(super) async fn ask_all<K: L2Key, V: L2Value>(&self, asks: Vec<Ask<K>>) -> Vec<Asked<V>> {
        let mut answers: Vec<Option<Asked<V>>> = asks.iter().map(|_| None).collect();
        if let Some((session, attempt)) = self.usable() {
            let work = self.answer(&session, &asks, &mut answers);
            let limit = self.time_left(&asks);
            if let Err(error) = self.link.in_time(attempt, limit, work).await {
                tracing::debug!(%error, "Redis gives no answer");
            }
        }
        let answers = answers.into_iter().map(|it| it.unwrap_or(Asked::Off));
        let answers: Vec<_> = answers.collect();
        self.count(&answers);
        answers
    }

    /// The wait for the batch counts, so that none waits twice for a Redis that hangs; but an answer always has a
    /// chance to come.
    fn time_left<K>(&self, asks: &[Ask<K>]) -> Duration {
        const CHANCE: u32 = 4;
        let waited = asks.iter().map(|ask| ask.at.elapsed()).max();
        let limit = self.options.timeout;
        limit
            .saturating_sub(waited.unwrap_or_default())
            .max(limit / CHANCE)
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
