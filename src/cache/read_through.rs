//! Reading through the tiers: serve what is fresh, refresh what is stale, load what is missing.

use std::collections::HashSet;
use std::fmt;
use std::hash::Hash;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures_util::future::FutureExt;
use futures_util::poll;
use tokio::runtime::Handle;

use super::clock::{Clock, Millis};
use super::flight::{Flights, Pilot, Role};
use super::hot::{HotKeys, is_sampled};
use super::l1::{Absence, Epoch, Freshness, L1, Lookup, Weigh};
use super::load::{Intent, Load, LoadError, Loaded, Origin};
use super::refresh_ahead::RefreshAhead;
use super::trace::{Cause, Heard, Trace};
use crate::limits::overload::context;
use crate::telemetry::Tally;
use crate::telemetry::traces::{self, SpanKind, span, span_of_sampled};
pub use inspect::{ReadCounts, View};

mod inspect;
mod purge;

/// How often one waits for a load again that was refused for the sake of somebody else who led it.
const MOST_SPARED: u32 = 3;

/// An answer and how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<V> {
    /// The value, or why there is none.
    pub value: Result<V, Absence>,
    /// Version of the value or of its absence.
    pub version: u64,
    /// For `Cache-Status`.
    pub status: Status,
}

/// What the tiers did, in the terms of RFC 9211. Times are in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Served from L1. A negative time to live means stale.
    Hit {
        /// Left until it turns stale.
        ttl: i64,
    },
    /// Loaded.
    Miss {
        /// Time to live of what was stored.
        ttl: Millis,
        /// True for a caller who waited for another caller's load.
        collapsed: bool,
        /// Who had it.
        origin: Origin,
    },
    /// L1 is switched off.
    Bypass {
        /// Who had it.
        origin: Origin,
    },
}

/// L1 in front of a store. Clones share everything.
#[derive(Debug)]
pub struct ReadThrough<K, V> {
    shared: Arc<Shared<K, V>>,
}

impl<K, V> Clone for ReadThrough<K, V> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

struct Shared<K, V> {
    /// `None` where caching is switched off.
    l1: Option<L1<K, V>>,
    loader: Box<dyn Load<K, V>>,
    flights: Arc<Flights<K, FlightOutcome<V>>>,
    clock: Box<dyn Clock>,
    background: Handle,
    deadline: Duration,
    ahead: RefreshAhead,
    trace: Trace<K>,
    tally: Tally<{ Count::ALL }>,
    hot: HotKeys<K>,
}

/// What is counted.
#[derive(Debug, Clone, Copy)]
enum Count {
    Fresh,
    Stale,
    Absent,
    Miss,
    Bypass,
    Joined,
    Load,
    LoadFailed,
    Refused,
    Invalidation,
}

impl Count {
    const ALL: usize = Self::Invalidation as usize + 1;
}

