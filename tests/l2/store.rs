//! A store whose loads a test can hold up, and whose copies can be behind.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use doorbuster::cache::l2::{Journal, JournalPage, L2Value, Mark};
use doorbuster::cache::{Absence, Intent, LoadError, LoadMany, Loaded, Weigh};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;

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

    /// Changes so far.
    pub(super) fn journal_len(&self) -> usize {
        self.0.rows.lock().unwrap().journal.len()
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
