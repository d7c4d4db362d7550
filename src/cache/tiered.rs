//! Loading through the second tier: what it has; else, under a lease, from the store; and without it from the store
//! all the same.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;

use super::batch::{BatchOptions, Batcher};
use super::l2::{Asked, L2, L2Key, L2Value};
use super::load::{Intent, Lease, Load, LoadError, LoadMany, Loaded, Origin};
use crate::limits::overload::{Context, Dependency, Question, context};
use crate::telemetry::traces::{self, Current, SpanKind, span};

/// While another node loads a key, the tier is asked for it at growing intervals, up to this one.
const LONGEST_PAUSE: Duration = Duration::from_millis(16);

/// The store's batches. Their number is the cap on what the store has to do at a time, whatever comes.
const STORE_BATCHES: BatchOptions = BatchOptions {
    questions: 100,
    under_way: 4,
};

/// Loads from a store in batches.
pub struct Batched<K, V> {
    any: Keys<K, V>,
    fresh: Keys<K, V>,
    gate: (Dependency, Question),
}

/// Keys, until when each is waited for, and for which span.
type Keys<K, V> = Batcher<(K, Option<Instant>, Current), Result<Loaded<V>, LoadError>>;

impl<K, V> Batched<K, V>
where
    K: Send + 'static,
    V: Clone + Send + 'static,
{
    /// Batches run on `background`, each for no longer than `deadline`, or than the most patient of those who wait for
    /// its keys. What `gate` says of one key is asked before it gets into a batch.
    pub fn new(
        store: impl LoadMany<K, V>,
        gate: (Dependency, Question),
        deadline: Duration,
        background: &Handle,
    ) -> Self {
        let store = Arc::new(store);
        let batcher = |intent| {
            let store = Arc::clone(&store);
            Batcher::new(
                STORE_BATCHES,
                background.clone(),
                move |asked: Vec<(K, Option<Instant>, Current)>| {
                    let (mut keys, mut until, mut spans) = (Vec::new(), Vec::new(), Vec::new());
                    for (key, at, span) in asked {
                        keys.push(key);
                        until.push(at);
                        spans.push(span);
                    }
                    let count = keys.len();
                    let end = Instant::now() + deadline;
                    let end = until.into_iter().flatten().max().unwrap_or(end).min(end);
                    let load = store.load_many(keys, intent);
                    let load = context::scope(Context::BACKGROUND.by(end), load);
                    // It is part of what each of them waits for.
                    let load = traces::scope(Current::together(spans), load);
                    async move {
                        let loaded = tokio::time::timeout_at(end.into(), load).await;
                        match loaded.unwrap_or(Err(LoadError::DeadlineExceeded(deadline))) {
                            Ok(loaded) => loaded.into_iter().map(Ok).collect(),
                            Err(error) => vec![Err(error); count],
                        }
                    }
                    .boxed()
                },
            )
        };
        Self {
            any: batcher(Intent::Any),
            fresh: batcher(Intent::Fresh),
            gate,
        }
    }

    async fn get(&self, key: K, intent: Intent) -> Result<Loaded<V>, LoadError> {
        let batcher = match intent {
            Intent::Any => &self.any,
            Intent::Fresh => &self.fresh,
        };
        let asking = async {
            let until = context::current().deadline;
            let answer = batcher.ask((key, until, traces::current())).await;
            answer.unwrap_or(Err(LoadError::Aborted))
        };
        let (dependency, question) = &self.gate;
        let mut traced = span("store", SpanKind::Internal);
        let asking = dependency.call(*question, asking, LoadError::verdict);
        let loaded = traced.scope(asking).await;
        if let Err(error) = &loaded {
            traced.fail("store", error);
        }
        loaded
    }
}

impl<K, V> Clone for Batched<K, V> {
    fn clone(&self) -> Self {
        Self {
            any: self.any.clone(),
            fresh: self.fresh.clone(),
            gate: self.gate.clone(),
        }
    }
}

impl<K, V> Load<K, V> for Batched<K, V>
where
    K: Send + 'static,
    V: Clone + Send + 'static,
{
    fn load(&self, key: K, intent: Intent) -> BoxFuture<'static, Result<Loaded<V>, LoadError>> {
        let this = self.clone();
        async move { this.get(key, intent).await }.boxed()
    }
}

