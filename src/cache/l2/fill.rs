//! Ending leases: with what was loaded, or without.

use std::hash::BuildHasher;

use redis::{Cmd, Value};

use super::record::{Content, Record};
use super::scripts::{Script, call_all};
use super::tier::{Tier, token, unix_now};
use super::{L2Key, L2Value};
use crate::cache::clock::{Millis, jittered};
use crate::cache::load::{Lease, Loaded};

/// The end of a lease.
pub(super) struct Fill<K> {
    key: K,
    token: String,
    version: u64,
    /// Empty where there is nothing to keep.
    record: Vec<u8>,
    keep: Millis,
}

impl Tier {
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
            // An absence is believed for a short time, and with a version it is a fence for longer.
            if loaded.value.is_err() {
                let fence = if loaded.version > 0 {
                    self.options.fence
                } else {
                    0
                };
                fill.keep = believed.max(fence);
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
            // One without a value only ends its lease.
            let one = usize::from(!fill.record.is_empty());
            match outcome {
                Value::Int(0) => self.counters.fills_refused.add(one),
                Value::Int(_) => self.counters.fills.add(one),
                refused => {
                    self.counters.fills_refused.add(1);
                    let fence: Vec<u64> = redis::from_redis_value(refused).unwrap_or_default();
                    overtaken.extend(fence.first().map(|fence| (fill.key, *fence)));
                }
            }
        }
        overtaken
    }
}
