//! Everything at once, over three nodes with Redis and a primary with two replicas: writers and readers on fifty hot
//! products, replay that stands still, Redis flushed, stopped, cut off and killed, the primary killed and replaced.
//!
//! On each node no version is followed by an older one; no node shows an older version than one that was acknowledged
//! a second before, as long as it could know of that; nothing acknowledged is lost; and after the storm all show the
//! same. `scripts/chaos` runs it for longer and with more of everybody.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use super::shop::{ENTERS, PROMISE, ReplicatedShop, is_said, titled};
use crate::harness::{PATIENCE, Proxy, Redis, Replication, Server, Shop, Writer, within};

const PRODUCTS: usize = 50;
const NODES: usize = 3;
/// What each writer and each reader waits, for each one that there is: so many at a time do no more together than a few,
/// and no machine has to be measured for this.
const WRITERS_PAUSE: Duration = Duration::from_millis(10);
const READERS_PAUSE: Duration = Duration::from_millis(2);
/// From the end of a failover until all nodes are said to know who the primary is.
const SETTLING: Duration = Duration::from_secs(3);

/// How long, and how many there are of whom.
struct Scale {
    length: Duration,
    writers: usize,
    readers: usize,
}

impl Scale {
    fn read() -> Self {
        let number = |name: &str, default: usize| {
            let given = std::env::var(name).ok();
            given.map_or(default, |text| text.parse().unwrap())
        };
        Self {
            length: Duration::from_secs(number("CHAOS_SECONDS", 12) as u64),
            writers: number("CHAOS_WRITERS", 10),
            readers: number("CHAOS_READERS", 10),
        }
    }
}

/// What is known of all that happened.
struct Record {
    is_over: AtomicBool,
    /// For each product the versions that were acknowledged, in order, and when.
    acknowledged: Vec<Mutex<Vec<(u64, Instant)>>>,
    /// For each node and product the newest version that was shown.
    shown: Vec<Vec<AtomicU64>>,
    /// What each version of a product was seen to be, by whomever: it is one and the same for all and for ever.
    titles: Mutex<HashMap<(usize, u64), String>>,
    /// When no node could know what was committed: there was no primary to tell.
    blind: Mutex<Vec<(Instant, Option<Instant>)>>,
    /// The longest that a thread here had to wait for its turn: nobody can be held to less.
    stall: AtomicU64,
    worst: AtomicU64,
    reads: AtomicU64,
    writes: AtomicU64,
    failed_reads: AtomicU64,
    refused_writes: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap()
}

fn version(document: &Value) -> u64 {
    document["version"].as_u64().unwrap()
}

impl Record {
    fn new() -> Self {
        let zeros = || (0..=PRODUCTS).map(|_| AtomicU64::new(0)).collect();
        Self {
            is_over: AtomicBool::new(false),
            acknowledged: (0..=PRODUCTS).map(|_| Mutex::default()).collect(),
            shown: (0..NODES).map(|_| zeros()).collect(),
            titles: Mutex::default(),
            blind: Mutex::default(),
            stall: AtomicU64::new(0),
            worst: AtomicU64::new(0),
            reads: AtomicU64::new(0),
            writes: AtomicU64::new(0),
            failed_reads: AtomicU64::new(0),
            refused_writes: AtomicU64::new(0),
        }
    }

    fn goes_on(&self) -> bool {
        !self.is_over.load(Ordering::Acquire)
    }

    fn is_same(&self, id: usize, document: &Value) {
        let title = document["title"].as_str().unwrap();
        let mut titles = lock(&self.titles);
        let known = titles
            .entry((id, version(document)))
            .or_insert_with(|| title.to_owned());
        assert_eq!(known, title, "product {id}, version {}", version(document));
    }

    /// When all could know what was acknowledged at this time.
    fn known_from(&self, acknowledged: Instant) -> Option<Instant> {
        for (begin, end) in lock(&self.blind).iter() {
            let is_before_end = end.is_none_or(|end| acknowledged < end + SETTLING);
            if acknowledged + PROMISE >= *begin && is_before_end {
                return end.map(|end| end + SETTLING);
            }
        }
        Some(acknowledged)
    }

    /// The newest version that a node must show to a request that begins now, and for how long it has had to.
    fn owed(&self, id: usize, now: Instant) -> Option<(u64, Instant)> {
        let acknowledged = lock(&self.acknowledged[id]);
        let mut newest_first = acknowledged.iter().rev();
        newest_first.find_map(|(version, at)| {
            let known = self.known_from(*at)?;
            let stall = Duration::from_millis(self.stall.load(Ordering::Relaxed));
            (known + PROMISE + stall <= now).then_some((*version, known))
        })
    }

