//! `[cache]`: the tiers between a request and the catalogue.

use std::time::Duration;

use super::node_url::NodeUrl;
use super::reader::Reader;
use super::units::ByteSize;

const MOST_WARM: u32 = 1_000_000;
const MOST_PROBES: u32 = 1_000;

/// How long and how much is cached, and how long a load may take.
#[derive(Debug, Clone)]
pub struct CacheConfig {
    /// Memory for products in the first tier; 0 switches it off.
    pub l1_bytes: ByteSize,
    /// Memory for what is made of products (lists, reviews, parts of documents), apart from the products', so
    /// that a scan of pages evicts none; 0 switches their caching off.
    pub views_bytes: ByteSize,
    /// How long an entry is served without asking.
    pub fresh: Duration,
    /// How long after that it is still served while a newer one is loaded.
    pub stale: Duration,
    /// How long "no such product" is remembered.
    pub negative: Duration,
    /// Memory for those answers, apart from the products', so that a scan of ids evicts none.
    pub negative_bytes: ByteSize,
    /// After this long a load has failed.
    pub hard_timeout: Duration,
    /// Most products that are loaded again after a start, the most read ones of the time before; 0 switches it off.
    pub warm_up: u32,
    /// How long readiness waits for that.
    pub warm_up_wait: Duration,
    /// Whether what the API wrote is loaded into the tiers at once, and not when it is read.
    pub write_through: bool,
    /// Whether it is counted how often products are looked at.
    pub count_views: bool,
    /// How often that is written.
    pub view_flush: Duration,
    /// The other nodes, by their listeners for operators.
    pub peers: Vec<NodeUrl>,
    /// Changed products a second of which every copy is looked at; 0 looks at none.
    pub probes: u32,
}

impl CacheConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        /// Views take this part of the first tier unless told otherwise.
        const VIEWS_PART: u64 = 8;
        /// Negative answers take this part of the first tier, and no more than the cap.
        const NEGATIVE_PART: u64 = 32;
        const NEGATIVE_CAP: ByteSize = ByteSize::mib(8);

        let mut section = reader.section("cache");
        let l1_bytes = section.value(
            "l1_bytes",
            ByteSize::mib(256),
            "memory for cached products; 0 switches the cache off",
        );
        let config = Self {
            l1_bytes,
            views_bytes: section.value(
                "views_bytes",
                ByteSize(l1_bytes.0 / VIEWS_PART),
                "memory for cached lists, reviews and parts of products; unless set, l1_bytes / 8; 0 caches none",
            ),
            fresh: section.value(
                "fresh",
                Duration::from_mins(1),
                "time for which a cached product is served without asking",
            ),
            stale: section.value(
                "stale",
                Duration::from_mins(10),
                "time after that for which it is served while a newer one loads",
            ),
            negative: section.value(
                "negative",
                Duration::from_secs(5),
                "time for which an unknown product is remembered",
            ),
            negative_bytes: section.value(
                "negative_bytes",
                ByteSize(l1_bytes.0 / NEGATIVE_PART).min(NEGATIVE_CAP),
                "memory for unknown products; unless set, l1_bytes / 32, at most 8MiB",
            ),
            hard_timeout: section.value(
                "hard_timeout",
                Duration::from_secs(1),
                "wait for a load before the request fails",
            ),
            warm_up: section.value(
                "warm_up",
                10_000,
                "products loaded before a start is over, the most read ones of the time before; 0 for none",
            ),
            warm_up_wait: section.value(
                "warm_up_wait",
                Duration::from_secs(5),
                "time for which readiness waits for them",
            ),
            count_views: section.value(
                "count_views",
                true,
                "whether it is counted how often products are looked at, which makes them popular",
            ),
            view_flush: section.value(
                "view_flush",
                Duration::from_secs(5),
                "how often those counts are written; a process that is killed loses as much",
            ),
            write_through: section.value(
                "write_through",
                false,
                "whether what a request wrote is loaded into the caches at once, and not when it is read",
            ),
            peers: section.optional_list(
                "peers",
                "the other nodes' admin addresses as http://HOST:PORT, asked whether their caches are right",
            ),
            probes: section.value(
                "probes",
                1,
                "changed products a second of which every copy is looked at, and dropped if it is old; 0 for none",
            ),
        };
        config.check(reader);
        config
    }

    fn check(&self, reader: &mut Reader<'_>) {
        reader.require(
            !self.hard_timeout.is_zero(),
            "cache.hard_timeout",
            "no load can finish in no time; write a duration above 0, such as 1s",
        );
        reader.require(
            !self.view_flush.is_zero(),
            "cache.view_flush",
            "nobody can write all the time; write a duration above 0, such as 5s",
        );
        reader.require(
            self.warm_up <= MOST_WARM,
            "cache.warm_up",
            "more than 1000000; what is read less than the first ten thousand is soon loaded anyway",
        );
        reader.require(
            self.probes <= MOST_PROBES,
            "cache.probes",
            "more than 1000; each asks every node several times",
        );
        reader.require_between(
            self.negative_bytes <= self.l1_bytes,
            "cache.negative_bytes",
            "cache.l1_bytes",
            "is more than",
            "unknown products must not take more memory than products",
        );
    }
}
