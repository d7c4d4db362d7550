//! Everything at once: writes, lagging copies, flushes, forgotten scripts, connections cut, held up and half-closed.
//! On each node no version is followed by an older one, and after the storm all show the last.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use doorbuster::cache::L2Options;
use futures_util::FutureExt;
use futures_util::future::join_all;

use super::cluster::{Node, SMALL, Store, options, server, until};
use crate::harness::{Proxy, Redis};

const KEYS: i64 = 12;
const NODES: usize = 2;
const READERS: i64 = 4;
const LENGTH: Duration = Duration::from_secs(4);

#[derive(Default)]
struct Progress {
    is_over: AtomicBool,
    reads: AtomicU64,
}

impl Progress {
    fn goes_on(&self) -> bool {
        !self.is_over.load(Ordering::Acquire)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_version_goes_backwards_on_a_node() {
    let (redis, store) = (Redis::start(), Store::default());
    for key in 0..KEYS {
        store.write(key);
    }
    let proxies: Vec<_> = (0..NODES).map(|_| Proxy::before(redis.address())).collect();
    let nodes: Vec<_> = proxies.iter().map(|proxy| node(&store, proxy)).collect();
    for node in &nodes {
        node.is_used().await;
    }
    let progress = Arc::<Progress>::default();
    let mut tasks = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        for first in 0..READERS {
            tasks.push(tokio::spawn(read(node.clone(), first, progress.clone())));
        }
        let first = i64::try_from(at).unwrap();
        let write = write(
            node.clone(),
            nodes.clone(),
            store.clone(),
            first,
            progress.clone(),
        );
        tasks.push(tokio::spawn(write));
    }
    let disturbances = disturb(&redis, &proxies).await;
    progress.is_over.store(true, Ordering::Release);
    for task in join_all(tasks).await {
        task.unwrap();
    }
    let reads = progress.reads.load(Ordering::Relaxed);
    let hits: u64 = nodes.iter().map(|node| node.l2.counts().hits).sum();
    assert!(
        disturbances > 12 && reads > 1_000 && hits > 0,
        "{disturbances} disturbances, {reads} reads, {hits} from the tier"
    );
    for node in &nodes {
        node.is_used().await;
        for key in 0..KEYS {
            let newest = store.version(key);
            until("all have the last version", || {
                let answer = node.read(key).now_or_never();
                answer.filter(|answer| answer.version == newest)
            })
            .await;
        }
    }
}

/// With so little memory that most of what it reads is gone soon after.
fn node(store: &Store, proxy: &Proxy) -> Arc<Node> {
    let options = L2Options {
        timeout: Duration::from_millis(50),
        connect_timeout: Duration::from_millis(500),
        ..options()
    };
    let server = server(&format!("redis://{}", proxy.address()));
    Arc::new(Node::start_over(store, server, options, Some(SMALL)))
}

async fn read(node: Arc<Node>, first: i64, progress: Arc<Progress>) {
    let mut seen: HashMap<i64, u64> = HashMap::new();
    let mut key = first;
    while progress.goes_on() {
        key = (key * 5 + 3) % KEYS;
        let version = node.read(key).await.version;
        let last = seen.insert(key, version).unwrap_or(0);
        assert!(version >= last, "key {key}: {version} after {last}");
        progress.reads.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
    }
}

async fn write(
    node: Arc<Node>,
    all: Vec<Arc<Node>>,
    store: Store,
    first: i64,
    progress: Arc<Progress>,
) {
    let mut key = first;
    while progress.goes_on() {
        key = (key * 7 + 1) % KEYS;
        // A copy that is behind for a while, as long as the fences live.
        store.lag(key, Some(store.version(key)));
        let version = node.write(key).await;
        let shown = node.read(key).await.version;
        assert!(shown >= version, "{shown} after writing {version}");
        tokio::time::sleep(Duration::from_millis(5)).await;
        // The tail of each node.
        for node in &all {
            node.follow(key, version);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        store.lag(key, None);
    }
}

/// Returns how often it did something bad.
async fn disturb(redis: &Redis, proxies: &[Proxy]) -> usize {
    let started = Instant::now();
    let mut round = 0;
    while started.elapsed() < LENGTH {
        round += 1;
        let proxy = &proxies[round % NODES];
        match round % 6 {
            0 => redis.run::<()>("FLUSHALL"),
            1 => proxy.cut(),
            2 => redis.run::<()>("SCRIPT FLUSH"),
            3 => {
                proxy.mute(true);
                tokio::time::sleep(Duration::from_millis(200)).await;
                proxy.mute(false);
            }
            4 => proxy.half_close(),
            _ => proxy.delay(Duration::from_millis(round as u64 % 30)),
        }
        tokio::time::sleep(Duration::from_millis(70)).await;
    }
    for proxy in proxies {
        proxy.delay(Duration::ZERO);
    }
    round
}
