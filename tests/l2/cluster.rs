//! Nodes over one store, as the program puts them together: two tiers, a journal, words of other nodes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use doorbuster::cache::l2::{Journal, JournalPage, L2Value, Mark, Server, Watcher};
use doorbuster::cache::{
    Absence, Answer, Clock, Intent, L1, L1Options, L2, L2Options, LoadError, LoadMany, Loaded,
    Origin, ReadThrough, Status, SystemClock, Tiered, Weigh,
};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::harness::PATIENCE;

/// A value that knows its version, so that any mixture would be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text(pub(super) String);

impl Weigh for Text {
    fn weight(&self) -> usize {
        self.0.len()
    }
}

impl L2Value for Text {
    fn to_bytes(&self) -> Vec<u8> {
        self.0.clone().into_bytes()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        String::from_utf8(bytes.to_vec()).ok().map(Self)
    }
}

/// The store: a version for each key, and what became of them in order. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Store(Arc<StoreState>);

#[derive(Default)]
struct StoreState {
    rows: Mutex<Rows>,
    /// Round trips, and keys they asked for.
    round_trips: AtomicU64,
    reads: AtomicU64,
    gate: Gate,
    journal_is_down: AtomicBool,
    /// Older than every age that is asked for.
    forgets: AtomicBool,
}

#[derive(Default, Clone)]
struct Rows {
    versions: HashMap<i64, u64>,
    /// What a copy of the store that is behind shows, where it is.
    behind: HashMap<i64, u64>,
    journal: Vec<(i64, u64)>,
    /// Raised when the store is put back from a backup.
    history: u64,
}

/// Holds loads up between their reading and their return.
struct Gate {
    is_shut: AtomicBool,
    waiting: Semaphore,
    opened: Semaphore,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            is_shut: AtomicBool::new(false),
            waiting: Semaphore::new(0),
            opened: Semaphore::new(0),
        }
    }
}

impl Store {
    /// Writes the next version of a key.
    pub(super) fn write(&self, key: i64) -> u64 {
        let mut rows = self.0.rows.lock().unwrap();
        let version = rows.versions.entry(key).or_insert(0);
        *version += 1;
        let version = *version;
        rows.journal.push((key, version));
        version
    }

    pub(super) fn version(&self, key: i64) -> u64 {
        let rows = self.0.rows.lock().unwrap();
        rows.versions.get(&key).copied().unwrap_or(0)
    }

    /// Has ordinary loads see this version of a key, as from a replica that is behind.
    pub(super) fn lag(&self, key: i64, version: Option<u64>) {
        let mut rows = self.0.rows.lock().unwrap();
        match version {
            Some(version) => rows.behind.insert(key, version),
            None => rows.behind.remove(&key),
        };
    }

    /// Puts all back to one version of everything, with another history.
    pub(super) fn put_back(&self, version: u64) {
        let mut rows = self.0.rows.lock().unwrap();
        rows.versions.values_mut().for_each(|it| *it = version);
        rows.journal.clear();
        rows.history += 1;
    }

    pub(super) fn reads(&self) -> u64 {
        self.0.reads.load(Ordering::SeqCst)
    }

    pub(super) fn round_trips(&self) -> u64 {
        self.0.round_trips.load(Ordering::SeqCst)
    }

    /// From here on loads that have read wait.
    pub(super) fn shut(&self) {
        self.0.gate.is_shut.store(true, Ordering::SeqCst);
    }

    /// Awaits that one more load has read.
    pub(super) async fn one_waits(&self) {
        self.0.gate.waiting.acquire().await.unwrap().forget();
    }

    /// Ends it, for those who wait and those who come.
    pub(super) fn open(&self) {
        self.0.gate.is_shut.store(false, Ordering::SeqCst);
        self.0.gate.opened.add_permits(1_000_000);
    }

    pub(super) fn journal_is_down(&self, is_down: bool) {
        self.0.journal_is_down.store(is_down, Ordering::SeqCst);
    }