impl<K, V> ReadThrough<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Weigh + Send + Sync + 'static,
{
    /// Loads that are not ready at once, and all refreshes, run on `background`. `deadline` bounds each
    /// load.
    pub fn new(
        l1: Option<L1<K, V>>,
        loader: impl Load<K, V>,
        clock: impl Clock,
        background: Handle,
        deadline: Duration,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                l1,
                loader: Box::new(loader),
                flights: Flights::new(),
                clock: Box::new(clock),
                background,
                deadline,
                ahead: RefreshAhead::default(),
                trace: Trace::default(),
                tally: Tally::default(),
                hot: HotKeys::default(),
            }),
        }
    }

    /// Answers from L1 alone. A stale answer starts a refresh, and one that soon will be may do so, too.
    pub fn cached(&self, key: &K) -> Option<Answer<V>> {
        let l1 = self.shared.l1.as_ref()?;
        let mut traced = span_of_sampled("L1", SpanKind::Internal);
        let Some(lookup) = l1.get(key, self.shared.clock.now()) else {
            traced.forget();
            return None;
        };
        traced.set("doorbuster.cache.hit", true);
        drop(traced);
        let count = match (&lookup.value, lookup.freshness) {
            (Err(_), _) => Count::Absent,
            (Ok(_), Freshness::Fresh | Freshness::Stretched) => Count::Fresh,
            (Ok(_), Freshness::Stale) => Count::Stale,
        };
        let number = self.shared.tally.count(count as usize);
        if is_sampled(number) && lookup.value.is_ok() {
            self.shared.hot.note(key);
        }
        let is_due = match lookup.freshness {
            Freshness::Fresh => self.shared.ahead.is_due(lookup.ttl),
            Freshness::Stale => true,
            Freshness::Stretched => false,
        };
        if is_due {
            self.refresh(key);
        }
        let Lookup {
            value,
            version,
            ttl,
            ..
        } = lookup;
        Some(Answer {
            value,
            version,
            status: Status::Hit { ttl },
        })
    }

    /// Answers for a key. Returns without awaiting anything when L1 has it. Dropping the future never
    /// stops a load that others may wait for.
    pub async fn read(&self, key: &K) -> Result<Answer<V>, LoadError> {
        if let Some(answer) = self.cached(key) {
            return Ok(answer);
        }
        match &self.shared.l1 {
            Some(l1) => {
                self.shared.count(Count::Miss);
                let traced = missed();
                traced.scope(self.load(l1, key, Intent::Any)).await
            }
            None => self.shared.bypass(key, Intent::Any).await,
        }
    }

    /// Answers from the store itself, whatever the tiers have, which then have what was found. For a caller who knows of a
    /// newer version than L1 does.
    pub async fn read_past_l1(&self, key: &K) -> Result<Answer<V>, LoadError> {
        match &self.shared.l1 {
            Some(l1) => {
                self.shared.count(Count::Miss);
                let traced = missed();
                traced.scope(self.load(l1, key, Intent::Fresh)).await
            }
            None => self.shared.bypass(key, Intent::Fresh).await,
        }
    }

    /// Allows only `version` and above of `key` from now on.
    pub fn invalidate(&self, key: &K, version: u64, cause: Cause) {
        if let Some(l1) = &self.shared.l1 {
            let at = self.shared.clock.now();
            l1.invalidate(key, version, at);
            self.shared.count(Count::Invalidation);
            let heard = Heard { cause, version, at };
            self.shared.trace.note(key, heard);
        }
    }

    /// At most `limit` keys whose values are kept, those that are read most first.
    pub fn hot_keys(&self, limit: usize) -> Vec<K> {
        let Some(l1) = &self.shared.l1 else {
            return Vec::new();
        };
        let mut keys = self.shared.hot.top(limit);
        keys.retain(|key| l1.peek(key).is_some());
        if keys.len() < limit {
            let known: HashSet<K> = keys.iter().cloned().collect();
            let others = l1.keys().filter(|key| !known.contains(key));
            keys.extend(others.take(limit - known.len()));
        }
        keys
    }

    /// At most so many keys that were read most since the start, each with about how often, by a sample.
    pub fn hottest(&self, limit: usize) -> Vec<(K, u64)> {
        self.shared.hot.most(limit)
    }

    /// False where caching is switched off.
    pub fn is_cached(&self) -> bool {
        self.shared.l1.is_some()
    }

    /// What L1 keeps for a key, be it too old to be served.
    pub fn peek(&self, key: &K) -> Option<V> {
        self.shared.l1.as_ref()?.peek(key)
    }

    /// Adds to a kept value what was derived from it: see [`L1::amend`].
    pub fn amend(&self, key: &K, amend: impl FnOnce(&V) -> Option<V>) {
        if let Some(l1) = &self.shared.l1 {
            l1.amend(key, self.shared.clock.now(), amend);
        }
    }

    /// Has values served for longer: see [`L1::stretch`].
    pub fn stretch(&self, by: Millis) {
        if let Some(l1) = &self.shared.l1 {
            l1.stretch(by);
        }
    }

    /// Puts everything cached in doubt: see [`L1::doubt_everything`].
    pub fn doubt_everything(&self) {
        if let Some(l1) = &self.shared.l1 {
            l1.doubt_everything();
        }
    }

    /// Questions everything cached: see [`L1::question_everything`].
    pub fn question_everything(&self) {
        if let Some(l1) = &self.shared.l1 {
            l1.question_everything();
        }
    }

    async fn load(&self, l1: &L1<K, V>, key: &K, intent: Intent) -> Result<Answer<V>, LoadError> {
        let mut spared = 0;
        loop {
            let epoch = l1.epoch();
            let outcome = match self.shared.flights.join(key) {
                Role::Leader(pilot) => {
                    let outcome = pilot.outcome();
                    self.fly(key, intent, pilot);
                    let landed = outcome.wait().await.unwrap_or(Err(LoadError::Aborted))?;
                    return Ok(landed.answer);
                }
                Role::Follower(outcome) => outcome,
            };
            self.shared.count(Count::Joined);
            let landed = match outcome.wait().await.unwrap_or(Err(LoadError::Aborted)) {
                // That was refused to the one who led, and may not be to this one.
                Err(LoadError::Refused(refused))
                    if spared < MOST_SPARED && context::current().may_ask_after(refused) =>
                {
                    spared += 1;
                    continue;
                }
                landed => landed?,
            };
            // This flight may have been joined after its load: an invalidation between the two has to
            // be heeded by those who came after it.
            let version = landed.answer.version;
            if landed.epoch >= epoch && l1.admits(key, version, self.shared.clock.now()) {
                return Ok(collapsed(landed.answer));
            }
        }
    }

    /// Loads a key in the background, from where every commit is seen, so that all tiers have it before it is read. One
    /// that is being loaded is left to that load, which an invalidation has begin again.
    pub fn load_ahead(&self, key: &K) {
        if self.shared.l1.is_some() {
            self.load_in_background(key, Intent::Fresh);
        }
    }

    fn refresh(&self, key: &K) {
        self.load_in_background(key, Intent::Any);
    }

    fn load_in_background(&self, key: &K, intent: Intent) {
        if let Role::Leader(pilot) = self.shared.flights.join(key) {
            let flight = flight(Arc::clone(&self.shared), key.clone(), intent, pilot);
            self.shared.background.spawn(flight);
        }
    }

    /// Polls the flight once here, which is all an embedded store needs; what is not ready goes to the
    /// background, where no dropped caller can stop it.
    fn fly(&self, key: &K, intent: Intent, pilot: Pilot<K, FlightOutcome<V>>) {
        // A timer inside the flight belongs to the background's clock, wherever it is first polled.
        let _context = self.shared.background.enter();
        // A loader that panics drops its pilot, which tells everyone who waits, the caller among them.
        let flight = flight(Arc::clone(&self.shared), key.clone(), intent, pilot);
        let flight = context::scope(context::current(), flight);
        let flight = traces::scope(traces::current(), flight);
        let mut flight = Box::pin(AssertUnwindSafe(flight).catch_unwind());
        let mut task = Context::from_waker(Waker::noop());
        if flight.as_mut().poll(&mut task).is_pending() {
            self.shared.background.spawn(flight);
        }
    }
}

