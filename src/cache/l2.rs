//! The second tier: values in Redis, shared by all nodes. It makes a miss cheap and a spike bearable, and nothing
//! rests on it: it may be flushed, killed, failed over, or shared with other programs at any time.
//!
//! Three guards keep old versions out. A *fence* in the key's record refuses a value below the last version that was
//! invalidated. A *lease* lets one load in the cluster fill a key, and an invalidation or a flush voids it, so that a
//! value loaded before cannot come in after. `Trust` is the node's: without the certainty that every
//! invalidation it knows of arrived, it does not read.

mod ask;
mod counters;
mod examine;
mod fill;
mod inspect;
mod keyspace;
mod link;
mod listener;
mod purge;
mod record;
mod relay;
mod scripts;
mod server;
mod tier;
mod trust;
mod watch;

use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::batch::{BatchOptions, Batcher};
use super::clock::Millis;
use super::l1::Depth;
use super::load::{Intent, Lease, LoadError, Loaded};
use ask::Ask;
pub(super) use ask::Asked;
pub use counters::L2Counts;
pub use examine::{RedisFacts, examine};
use fill::Fill;
pub use inspect::{BreakerView, L2Status, L2View, LeaseView, Recorded};
pub use keyspace::Purged;
pub use link::L2Error;
pub use server::Server;
pub(crate) use server::{Connection, Identity};
use tier::Tier;
pub(crate) use watch::Watch;

/// A key as Redis and other nodes see it.
pub trait L2Key: Hash + Eq + Clone + Send + Sync + 'static {
    /// The key as text, without `{` and `}`.
    fn to_text(&self) -> String;

    /// Reads such a text; `None` where it is none.
    fn from_text(text: &str) -> Option<Self>;
}

impl L2Key for i64 {
    fn to_text(&self) -> String {
        self.to_string()
    }

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// A value as Redis keeps it.
pub trait L2Value: Clone + Send + Sync + 'static {
    /// The value as bytes.
    fn to_bytes(&self) -> Vec<u8>;

    /// Reads such bytes; `None` where they are none.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

/// Where, and how long.
#[derive(Debug, Clone)]
pub struct L2Options {
    /// Begins the name of every key and channel.
    pub prefix: String,
    /// How long anybody waits for Redis.
    pub timeout: Duration,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How long a value is kept, ± 10 %.
    pub keep: Millis,
    /// How long a fence is kept: longer than any load can take, and any copy of the store may be behind. Values come
    /// from loads alone, so it need not be longer.
    pub fence: Millis,
    /// How long "there is nothing" is believed.
    pub negative: Millis,
    /// How long a load may take.
    pub load_deadline: Duration,
}

impl L2Options {
    /// How long one node may keep the others from loading a key: a dead one holds them up, so it is less than they
    /// wait.
    fn lease(&self) -> Duration {
        self.load_deadline / 2
    }

    /// No value that is there was stored longer ago.
    fn longest_kept(&self) -> Duration {
        const MARGIN: Duration = Duration::from_mins(1);
        Duration::from_millis(self.keep + self.keep / 10) + self.load_deadline + MARGIN
    }
}

/// A place in the journal of invalidations. The text is the store's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark(pub String);

/// A stretch of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalPage<K> {
    /// Keys, and the lowest version allowed of each from then on.
    pub changes: Vec<(K, u64)>,
    /// Behind the last of them.
    pub mark: Mark,
}

/// Everything that was ever invalidated, as the store remembers it: what the tier is brought up to date from.
pub trait Journal<K>: Send + Sync + 'static {
    /// Where it ends now.
    fn end(&self) -> BoxFuture<'_, Result<Mark, LoadError>>;

    /// A place such that everything of the last `age` comes after it; `None` where the journal does not go back so
    /// far.
    fn back(&self, age: Duration) -> BoxFuture<'_, Result<Option<Mark>, LoadError>>;

    /// What comes after a mark, at most `limit` changes, none at the end; `None` where that cannot be told.
    fn after(
        &self,
        mark: Mark,
        limit: usize,
    ) -> BoxFuture<'_, Result<Option<JournalPage<K>>, LoadError>>;
}