    pub(super) fn forgets(&self) {
        self.0.forgets.store(true, Ordering::SeqCst);
    }

    fn journal_error(&self) -> Result<(), LoadError> {
        if self.0.journal_is_down.load(Ordering::SeqCst) {
            return Err(LoadError::Failed("the journal is down".to_owned()));
        }
        Ok(())
    }
}

impl LoadMany<i64, Text> for Store {
    fn load_many(
        &self,
        keys: Vec<i64>,
        intent: Intent,
    ) -> BoxFuture<'static, Result<Vec<Loaded<Text>>, LoadError>> {
        let store = self.clone();
        async move {
            let state = &store.0;
            state.round_trips.fetch_add(1, Ordering::SeqCst);
            state.reads.fetch_add(keys.len() as u64, Ordering::SeqCst);
            let rows = state.rows.lock().unwrap().clone();
            if state.gate.is_shut.load(Ordering::SeqCst) {
                state.gate.waiting.add_permits(1);
                state.gate.opened.acquire().await.unwrap().forget();
            } else {
                // As over a network.
                tokio::task::yield_now().await;
            }
            let load = |key: &i64| {
                let behind = rows.behind.get(key).filter(|_| intent == Intent::Any);
                let version = behind.or(rows.versions.get(key)).copied().unwrap_or(0);
                let text = Text(format!("{key} at {version}"));
                let value = if version > 0 {
                    Ok(text)
                } else {
                    Err(Absence::Unknown)
                };
                Loaded::from_store(value, version)
            };
            Ok(keys.iter().map(load).collect())
        }
        .boxed()
    }
}

impl Journal<i64> for Store {
    fn end(&self) -> BoxFuture<'_, Result<Mark, LoadError>> {
        async move {
            self.journal_error()?;
            let rows = self.0.rows.lock().unwrap();
            Ok(Mark(format!("{} {}", rows.history, rows.journal.len())))
        }
        .boxed()
    }

    fn back(&self, _age: Duration) -> BoxFuture<'_, Result<Option<Mark>, LoadError>> {
        async move {
            self.journal_error()?;
            if self.0.forgets.load(Ordering::SeqCst) {
                return Ok(None);
            }
            let rows = self.0.rows.lock().unwrap();
            Ok(Some(Mark(format!("{} 0", rows.history))))
        }
        .boxed()
    }

    fn after(
        &self,
        Mark(mark): Mark,
        limit: usize,
    ) -> BoxFuture<'_, Result<Option<JournalPage<i64>>, LoadError>> {
        async move {
            self.journal_error()?;
            let rows = self.0.rows.lock().unwrap();
            let (history, from) = mark.split_once(' ').unwrap();
            let from: usize = from.parse().unwrap();
            if history != rows.history.to_string() || from > rows.journal.len() {
                return Ok(None);
            }
            let changes: Vec<_> = rows.journal[from..].iter().take(limit).copied().collect();
            let mark = Mark(format!("{} {}", rows.history, from + changes.len()));
            Ok(Some(JournalPage { changes, mark }))
        }
        .boxed()
    }
}

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
    missed: AtomicU64,
}

struct Ear {
    cache: ReadThrough<i64, Text>,
    heard: Arc<Heard>,
}

impl Watcher<i64> for Ear {
    fn invalidated(&self, key: &i64, version: u64) {
        self.cache.invalidate(key, version);
        self.heard.invalidated.fetch_add(1, Ordering::SeqCst);
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
        let loader = Tiered::new(l2.clone(), store.clone(), deadline, &Handle::current());
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
        self.cache.invalidate(&key, version);
        self.l2.invalidate(&[(key, version)]).await;
        version
    }

    /// Hears of a version as from the tail of the store.
    pub(super) fn follow(&self, key: i64, version: u64) {
        self.cache.invalidate(&key, version);
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