    fn read(&self, node: usize, server: &Server, id: usize) {
        let asked = Instant::now();
        let floor = self.shown[node][id].load(Ordering::Acquire);
        let owed = self.owed(id, asked);
        let reply = server.get(&format!("/products/{id}"));
        if reply.status == 503 {
            self.failed_reads.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let document = reply.with(200).json();
        let version = version(&document);
        assert!(
            version >= floor,
            "node {node}, product {id}: {version} after {floor}"
        );
        if let Some((owed, since)) = owed
            && version < owed
        {
            panic!(
                "node {node}, product {id}: {version}, when {owed} was known for {:?}",
                asked - since
            );
        }
        self.shown[node][id].fetch_max(version, Ordering::AcqRel);
        self.is_same(id, &document);
        self.measure(id, version, asked);
        self.reads.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes for how long what was shown had been replaced.
    fn measure(&self, id: usize, version: u64, asked: Instant) {
        let acknowledged = lock(&self.acknowledged[id]);
        let replaced = acknowledged.iter().find(|(newer, _)| *newer > version);
        if let Some((_, at)) = replaced
            && self.known_from(*at) == Some(*at)
        {
            let age = millis(asked.saturating_duration_since(*at));
            self.worst.fetch_max(age, Ordering::Relaxed);
        }
    }

    fn write(&self, node: usize, writer: &Writer<'_>, id: usize, title: &str) {
        let reply = writer.patch(&format!("/products/{id}"), &titled(title));
        match reply.status {
            200 => {
                let document = reply.json();
                let version = version(&document);
                let mut acknowledged = lock(&self.acknowledged[id]);
                // Answers may overtake each other.
                let at = acknowledged.partition_point(|(known, _)| *known < version);
                acknowledged.insert(at, (version, Instant::now()));
                drop(acknowledged);
                self.is_same(id, &document);
                // The writer's own node shows it from here on.
                self.shown[node][id].fetch_max(version, Ordering::AcqRel);
                self.writes.fetch_add(1, Ordering::Relaxed);
            }
            503 => {
                assert!(reply.header("retry-after").is_some(), "{reply:?}");
                self.refused_writes.fetch_add(1, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(20));
            }
            _ => panic!("{reply:?}"),
        }
    }

    /// How late a thread wakes that asked for ten milliseconds.
    fn watch_stalls(&self) {
        const NAP: Duration = Duration::from_millis(10);
        while self.goes_on() {
            let asleep = Instant::now();
            thread::sleep(NAP);
            let late = millis(asleep.elapsed().saturating_sub(NAP));
            self.stall.fetch_max(late, Ordering::Relaxed);
        }
    }

    /// No node can know of commits while this runs.
    fn blind<T>(&self, during: impl FnOnce() -> T) -> T {
        lock(&self.blind).push((Instant::now(), None));
        let outcome = during();
        lock(&self.blind).last_mut().unwrap().1 = Some(Instant::now());
        outcome
    }
}

/// A sequence of numbers that look random and are the same each time (Marsaglia's xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % below as u64).unwrap()
    }
}

/// Who is what among the servers.
struct Roles {
    primary: usize,
    /// Waits for each commit of the primary.
    synchronous: usize,
    other: usize,
}

impl Roles {
    /// The primary is killed, its synchronous replica takes its place, and it comes back as a replica.
    fn fail_over(&mut self, servers: &mut Replication, record: &Record) {
        let lost = self.primary;
        record.blind(|| {
            servers.kill(lost);
            servers.promote(self.synchronous);
        });
        servers.follow(self.other, self.synchronous);
        *self = Self {
            primary: self.synchronous,
            synchronous: self.other,
            other: lost,
        };
        servers.synchronous(self.primary, self.synchronous);
        servers.rejoin(lost, self.primary);
    }
}

fn disturb(
    servers: &mut Replication,
    redis: &mut Redis,
    proxies: &[Proxy],
    record: &Record,
    length: Duration,
) {
    let started = Instant::now();
    let mut dice = Dice(0x005e_ed0f_b1ac);
    let mut roles = Roles {
        primary: 0,
        synchronous: 1,
        other: 2,
    };
    let mut failovers = 0;
    let mut round = 0;
    while started.elapsed() < length && record.goes_on() {
        // One failover in the middle, in a longer storm one every fifteen seconds.
        let due = (length / 3).min(Duration::from_secs(15)) * (failovers + 1);
        if started.elapsed() >= due && due + SETTLING * 2 < length {
            failovers += 1;
            roles.fail_over(servers, record);
            continue;
        }
        let proxy = &proxies[dice.roll(proxies.len())];
        let replicas = [roles.synchronous, roles.other];
        match round % 7 {
            0 | 3 => {
                // Now and then for longer than a replica may be behind.
                let replica = replicas[dice.roll(2)];
                servers.pause(replica);
                thread::sleep(Duration::from_millis([300, 700, 1_600][dice.roll(3)]));
                servers.resume(replica);
            }
            1 => redis.run::<()>("FLUSHALL"),
            2 => {
                redis.signal(Signal::STOP);
                thread::sleep(Duration::from_millis(300));
                redis.signal(Signal::CONT);
            }
            4 => proxy.cut(),
            5 => {
                proxy.mute(true);
                thread::sleep(Duration::from_millis(200));
                proxy.mute(false);
            }
            _ => redis.restart(),
        }
        round += 1;
        thread::sleep(Duration::from_millis(100));
    }
    assert!(
        failovers > 0 && round > 4,
        "{failovers} failovers, {round} rounds"
    );
}

