//! What is wrong with the layers: counted, and shown as long as it lasts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Where something is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The file.
    File,
    /// The database as a whole: it gives no answer.
    Database,
    /// What it says of a flag.
    Row(String),
}

impl Place {
    /// For people and programs.
    pub fn name(&self) -> String {
        match self {
            Self::File => "file".to_owned(),
            Self::Database => "database".to_owned(),
            Self::Row(key) => format!("database: {key}"),
        }
    }
}

/// What is wrong now, and how often something was.
#[derive(Debug, Default)]
pub struct Trouble {
    now: Mutex<BTreeMap<Place, String>>,
    count: AtomicU64,
}

impl Trouble {
    /// Something is wrong. The same thing is counted and told once, however often it is found; a database that gives no
    /// answer does so in many words.
    pub(super) fn note(&self, place: Place, what: String) {
        let mut now = self.lock();
        let known = now.get(&place);
        if known.is_none_or(|known| *known != what && place != Place::Database) {
            self.count.fetch_add(1, Ordering::Relaxed);
            tracing::error!(
                "flags, {}: {what}; what was good last stays in force",
                place.name()
            );
            now.insert(place, what);
        }
    }

    /// It is no more.
    pub(super) fn clear(&self, place: &Place) {
        if self.lock().remove(place).is_some() {
            tracing::info!("flags, {}: good again", place.name());
        }
    }

    /// Forgets what was wrong with rows that are not there any more.
    pub(super) fn keep_rows(&self, is_there: impl Fn(&str) -> bool) {
        self.lock().retain(|place, _| match place {
            Place::Row(key) => is_there(key),
            Place::File | Place::Database => true,
        });
    }

    /// What is wrong now.
    pub fn now(&self) -> Vec<(Place, String)> {
        let now = self.lock();
        now.iter()
            .map(|(place, what)| (place.clone(), what.clone()))
            .collect()
    }

    /// How often something new was wrong since the start.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Place, String>> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