/// A lookup that found nothing, with the load that follows from it.
fn missed() -> traces::Span {
    let mut traced = span("L1", SpanKind::Internal);
    traced.set("doorbuster.cache.hit", false);
    traced
}

fn collapsed<V>(mut answer: Answer<V>) -> Answer<V> {
    if let Status::Miss { collapsed, .. } = &mut answer.status {
        *collapsed = true;
    }
    answer
}

/// The outcome of a flight, with the epoch its fill was made in.
#[derive(Debug, Clone)]
struct Landed<V> {
    answer: Answer<V>,
    epoch: Epoch,
}

type FlightOutcome<V> = Result<Landed<V>, LoadError>;

/// Loads, fills and lands.
async fn flight<K, V>(
    shared: Arc<Shared<K, V>>,
    key: K,
    intent: Intent,
    pilot: Pilot<K, FlightOutcome<V>>,
) where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Weigh + Send + Sync + 'static,
{
    let outcome = match &shared.l1 {
        Some(l1) => shared.load_and_fill(l1, &key, intent).await,
        // Without L1 nothing flies: see `read`.
        None => Err(LoadError::Aborted),
    };
    match &outcome {
        // Whoever refused tells of that, once for many.
        Ok(_) | Err(LoadError::Refused(_)) => {}
        Err(error) => tracing::warn!(%error, "a load failed"),
    }
    pilot.land(outcome);
}