#[test]
fn no_version_goes_backwards_whatever_happens() {
    let scale = Scale::read();
    let mut shop = ReplicatedShop::start(2, PRODUCTS);
    shop.servers.synchronous(0, 1);
    let mut redis = Redis::start();
    let proxies: Vec<_> = (0..NODES).map(|_| Proxy::before(redis.address())).collect();
    let folders: Vec<_> = (0..NODES).map(|_| Shop::in_a_file()).collect();
    let nodes = folders.iter().zip(&proxies).map(|(folder, proxy)| {
        let url = format!("redis://{}", proxy.address());
        shop.serve_anyhow(
            folder,
            &[
                ("DOORBUSTER_REDIS_URL", &url),
                ("DOORBUSTER_CATALOG_MAX_REPLICA_LAG", "1s"),
                ("DOORBUSTER_CACHE_FRESH", "200ms"),
                ("DOORBUSTER_CACHE_STALE", "5s"),
                // Half of the products have no place.
                ("DOORBUSTER_CACHE_L1_BYTES", "32KiB"),
                ("DOORBUSTER_CACHE_HARD_TIMEOUT", "5s"),
                ("DOORBUSTER_LIMITS_WRITE_WAIT", "5s"),
            ],
        )
    });
    let nodes: Vec<_> = nodes.collect();
    for node in &nodes {
        is_said(node, ENTERS, 2);
    }
    let writers: Vec<_> = nodes.iter().map(|node| shop.writer(node)).collect();
    let record = Record::new();
    thread::scope(|scope| {
        let _end = OnDrop(|| record.is_over.store(true, Ordering::Release));
        let (record, nodes, writers) = (&record, &nodes, &writers);
        let readers = u32::try_from(scale.readers).unwrap();
        let writers_count = u32::try_from(scale.writers).unwrap();
        scope.spawn(|| record.watch_stalls());
        for number in 0..scale.readers {
            scope.spawn(move || {
                let node = number % NODES;
                let mut dice = Dice(number as u64 + 1);
                while record.goes_on() {
                    let _end = OnPanic(&record.is_over);
                    record.read(node, &nodes[node], dice.roll(PRODUCTS) + 1);
                    thread::sleep(READERS_PAUSE * readers);
                }
            });
        }
        for number in 0..scale.writers {
            scope.spawn(move || {
                let node = number % NODES;
                let mut dice = Dice(number as u64 + 1_000);
                let mut count = 0;
                while record.goes_on() {
                    let _end = OnPanic(&record.is_over);
                    count += 1;
                    let title = format!("Write {count} of {number}");
                    record.write(node, &writers[node], dice.roll(PRODUCTS) + 1, &title);
                    thread::sleep(WRITERS_PAUSE * writers_count);
                }
            });
        }
        disturb(
            &mut shop.servers,
            &mut redis,
            &proxies,
            record,
            scale.length,
        );
    });
    println!(
        "{} reads ({} refused), {} writes ({} refused), worst {} ms behind, longest stall {} ms",
        record.reads.load(Ordering::Relaxed),
        record.failed_reads.load(Ordering::Relaxed),
        record.writes.load(Ordering::Relaxed),
        record.refused_writes.load(Ordering::Relaxed),
        record.worst.load(Ordering::Relaxed),
        record.stall.load(Ordering::Relaxed),
    );
    assert!(record.reads.load(Ordering::Relaxed) > 300);
    assert!(record.writes.load(Ordering::Relaxed) > 50);
    assert_eq!(record.failed_reads.load(Ordering::Relaxed), 0);
    // All show the last version, which is none below what was acknowledged.
    for id in 1..=PRODUCTS {
        let newest = lock(&record.acknowledged[id])
            .last()
            .map_or(1, |(newest, _)| *newest);
        let path = format!("/products/{id}");
        within(PATIENCE, "all show the same", || {
            let documents: Vec<_> = nodes.iter().map(|node| node.document(&path)).collect();
            let is_same = documents.iter().all(|document| *document == documents[0]);
            (is_same && version(&documents[0]) >= newest).then_some(())
        });
    }
}

struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Has everybody stop where one of them fails.
struct OnPanic<'f>(&'f AtomicBool);

impl Drop for OnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, Ordering::Release);
        }
    }
}
