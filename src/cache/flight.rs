//! Single-flight: one load per key at a time; whoever else wants the key waits for its outcome.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// Loads under way, by key.
#[derive(Debug)]
pub struct Flights<K, T> {
    under_way: Mutex<HashMap<K, watch::Receiver<Option<T>>>>,
}

/// What a caller who wants a key becomes.
pub enum Role<K: Hash + Eq, T> {
    /// The one who loads, and lands the outcome.
    Leader(Pilot<K, T>),
    /// One who waits.
    Follower(Outcome<T>),
}

/// The leader's duty: [`Pilot::land`] ends the flight with an outcome; dropping the pilot (a panic, a
/// runtime that stops) ends it without one, and every follower is told.
pub struct Pilot<K: Hash + Eq, T> {
    flights: Arc<Flights<K, T>>,
    key: K,
    outcome: watch::Sender<Option<T>>,
}

/// An outcome to come.
pub struct Outcome<T>(watch::Receiver<Option<T>>);

impl<K: Hash + Eq + Clone, T: Clone> Flights<K, T> {
    /// None under way.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            under_way: Mutex::new(HashMap::new()),
        })
    }

    /// Joins the flight of `key`, or starts it.
    pub fn join(self: &Arc<Self>, key: &K) -> Role<K, T> {
        let mut under_way = self.lock();
        if let Some(outcome) = under_way.get(key) {
            return Role::Follower(Outcome(outcome.clone()));
        }
        let (sender, receiver) = watch::channel(None);
        under_way.insert(key.clone(), receiver);
        Role::Leader(Pilot {
            flights: Arc::clone(self),
            key: key.clone(),
            outcome: sender,
        })
    }

    /// True while `key` is being loaded.
    pub fn is_under_way(&self, key: &K) -> bool {
        self.lock().contains_key(key)
    }

    /// Number of keys that are being loaded.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// True where nothing is being loaded.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }
}

impl<K, T> Flights<K, T> {
    fn lock(&self) -> MutexGuard<'_, HashMap<K, watch::Receiver<Option<T>>>> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq, T> Pilot<K, T> {
    /// A way to wait for this flight.
    pub fn outcome(&self) -> Outcome<T> {
        Outcome(self.outcome.subscribe())
    }

    /// Ends the flight. Whoever asks from now on starts a new one.
    pub fn land(self, outcome: T) {
        self.outcome.send_replace(Some(outcome));
    }
}

impl<K: Hash + Eq, T> Drop for Pilot<K, T> {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.key);
    }
}

impl<T: Clone> Outcome<T> {
    /// Waits. `None` where the leader went without an outcome. Cancel safe.
    pub async fn wait(mut self) -> Option<T> {
        let landed = self.0.wait_for(Option::is_some).await.ok()?;
        landed.clone()
    }
}