/// The second tier in front of a store.
pub struct Tiered<K, V> {
    l2: L2<K, V>,
    store: Batched<K, V>,
}

impl<K: L2Key, V: L2Value> Tiered<K, V> {
    /// Loads on the store run on `background`, each for no longer than `deadline`. See [`Batched::new`].
    pub fn new(
        l2: L2<K, V>,
        store: impl LoadMany<K, V>,
        gate: (Dependency, Question),
        deadline: Duration,
        background: &Handle,
    ) -> Self {
        Self {
            l2,
            store: Batched::new(store, gate, deadline, background),
        }
    }

    async fn get(&self, key: K, intent: Intent) -> Result<Loaded<V>, LoadError> {
        let started = Instant::now();
        let mut pause = Duration::from_millis(1);
        loop {
            match self.ask(key.clone(), intent).await {
                Asked::Found(loaded) => return Ok(loaded),
                Asked::Leased { lease, fence } => {
                    return self.get_leased(key, intent, lease, fence).await;
                }
                // The holder may have died. By the end of its lease somebody else has the next one.
                Asked::Held if started.elapsed() < self.l2.lease() => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Asked::Held | Asked::Off => return self.store.get(key, intent).await,
            }
        }
    }

    /// Asks the second tier.
    async fn ask(&self, key: K, intent: Intent) -> Asked<V> {
        let mut traced = span("L2", SpanKind::Client);
        let asked = self.l2.ask(key, intent).await;
        traced.set("db.system.name", "redis");
        let (is_hit, result) = match &asked {
            Asked::Found(_) => (true, "hit"),
            Asked::Leased { .. } => (false, "lease"),
            Asked::Held => (false, "held"),
            Asked::Off => (false, "unanswered"),
        };
        traced.set("doorbuster.cache.hit", is_hit);
        traced.set("doorbuster.redis.result", result);
        asked
    }

    async fn get_leased(
        &self,
        key: K,
        intent: Intent,
        lease: Lease,
        fence: u64,
    ) -> Result<Loaded<V>, LoadError> {
        let mut held = Held {
            l2: &self.l2,
            key: &key,
            lease: Some(lease),
        };
        let mut loaded = self.store.get(key.clone(), intent).await?;
        if loaded.version < fence && intent == Intent::Any {
            loaded = self.store.get(key.clone(), Intent::Fresh).await?;
        }
        loaded.origin = Origin::StorePastL2;
        // Where at first hand no more than this is told, whatever the fence says, it is of a catalogue that was put
        // back, perhaps. It is the truth, but not for others as long as the fence stands.
        if loaded.version >= fence {
            loaded.lease = held.lease.take();
        }
        Ok(loaded)
    }
}

/// A lease that is ended where the load fails or is given up: others need not wait for it to expire.
struct Held<'l, K: L2Key, V: L2Value> {
    l2: &'l L2<K, V>,
    key: &'l K,
    lease: Option<Lease>,
}

impl<K: L2Key, V: L2Value> Drop for Held<'_, K, V> {
    fn drop(&mut self) {
        if let Some(lease) = self.lease {
            self.l2.settle(self.key, lease, None);
        }
    }
}

impl<K, V> Clone for Tiered<K, V> {
    fn clone(&self) -> Self {
        Self {
            l2: self.l2.clone(),
            store: self.store.clone(),
        }
    }
}

impl<K: L2Key, V: L2Value> Load<K, V> for Tiered<K, V> {
    fn load(&self, key: K, intent: Intent) -> BoxFuture<'static, Result<Loaded<V>, LoadError>> {
        let this = self.clone();
        async move { this.get(key, intent).await }.boxed()
    }

    fn settle(&self, key: &K, loaded: &Loaded<V>, admitted: bool) {
        if let Some(lease) = loaded.lease {
            self.l2.settle(key, lease, admitted.then_some(loaded));
        }
    }
}

impl<K: Hash + Eq, V> fmt::Debug for Tiered<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tiered")
            .field("l2", &self.l2)
            .finish_non_exhaustive()
    }
}
