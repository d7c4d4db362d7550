//! What the tier has of a key, for people and for the prover. Looking changes nothing and asks for no trust: what is
//! there is what others may be reading.

use std::time::Duration;

use futures_util::try_join;
use redis::{RedisResult, cmd};
use tokio::time::timeout;

use super::link::L2Error;
use super::record::{Content, Record};
use super::server::Connection;
use super::tier::{Tier, unix_now};
use super::{L2Key, L2Value};
use crate::cache::clock::Millis;
use crate::cache::l1::Absence;
use crate::limits::breaker::Phase;

/// How long a look may take. Nobody's request waits for it.
const LOOK: Duration = Duration::from_millis(500);

/// What the tier has of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct L2View<V> {
    /// What the record says.
    pub record: Recorded<V>,
    /// Milliseconds until Redis removes the record; `None` where there is none, or it has no end.
    pub ttl: Option<Millis>,
    /// The lease, if somebody has it.
    pub lease: Option<LeaseView>,
}

/// A record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded<V> {
    /// There is none.
    Nothing,
    /// It is none of ours, or damaged.
    Unreadable,
    /// A value.
    Value {
        /// The value.
        value: V,
        /// Its version.
        version: u64,
        /// Milliseconds since it was read from the store, by the clocks of two machines.
        age: Millis,
    },
    /// There is known to be none.
    Absent {
        /// Why.
        absence: Absence,
        /// Version of the absence.
        version: u64,
        /// Milliseconds since it was read from the store.
        age: Millis,
        /// Whether it is still believed.
        is_believed: bool,
    },
    /// Nothing below this version may come in.
    Fence {
        /// The version.
        version: u64,
    },
}

/// Somebody's right to load a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseView {
    /// The node that has it, as [`super::L2::node`] names it; the whole text where it is none of ours.
    pub node: String,
    /// Milliseconds until it ends.
    pub ttl: Option<Millis>,
}

/// Whether the tier is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerView {
    /// Yes.
    Closed,
    /// No: it failed.
    Open,
    /// No, but it is being connected to.
    Probing,
}

impl From<Phase> for BreakerView {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Closed { .. } => Self::Closed,
            Phase::Open { .. } => Self::Open,
            Phase::Probing => Self::Probing,
        }
    }
}

/// How the tier stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct L2Status {
    /// Whether it is asked.
    pub breaker: BreakerView,
    /// Whether it may be believed: every invalidation that this node knows of has reached it.
    pub is_trusted: bool,
    /// Whether the store's journal is known to have more than was delivered.
    pub is_behind: bool,
    /// Connections so far.
    pub sessions: u64,
    /// Version of the Redis that answers, and its run id, as long as one does.
    pub server: Option<(String, String)>,
    /// How far the journal was delivered, in the store's own words.
    pub place: Option<String>,
}

impl Tier {
    pub(super) async fn inspect<K: L2Key, V: L2Value>(
        &self,
        key: &K,
    ) -> Result<L2View<V>, L2Error> {
        let session = self.link.session().ok_or(L2Error::Down)?;
        let slot = self.keyspace.slot(key);
        let connection = &session.connection;
        let all = async {
            try_join!(
                text(connection, &slot.record),
                text(connection, &slot.lease),
                end(connection, &slot.record),
                end(connection, &slot.lease),
            )
        };
        let all = timeout(LOOK, all).await;
        let (record, lease, record_ttl, lease_ttl) =
            all.map_err(|_| L2Error::DeadlineExceeded(LOOK))??;
        Ok(L2View {
            record: record.map_or(Recorded::Nothing, |record| recorded(&record)),
            ttl: record_ttl,
            lease: lease.map(|token| LeaseView {
                node: holder(&token),
                ttl: lease_ttl,
            }),
        })
    }

    pub(super) fn status(&self) -> L2Status {
        let session = self.link.session();
        L2Status {
            breaker: self.link.phase().into(),
            is_trusted: session
                .as_ref()
                .is_some_and(|session| self.trust.covers(session.number)),
            is_behind: self.behind.is_behind(),
            sessions: self.link.sessions_begun(),
            server: session.map(|session| {
                let identity = &session.identity;
                (identity.version.clone(), identity.run_id.clone())
            }),
            place: self.place(),
        }
    }
}

/// What is of another type than a string is no record of ours, and its error no trouble.
async fn text(connection: &Connection, name: &[u8]) -> RedisResult<Option<Vec<u8>>> {
    match connection.send(cmd("GET").arg(name)).await {
        Err(error) if error.code() == Some("WRONGTYPE") => Ok(Some(Vec::new())),
        Err(error) => Err(error),
        Ok(found) => Ok(redis::from_redis_value(found)?),
    }
}

async fn end(connection: &Connection, name: &[u8]) -> RedisResult<Option<Millis>> {
    let left = connection.send(cmd("PTTL").arg(name)).await?;
    let left: i64 = redis::from_redis_value(left)?;
    Ok(Millis::try_from(left).ok())
}

fn recorded<V: L2Value>(bytes: &[u8]) -> Recorded<V> {
    let Some(record) = Record::from_bytes(bytes) else {
        return Recorded::Unreadable;
    };
    let now = unix_now();
    let (version, age) = (record.version, now.saturating_sub(record.stored_at));
    match record.content {
        Content::Fence => Recorded::Fence { version },
        Content::Absent(absence) => Recorded::Absent {
            absence,
            version,
            age,
            is_believed: record.expires_at > now,
        },
        Content::Value(body) => match V::from_bytes(body) {
            None => Recorded::Unreadable,
            Some(value) => Recorded::Value {
                value,
                version,
                age,
            },
        },
    }
}

/// Who holds a lease: the first half of its token.
fn holder(token: &[u8]) -> String {
    let token = String::from_utf8_lossy(token);
    let is_ours = token.len() == 32 && token.bytes().all(|byte| byte.is_ascii_hexdigit());
    match token.get(..16) {
        Some(node) if is_ours => node.to_owned(),
        _ => token.chars().take(64).collect(),
    }
}
