//! What the caches did since the start of the process, and how they stand.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::Catalog;
use crate::cache::ReadCounts;
use crate::cache::l2::{BreakerView, L2Counts, L2Status};
use crate::cache::prover::{Findings, Report};
use crate::db::ServerStanding;
use crate::limits::overload::RetryCounts;
use crate::products::store::Lacks;

/// The caches of a node. Numbers are counted from the start of the process.
#[derive(Debug, Clone, Serialize)]
pub struct CacheStatus {
    /// The node, as it is named in leases.
    pub node: String,
    /// Its clock, in milliseconds since 1970.
    pub now_ms: u64,
    /// Products in memory.
    pub l1: TierCounts,
    /// Pages (lists, reviews, recommendations, stock) in memory.
    pub pages: TierCounts,
    /// Redis; `null` where none is configured.
    pub l2: Option<RedisStatus>,
    /// What the store was asked for on behalf of the cache.
    pub store: StoreCounts,
    /// What the prover found so far; `null` where it is switched off.
    pub prover: Option<Report>,
}

/// A tier in memory.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct TierCounts {
    /// Answers from memory that were fresh.
    pub hits: u64,
    /// Answers from memory that were stale, and refreshed behind the reader.
    pub stale: u64,
    /// Answers from memory that there is nothing.
    pub absent: u64,
    /// Readers who had to wait for a load.
    pub misses: u64,
    /// Of those, the ones who joined the load of another.
    pub joined: u64,
    /// Readers who passed by, since the tier is switched off.
    pub bypassed: u64,
    /// Loads that came back, from Redis or the store.
    pub loads: u64,
    /// Loads that did not.
    pub loads_failed: u64,
    /// What was loaded and not kept: an invalidation or a purge overtook it.
    pub fills_refused: u64,
    /// Words of new versions.
    pub invalidations: u64,
    /// Loads under way now.
    pub loading: usize,
    /// Values kept now.
    pub entries: usize,
    /// Bytes they take.
    pub bytes: u64,
    /// Bytes they may take.
    pub bytes_allowed: u64,
    /// Keys known to have nothing.
    pub absences: usize,
}

impl TierCounts {
    /// Readers who were answered from memory.
    pub fn answered(&self) -> u64 {
        self.hits + self.stale + self.absent
    }

    /// All who asked.
    pub fn lookups(&self) -> u64 {
        self.answered() + self.misses + self.bypassed
    }
}

impl From<ReadCounts> for TierCounts {
    fn from(counts: ReadCounts) -> Self {
        Self {
            hits: counts.fresh,
            stale: counts.stale,
            absent: counts.absent,
            misses: counts.misses,
            joined: counts.joined,
            bypassed: counts.bypassed,
            loads: counts.loads,
            loads_failed: counts.loads_failed,
            fills_refused: counts.refused,
            invalidations: counts.invalidations,
            loading: counts.loading,
            entries: counts.values,
            bytes: counts.bytes,
            bytes_allowed: counts.bytes_allowed,
            absences: counts.absences,
        }
    }
}

/// The tier in Redis.
#[derive(Debug, Clone, Serialize)]
pub struct RedisStatus {
    /// `used`; `distrusted`: it answers, but has not been told of everything yet; `down`.
    pub state: &'static str,
    /// `closed`: it is asked; `open`: it is not; `probing`.
    pub breaker: &'static str,
    /// Version of the Redis that answers.
    pub server: Option<String>,
    /// Its run id; those of all masters of a Cluster.
    pub run_id: Option<String>,
    /// Connections so far.
    pub sessions: u64,
    /// How far the outbox was delivered, in the store's own words.
    pub place: Option<String>,
    /// Whether the outbox is known to have more.
    pub behind: bool,
    /// Questions that it answered with what it had.
    pub hits: u64,
    /// Questions that it answered with the right to load.
    pub leases: u64,
    /// Questions that it answered with another node's right to load.
    pub held: u64,
    /// Questions that it did not answer: down, too slow, not to be trusted.
    pub unanswered: u64,
    /// Records that could not be read.
    pub unreadable: u64,
    /// Values that were put in.
    pub fills: u64,
    /// Values that were not let in: the fence forbade them, or the lease was gone.
    pub fills_refused: u64,
    /// Invalidations that it took.
    pub invalidations: u64,
    /// Invalidations that it may not have taken, of those that were tried.
    pub invalidations_failed: u64,
    /// Records that were dropped by purges.
    pub purged: u64,
    /// Messages of other nodes that were heard.
    pub messages: u64,
    /// How often some may have been missed.
    pub messages_missed: u64,
}

/// What the store was asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct StoreCounts {
    /// Queries for products.
    pub queries: u64,
    /// Products they asked for.
    pub products: u64,
    /// Queries that failed.
    pub failed: u64,
}

impl Catalog {
    /// How the caches stand, and what they did.
    pub fn cache_status(&self) -> CacheStatus {
        CacheStatus {
            node: self.node().to_owned(),
            now_ms: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX)),
            l1: self.shelves.documents.counts().into(),
            pages: self.shelves.pages.counts().into(),
            l2: self
                .l2
                .as_ref()
                .map(|l2| redis_status(l2.status(), l2.counts())),
            store: self.loader.counts(),
            prover: self
                .prover
                .as_ref()
                .map(Findings::report)
                .filter(|report| !report.witnesses.is_empty()),
        }
    }

    /// How many reads of the store may be tried again; `None` where nothing is.
    pub fn retries(&self) -> Option<RetryCounts> {
        self.store.retries()
    }

    /// What the store has to do without.
    pub fn store_lacks(&self) -> Lacks {
        self.store.lacks()
    }

    /// How each server of the store stands.
    pub fn store_servers(&self) -> Vec<ServerStanding> {
        self.store.servers()
    }

    /// At most so many products that were read most from memory since the start, each with about how often.
    pub fn hottest_products(&self, limit: usize) -> Vec<(i64, u64)> {
        self.shelves.documents.hottest(limit)
    }

    /// Why the second tier is not used; `None` where it is, or there is none.
    pub fn l2_trouble(&self) -> Option<&'static str> {
        let l2 = self.l2.as_ref().filter(|l2| !l2.is_used())?;
        Some(state(&l2.status()))
    }
}

fn state(status: &L2Status) -> &'static str {
    match (status.breaker, status.is_trusted) {
        (BreakerView::Closed, true) => "used",
        (BreakerView::Closed, false) => "distrusted",
        _ => "down",
    }
}

fn redis_status(status: L2Status, counts: L2Counts) -> RedisStatus {
    let (server, run_id) = status.server.clone().unzip();
    RedisStatus {
        state: state(&status),
        breaker: match status.breaker {
            BreakerView::Closed => "closed",
            BreakerView::Open => "open",
            BreakerView::Probing => "probing",
        },
        server,
        run_id,
        sessions: status.sessions,
        place: status.place,
        behind: status.is_behind,
        hits: counts.hits,
        leases: counts.leases,
        held: counts.held,
        unanswered: counts.unanswered,
        unreadable: counts.unreadable,
        fills: counts.fills,
        fills_refused: counts.fills_refused,
        invalidations: counts.invalidations,
        invalidations_failed: counts.invalidations_failed,
        purged: counts.purged,
        messages: counts.messages,
        messages_missed: counts.missed,
    }
}
