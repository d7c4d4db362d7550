//! Nodes over one store, as the program puts them together: two tiers, a journal, words of other nodes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use doorbuster::cache::l2::{Purged, Server, Watcher};
use doorbuster::cache::{
    Answer, Cause, Clock, Depth, L1, L1Options, L2, L2Options, Origin, ReadThrough, Status,
    SystemClock, Tiered,
};
use doorbuster::limits::overload::{Dependency, Question};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

pub(super) use super::store::{Store, Text};
use crate::harness::PATIENCE;

/// One node.
pub(super) struct Node {
    pub(super) cache: ReadThrough<i64, Text>,
    pub(super) l2: L2<i64, Text>,
    store: Store,
    heard: Arc<Heard>,
}

/// What the tier told the node.
#[derive(Default)]
struct Heard {
    invalidated: AtomicU64,
    purged: AtomicU64,
    missed: AtomicU64,
}

struct Ear {
    cache: ReadThrough<i64, Text>,
    heard: Arc<Heard>,
}

impl Watcher<i64> for Ear {
    fn invalidated(&self, key: &i64, version: u64) {
        self.cache.invalidate(key, version, Cause::Message);
        self.heard.invalidated.fetch_add(1, Ordering::SeqCst);
    }

    fn purged(&self, what: &Purged<i64>, depth: Depth) {
        match what {
            Purged::Key(key, version) => {
                self.cache.purge(&[(*key, *version)], depth);
            }
            Purged::Tag(tag) => {
                let bears = |_: &i64, text: &Text| text.0.starts_with(tag.as_str());
                self.cache.purge_where(depth, bears);
            }
            Purged::Everything => self.cache.purge_everything(depth),
        }
        self.heard.purged.fetch_add(1, Ordering::SeqCst);
    }

    fn missed(&self) {
        self.cache.question_everything();
        self.heard.missed.fetch_add(1, Ordering::SeqCst);
    }
}

/// Patient with a machine that has other things to do; tests of the deadline set their own.
pub(super) fn options() -> L2Options {
    L2Options {
        prefix: "test:".to_owned(),
        timeout: Duration::from_secs(2),
        connect_timeout: Duration::from_secs(2),
        keep: 600_000,
        fence: 60_000,
        negative: 5_000,
        load_deadline: Duration::from_secs(10),
    }
}

const L1_OPTIONS: L1Options = L1Options {
    bytes: 1 << 24,
    negative_bytes: 1 << 20,
    fresh: 60_000,
    stale: 600_000,
    negative: 5_000,
    fence_lifetime: 4_000,
    fences_fills: true,
};

/// Room for a few values: the others are gone soon after they came.
pub(super) const SMALL: L1Options = L1Options {
    bytes: 1_500,
    ..L1_OPTIONS
};

pub(super) fn server(url: &str) -> Server {
    Server::Single(url.parse().unwrap())
}

impl Node {
    /// A node that is connected and reads from the tier.
    pub(super) async fn start(store: &Store, url: &str) -> Self {
        let node = Self::start_with(store, server(url), options());
        node.is_used().await;
        node
    }

    pub(super) fn start_with(store: &Store, server: Server, options: L2Options) -> Self {
        Self::start_over(store, server, options, Some(L1_OPTIONS))
    }

    pub(super) fn start_over(
        store: &Store,
        server: Server,
        options: L2Options,
        l1: Option<L1Options>,
    ) -> Self {
        let deadline = options.load_deadline;
        let l2 = L2::connect(server, options, Handle::current());
        let loader = Tiered::new(
            l2.clone(),
            store.clone(),
            open_gate(deadline),
            deadline,
            &Handle::current(),
        );
        let l1 = l1.map(|options| L1::new(options, SystemClock.now()));
        let cache = ReadThrough::new(l1, loader, SystemClock, Handle::current(), deadline);
        let heard = Arc::<Heard>::default();
        let ear = Ear {
            cache: cache.clone(),
            heard: Arc::clone(&heard),
        };
        l2.start(store.clone(), ear);
        Self {
            cache,
            l2,
            store: store.clone(),
            heard,
        }
    }

    /// Awaits that the tier is read.
    pub(super) async fn is_used(&self) {
        until("the tier is used", || self.l2.is_used().then_some(())).await;
    }

    /// Awaits that the tier is not read.
    pub(super) async fn is_unused(&self) {
        until("the tier is not used", || {
            (!self.l2.is_used()).then_some(())
        })
        .await;
    }

    /// Reads meanwhile; the version that came.
    pub(super) fn reader(&self, key: i64) -> JoinHandle<u64> {
        let cache = self.cache.clone();
        tokio::spawn(async move { cache.read(&key).await.unwrap().version })
    }

    pub(super) async fn read(&self, key: i64) -> Answer<Text> {
        let answer = self.cache.read(&key).await.unwrap();
        if let Ok(Text(text)) = &answer.value {
            assert_eq!(*text, format!("{key} at {}", answer.version));
        }
        answer
    }

    /// What a reader gets who finds nothing in L1.
    pub(super) async fn origin(&self, key: i64) -> (u64, Origin) {
        let answer = self.read(key).await;
        match answer.status {
            Status::Miss { origin, .. } | Status::Bypass { origin } => (answer.version, origin),
            Status::Hit { .. } => panic!("L1 had {key}: {answer:?}"),
        }
    }

    /// Writes as a request would: the store, this node, the tier.
    pub(super) async fn write(&self, key: i64) -> u64 {
        let version = self.store.write(key);
        self.cache.invalidate(&key, version, Cause::OwnWrite);
        self.l2.invalidate(&[(key, version)]).await;
        version
    }

    /// Hears of a version as from the tail of the store.
    pub(super) fn follow(&self, key: i64, version: u64) {
        self.cache.invalidate(&key, version, Cause::Journal);
        self.l2.journal_grew();
    }

    /// Forgets what L1 has.
    pub(super) fn forget(&self) {
        self.cache.doubt_everything();
    }

    /// Words of other nodes that it heard.
    pub(super) fn heard(&self) -> u64 {
        self.heard.invalidated.load(Ordering::SeqCst)
    }

    /// Purges of other nodes that it heard of.
    pub(super) fn heard_of_purges(&self) -> u64 {
        self.heard.purged.load(Ordering::SeqCst)
    }

    /// How often it may have missed some.
    pub(super) fn missed(&self) -> u64 {
        self.heard.missed.load(Ordering::SeqCst)
    }
}

/// Awaits a state that nothing tells of.
pub(super) async fn until<T>(what: &str, mut state: impl FnMut() -> Option<T>) -> T {
    let waiting = async {
        loop {
            if let Some(value) = state() {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    waited.unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}"))
}

pub(super) fn is_from_l2(origin: Origin) -> bool {
    matches!(origin, Origin::L2 { .. })
}

/// Everybody passes.
fn open_gate(limit: Duration) -> (Dependency, Question) {
    let question = Question {
        kind: "key",
        places: 1,
        limit,
    };
    (Dependency::unlimited("store"), question)
}
