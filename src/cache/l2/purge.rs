//! Dropping what the tier keeps because somebody says so. A fence stays in place of each value, so that nothing older
//! follows, and leases are voided, so that nothing comes in that was loaded before.

use std::time::Duration;

use redis::{Cmd, RedisResult, Value, cmd};
use tokio::time::timeout;

use super::keyspace::{Message, Purged};
use super::link::{L2Error, Session};
use super::record::{Content, HEADER, Record};
use super::scripts::{Script, Slot, call_all};
use super::tier::{Tier, unix_now};
use super::{L2Key, L2Value};
use crate::cache::l1::Depth;

/// How long Redis may take for some keys.
const FEW: Duration = Duration::from_secs(1);
/// How long it may take for all it has.
const ALL: Duration = Duration::from_mins(5);
/// Keys looked at in one go. Between two of them Redis answers others.
const PAGE: usize = 200;

/// What is to be dropped of a key.
struct Target {
    slot: Slot,
    /// The fence that stays; 0 for none.
    version: u64,
    /// The beginning of the record that was seen, if any.
    seen: Vec<u8>,
    message: String,
}

impl Tier {
    /// Drops keys, and has all nodes do so. Nothing below the version beside each is allowed from then on. Returns how
    /// many records there were.
    pub(super) async fn purge_keys<K: L2Key>(
        &self,
        keys: &[(K, u64)],
        depth: Depth,
    ) -> Result<usize, L2Error> {
        let session = self.link.session().ok_or(L2Error::Down)?;
        let mut dropped = 0;
        for keys in keys.chunks(PAGE) {
            let work = async {
                let mut targets = Vec::with_capacity(keys.len());
                for (key, version) in keys {
                    let (what, node) = (Purged::Key(key.clone(), *version), self.node);
                    targets.push(Target {
                        slot: self.keyspace.slot(key),
                        version: *version,
                        seen: Vec::new(),
                        message: Message::Purged { what, depth, node }.to_text(),
                    });
                }
                see(&session, &mut targets).await?;
                self.drop_all(&session, &targets).await
            };
            dropped += in_time(FEW, work).await?;
        }
        Ok(dropped)
    }

    /// Drops every value that is meant, and has all nodes drop what `what` says. Records are looked at one after the
    /// other, as they are: no index of them is kept.
    pub(super) async fn purge_where<K: L2Key, V: L2Value>(
        &self,
        what: Purged<K>,
        depth: Depth,
        is_meant: Option<&(dyn Fn(&V) -> bool + Send + Sync)>,
    ) -> Result<usize, L2Error> {
        let session = self.link.session().ok_or(L2Error::Down)?;
        let work = async {
            let pattern = self.keyspace.pattern();
            let mut scan = session.connection.scan(&pattern, &session.identity, PAGE);
            let mut dropped = 0;
            while let Some(names) = scan.next().await? {
                let slots = names.iter().filter_map(|name| self.keyspace.slot_of(name));
                let slots: Vec<Slot> = slots.collect();
                let seen = match is_meant {
                    // Whole, since nothing else tells what is in them.
                    Some(_) => get(&session, slots.iter().map(whole)).await?,
                    None => get(&session, slots.iter().map(beginning)).await?,
                };
                let mut targets = Vec::with_capacity(slots.len());
                for (slot, mut seen) in slots.into_iter().zip(seen) {
                    let is_meant = match is_meant {
                        None => true,
                        Some(is_meant) => value(&seen).is_some_and(|value| is_meant(&value)),
                    };
                    // A fence has nothing to drop.
                    if is_meant && Record::kind_of(&seen) != Some(Record::FENCE) {
                        seen.truncate(HEADER);
                        targets.push(Target {
                            slot,
                            version: Record::version_of(&seen).unwrap_or(0),
                            seen,
                            message: String::new(),
                        });
                    }
                }
                dropped += self.drop_all(&session, &targets).await?;
            }
            let node = self.node;
            let message = Message::Purged { what, depth, node }.to_text();
            let mut publish = cmd("PUBLISH");
            publish.arg(self.keyspace.channel()).arg(message);
            session.connection.send(&publish).await?;
            Ok(dropped)
        };
        in_time(ALL, work).await
    }

    async fn drop_all(&self, session: &Session, targets: &[Target]) -> RedisResult<usize> {
        let (now, keep) = (unix_now(), self.options.fence);
        let channel = self.keyspace.channel();
        let calls: Vec<Cmd> = targets
            .iter()
            .map(|target| {
                let fence = Record {
                    content: Content::Fence,
                    version: target.version,
                    stored_at: now,
                    expires_at: now.saturating_add(keep),
                };
                let mut call = session.scripts.call(Script::Purge, &target.slot);
                call.arg(target.version).arg(fence.to_bytes()).arg(keep);
                call.arg(&target.seen).arg(&channel).arg(&target.message);
                call
            })
            .collect();
        let outcomes = call_all(&session.connection, Script::Purge, &calls).await?;
        let dropped = outcomes.iter().filter(|it| **it == Value::Int(1)).count();
        self.counters.purged.add(dropped);
        Ok(dropped)
    }
}

/// Takes note of what is there now.
async fn see(session: &Session, targets: &mut [Target]) -> RedisResult<()> {
    let seen = get(
        session,
        targets.iter().map(|target| beginning(&target.slot)),
    )
    .await?;
    for (target, seen) in targets.iter_mut().zip(seen) {
        target.seen = seen;
    }
    Ok(())
}

fn whole(slot: &Slot) -> Cmd {
    let mut get = cmd("GET");
    get.arg(&slot.record);
    get
}

fn beginning(slot: &Slot) -> Cmd {
    let mut get = cmd("GETRANGE");
    get.arg(&slot.record).arg(0).arg(HEADER - 1);
    get
}

/// Nothing for what is not there, or is no string.
async fn get(session: &Session, gets: impl Iterator<Item = Cmd>) -> RedisResult<Vec<Vec<u8>>> {
    let gets = gets.map(|get| async move {
        match session.connection.send(&get).await {
            Ok(found) => Ok(redis::from_redis_value(found).unwrap_or_default()),
            Err(error) if error.code() == Some("WRONGTYPE") => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    });
    futures_util::future::try_join_all(gets).await
}

fn value<V: L2Value>(record: &[u8]) -> Option<V> {
    match Record::from_bytes(record)?.content {
        Content::Value(body) => V::from_bytes(body),
        Content::Absent(_) | Content::Fence => None,
    }
}

async fn in_time<T>(
    limit: Duration,
    work: impl Future<Output = RedisResult<T>>,
) -> Result<T, L2Error> {
    let outcome = timeout(limit, work).await;
    Ok(outcome.map_err(|_| L2Error::DeadlineExceeded(limit))??)
}