impl<K, V> Shared<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Weigh + Send + Sync + 'static,
{
    fn count(&self, count: Count) {
        self.tally.count(count as usize);
    }

    async fn load_in_time(&self, key: &K, intent: Intent) -> Result<Loaded<V>, LoadError> {
        let loaded = self.try_load_in_time(key, intent).await;
        self.count(match loaded {
            Ok(_) => Count::Load,
            Err(_) => Count::LoadFailed,
        });
        loaded
    }

    async fn try_load_in_time(&self, key: &K, intent: Intent) -> Result<Loaded<V>, LoadError> {
        let context = context::current();
        context.check()?;
        let mut load = self.loader.load(key.clone(), intent);
        // A timer costs as much as an embedded store's answer; only one who waits needs it.
        if let Poll::Ready(loaded) = poll!(&mut load) {
            return loaded;
        }
        let started = Instant::now();
        let limit = context
            .left()
            .map_or(self.deadline, |left| left.min(self.deadline));
        let loaded = tokio::time::timeout(limit, load).await;
        self.ahead.measured(started.elapsed());
        loaded.unwrap_or_else(|_| {
            context.check()?;
            Err(LoadError::DeadlineExceeded(self.deadline))
        })
    }

    async fn bypass(&self, key: &K, intent: Intent) -> Result<Answer<V>, LoadError> {
        self.count(Count::Bypass);
        let loaded = self.load_in_time(key, intent).await?;
        self.loader.settle(key, &loaded, true);
        Ok(Answer {
            value: loaded.value,
            version: loaded.version,
            status: Status::Bypass {
                origin: loaded.origin,
            },
        })
    }

    /// A refused fill means that an invalidation overtook the load: what was loaded must not be served
    /// either. The second load began after the invalidation and looks where that is seen, so it finds at least its
    /// version.
    async fn load_and_fill(&self, l1: &L1<K, V>, key: &K, mut intent: Intent) -> FlightOutcome<V> {
        const ATTEMPTS: u32 = 6;
        const PAUSE: Duration = Duration::from_millis(10);
        for attempt in 0..ATTEMPTS {
            if attempt > 1 {
                // The place where all is seen is out of reach, and a copy has not come so far.
                tokio::time::sleep(PAUSE * (1 << attempt)).await;
            }
            let epoch = l1.epoch();
            let loaded = self.load_in_time(key, intent).await?;
            let (value, version) = (loaded.value.clone(), loaded.version);
            let filled = l1.fill(key, value, version, epoch, self.clock.now());
            if loaded.lease.is_some() {
                self.loader.settle(key, &loaded, filled.is_ok());
            }
            if let Ok(ttl) = filled {
                let status = Status::Miss {
                    ttl,
                    collapsed: false,
                    origin: loaded.origin,
                };
                let answer = Answer {
                    value: loaded.value,
                    version,
                    status,
                };
                return Ok(Landed { answer, epoch });
            }
            self.count(Count::Refused);
            intent = Intent::Fresh;
        }
        Err(LoadError::Outdated)
    }
}

impl<K, V> fmt::Debug for Shared<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadThrough")
            .field("cached", &self.l1.is_some())
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