/// What the tier tells a node.
pub trait Watcher<K>: Send + Sync + 'static {
    /// Somewhere this version, and nothing below it, has become what is allowed.
    fn invalidated(&self, key: &K, version: u64);

    /// Somewhere this was dropped, because somebody said so.
    fn purged(&self, what: &Purged<K>, depth: Depth);

    /// Such words may have been missed.
    fn missed(&self);

    /// Something else has changed, as [`L2::note`] was told.
    fn noted(&self, _note: &str) {}
}

/// The tier. Clones share it; the last one that goes takes its connections along.
pub struct L2<K, V> {
    shared: Arc<Shared<K, V>>,
}

struct Shared<K, V> {
    tier: Arc<Tier>,
    asks: Batcher<Ask<K>, Asked<V>>,
    fills: Batcher<Fill<K>, ()>,
    watcher: Arc<OnceLock<Arc<dyn Watcher<K>>>>,
    /// Wakes the relay.
    journal_grew: Arc<Notify>,
    background: Handle,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl<K: L2Key, V: L2Value> L2<K, V> {
    /// Connects in the background, and goes on trying for as long as it takes. The tier is used from
    /// [`L2::start`] on.
    pub fn connect(server: Server, options: L2Options, background: Handle) -> Self {
        /// Batches of some hundred keys take Redis well below a millisecond. Two at a time keep it busy.
        const ASKS: BatchOptions = BatchOptions {
            questions: 256,
            under_way: 2,
        };
        const FILLS: BatchOptions = BatchOptions {
            questions: 256,
            under_way: 1,
        };
        let tier = Arc::new(Tier::connect(server, options, &background));
        let watcher = Arc::<OnceLock<Arc<dyn Watcher<K>>>>::default();
        let (of_asks, of_fills) = (Arc::clone(&tier), Arc::clone(&tier));
        let watching = Arc::clone(&watcher);
        let shared = Shared {
            asks: Batcher::new(ASKS, background.clone(), move |asks| {
                let tier = Arc::clone(&of_asks);
                async move { tier.ask_all(asks).await }.boxed()
            }),
            fills: Batcher::new(FILLS, background.clone(), move |fills: Vec<Fill<K>>| {
                let (tier, watcher) = (Arc::clone(&of_fills), Arc::clone(&watching));
                async move {
                    let count = fills.len();
                    for (key, fence) in tier.fill_all(fills).await {
                        if let Some(watcher) = watcher.get() {
                            watcher.invalidated(&key, fence);
                        }
                    }
                    vec![(); count]
                }
                .boxed()
            }),
            tier,
            watcher,
            journal_grew: Arc::default(),
            background,
            tasks: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Begins to bring the tier up to date from the journal, and to pass on what other nodes say. To be called once.
    pub fn start(&self, journal: impl Journal<K>, watcher: impl Watcher<K>) {
        let Shared {
            tier,
            journal_grew,
            background,
            tasks,
            ..
        } = &*self.shared;
        let watcher: Arc<dyn Watcher<K>> = Arc::new(watcher);
        // A second start would change nothing.
        let _ = self.shared.watcher.set(Arc::clone(&watcher));
        let relay = relay::run(Arc::clone(tier), journal, Arc::clone(journal_grew));
        let listener = listener::run(Arc::clone(tier), watcher);
        let mut tasks = tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.push(background.spawn(relay));
        tasks.push(background.spawn(listener));
    }

    /// Takes note that the journal has grown.
    pub fn journal_grew(&self) {
        self.shared.tier.behind.note();
        self.shared.journal_grew.notify_one();
    }

    /// Takes note that the journal is another one: nothing is read before it has been gone through.
    pub fn journal_broke(&self) {
        self.shared.tier.trust.doubt();
        self.journal_grew();
    }

    /// Allows no version below these from now on, and tells the other nodes. Returns in time in any case; where
    /// Redis did not take it, this node reads nothing from the tier until the journal was delivered.
    pub async fn invalidate(&self, changes: &[(K, u64)]) {
        /// Invalidations on their way at once.
        const AT_ONCE: usize = 256;
        for changes in changes.chunks(AT_ONCE) {
            let told = self.shared.tier.invalidate_in_time(changes).await;
            if let Err(error) = told {
                tracing::debug!(%error, "an invalidation may not have reached Redis");
                self.shared.tier.trust.doubt();
                self.shared.journal_grew.notify_one();
                return;
            }
        }
    }

    /// Has all nodes look at something else than keys: what, in a word. Returns in time in any case; who does not hear of
    /// it has to find it in another way.
    pub async fn note(&self, note: &str) {
        if let Err(error) = self.shared.tier.note::<K>(note).await {
            tracing::debug!(%error, "a note may not have reached Redis");
        }
    }

    /// What the tier has for a key, or the right to load it.
    pub(super) async fn ask(&self, key: K, intent: Intent) -> Asked<V> {
        let at = Instant::now();
        let asked = self.shared.asks.ask(Ask { key, intent, at }).await;
        asked.unwrap_or(Asked::Off)
    }

    /// Ends a lease, with what was loaded, if that may be kept.
    pub(super) fn settle(&self, key: &K, lease: Lease, loaded: Option<&Loaded<V>>) {
        let fill = self.shared.tier.fill(key, lease, loaded);
        self.shared.fills.tell(fill);
    }

    pub(super) fn lease(&self) -> Duration {
        self.shared.tier.options.lease()
    }

    /// True where the tier is read now.
    pub fn is_used(&self) -> bool {
        self.shared.tier.usable().is_some()
    }

    /// What the tier has for a key, as it is.
    pub async fn inspect(&self, key: &K) -> Result<L2View<V>, L2Error> {
        self.shared.tier.inspect(key).await
    }

    /// Drops what there is of keys, whatever it is, and has all nodes do so. Of each nothing below the version beside it
    /// is allowed from then on. Returns how many records there were.
    pub async fn purge(&self, keys: &[(K, u64)], depth: Depth) -> Result<usize, L2Error> {
        self.shared.tier.purge_keys(keys, depth).await
    }

    /// Drops every value that bears a tag, as `bears` says, and has all nodes do so. Every record is looked at: that
    /// takes seconds for a million. Returns how many were dropped.
    pub async fn purge_tag(
        &self,
        tag: &str,
        depth: Depth,
        bears: &(dyn Fn(&V) -> bool + Send + Sync),
    ) -> Result<usize, L2Error> {
        let what = Purged::<K>::Tag(tag.to_owned());
        self.shared.tier.purge_where(what, depth, Some(bears)).await
    }

    /// Drops everything, and has all nodes do so. Returns how many records were dropped.
    pub async fn purge_everything(&self, depth: Depth) -> Result<usize, L2Error> {
        let what = Purged::<K>::Everything;
        self.shared
            .tier
            .purge_where::<K, V>(what, depth, None)
            .await
    }

    /// What this node is called in leases.
    pub fn node(&self) -> String {
        format!("{:016x}", self.shared.tier.node)
    }

    /// How it stands.
    pub fn status(&self) -> L2Status {
        self.shared.tier.status()
    }

    /// What happened so far.
    pub fn counts(&self) -> L2Counts {
        self.shared.tier.counters.read()
    }
}

/// Who answers at a server, in a few words; for people.
pub async fn describe(server: &Server, limit: Duration) -> Result<String, L2Error> {
    let identity = watch::look(server, limit).await?;
    Ok(format!("Redis {}", identity.version))
}

impl<K, V> Drop for Shared<K, V> {
    fn drop(&mut self) {
        let tasks = self.tasks.get_mut().unwrap_or_else(PoisonError::into_inner);
        tasks.iter().for_each(JoinHandle::abort);
    }
}

impl<K, V> Clone for L2<K, V> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<K, V> fmt::Debug for L2<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("L2").field(&self.shared.tier).finish()
    }
}
