//! The layers put together, and what is in force.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::definition::{Definition, check_together, parse_text};
use super::entry::{Entry, Layer};
use super::feature::{Deviations, Feature, Features};
use super::file::read_once;
use super::record::Said;
use super::snapshot::Snapshot;
use super::trouble::{Place, Trouble};
use crate::cache::{Clock, Millis, SystemClock};

type Entries = BTreeMap<String, Entry>;
type Listener = Box<dyn Fn(Deviations) + Send + Sync>;

/// All flags. Clones share them. Reading waits for nobody who writes.
#[derive(Clone)]
pub struct Flags {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Box<dyn Clock>,
    layers: Mutex<Layers>,
    in_force: ArcSwap<Snapshot>,
    features: Features,
    trouble: Trouble,
    listeners: Mutex<Vec<Listener>>,
}

#[derive(Default)]
struct Layers {
    file: Entries,
    database: Entries,
    /// Features that the ladder has given up.
    pressure: Vec<Feature>,
    /// When the next word comes to its end.
    next_end: Option<Millis>,
}

impl Default for Flags {
    fn default() -> Self {
        Self::new(SystemClock)
    }
}

impl Flags {
    /// As they are built in.
    pub fn new(clock: impl Clock) -> Self {
        let flags = Self {
            shared: Arc::new(Shared {
                clock: Box::new(clock),
                layers: Mutex::default(),
                in_force: ArcSwap::default(),
                features: Features::default(),
                trouble: Trouble::default(),
                listeners: Mutex::default(),
            }),
        };
        flags.renew(&mut flags.layers());
        flags
    }

    /// What is in force now.
    pub fn in_force(&self) -> Arc<Snapshot> {
        self.shared.in_force.load_full()
    }

    /// How the features stand, for those who look often.
    pub fn features(&self) -> Features {
        self.shared.features.clone()
    }

    /// What is wrong with the layers.
    pub fn trouble(&self) -> &Trouble {
        &self.shared.trouble
    }

    /// Calls `listener` now, and whenever features change, on the thread that changes them.
    pub fn on_change(&self, listener: impl Fn(Deviations) + Send + Sync + 'static) {
        let mut listeners = self.listeners();
        listener(self.shared.features.now());
        listeners.push(Box::new(listener));
    }

    /// What a layer says of a flag, whether that is in force or not.
    pub fn said_by(&self, layer: Layer, key: &str) -> Option<Entry> {
        let now = self.shared.clock.now();
        let layers = self.layers();
        let entries = match layer {
            Layer::File => &layers.file,
            Layer::Database => &layers.database,
            Layer::Pressure | Layer::Default => return None,
        };
        entries.get(key).filter(|entry| entry.holds(now)).cloned()
    }

    /// Whether an operator has said something of a feature, for now.
    pub(super) fn is_decided(&self, feature: Feature) -> bool {
        let layers = [Layer::File, Layer::Database];
        layers
            .into_iter()
            .any(|layer| self.said_by(layer, feature.name()).is_some())
    }

    /// Reads a file once, for one who only looks.
    pub fn read_once(&self, path: &Path) {
        read_once(self, path);
    }

    /// Takes what the database says, for one who has just read it.
    pub fn take_words(&self, words: &[Said]) {
        self.set_database(words);
    }

    /// Takes note that the database gives no answer, for one who only looks.
    pub fn note_silence(&self, why: &str) {
        self.shared.trouble.note(Place::Database, why.to_owned());
    }

    /// Replaces what the file says.
    pub(super) fn set_file(&self, flags: BTreeMap<String, Arc<Definition>>) {
        let now = self.shared.clock.now();
        let mut layers = self.layers();
        let entries = flags.into_iter().map(|(key, definition)| {
            let entry = file_entry(definition, layers.file.get(&key), now);
            (key, entry)
        });
        layers.file = entries.collect();
        self.renew(&mut layers);
    }

    /// Replaces what the database says. What it says of a flag that makes no sense is as if it had not been said, and
    /// what it said before stays.
    pub(super) fn set_database(&self, words: &[Said]) {
        let now = self.shared.clock.now();
        let mut layers = self.layers();
        let mut entries = Entries::new();
        for said in words {
            let before = layers.database.get(&said.key);
            match row_entry(said, before, now) {
                Ok(entry) => {
                    self.shared.trouble.clear(&Place::Row(said.key.clone()));
                    entries.extend(entry.map(|entry| (said.key.clone(), entry)));
                }
                Err(error) => {
                    self.shared
                        .trouble
                        .note(Place::Row(said.key.clone()), error);
                    entries.extend(before.map(|entry| (said.key.clone(), entry.clone())));
                }
            }
        }
        let definitions = entries.values().map(|entry| &*entry.definition);
        if let Err(error) = check_together(definitions) {
            self.shared.trouble.note(Place::Database, error.to_string());
            return;
        }
        self.shared.trouble.clear(&Place::Database);
        self.shared
            .trouble
            .keep_rows(|key| words.iter().any(|said| said.key == key));
        layers.database = entries;
        self.renew(&mut layers);
    }

    /// Replaces what the ladder has given up.
    pub(super) fn set_pressure(&self, given_up: Vec<Feature>) {
        let mut layers = self.layers();
        if layers.pressure != given_up {
            layers.pressure = given_up;
            self.renew(&mut layers);
        }
    }

    /// Heeds what has come to its end, and rules that go by the time. To be called several times a second.
    pub(super) fn tick(&self) {
        let now = self.shared.clock.now();
        let mut layers = self.layers();
        let is_ruled = |snapshot: &Snapshot| {
            Feature::ALL.into_iter().any(|feature| {
                let entry = snapshot.get(feature.name());
                entry.is_some_and(|entry| entry.definition.has_rule())
            })
        };
        if let Some(end) = layers.next_end.filter(|end| *end <= now) {
            for (key, entry) in layers.file.iter().chain(&layers.database) {
                if entry
                    .deadline
                    .is_some_and(|deadline| (end..=now).contains(&deadline))
                {
                    let layer = entry.layer.name();
                    tracing::info!(
                        "flag {key}: the time is up for which the {layer} said something"
                    );
                }
            }
            self.renew(&mut layers);
        } else if is_ruled(&self.shared.in_force.load()) {
            self.renew(&mut layers);
        }
    }

    /// Works out what is in force, and tells those who listen.
    fn renew(&self, layers: &mut Layers) {
        let now = self.shared.clock.now();
        let mut in_force = Entries::new();
        for feature in Feature::ALL {
            let definition = Definition::switched(feature.is_on_by_default());
            let entry = Entry::new(Arc::new(definition), Layer::Default);
            in_force.insert(feature.name().to_owned(), entry);
        }
        for feature in &layers.pressure {
            let definition = Definition::switched(!feature.is_on_by_default());
            let mut entry = Entry::new(Arc::new(definition), Layer::Pressure);
            entry.reason = Some("given up under pressure; comes back when it is calm".to_owned());
            in_force.insert(feature.name().to_owned(), entry);
        }
        let said = || layers.database.iter().chain(&layers.file);
        let deadlines = said().filter_map(|(_, entry)| entry.deadline);
        let next_end = deadlines.filter(|deadline| *deadline > now).min();
        for (key, entry) in said().filter(|(_, entry)| entry.holds(now)) {
            in_force.insert(key.clone(), entry.clone());
        }
        layers.next_end = next_end;
        let snapshot = Snapshot::new(in_force);
        let deviations = snapshot.deviations();
        self.shared.in_force.store(Arc::new(snapshot));
        let before = self.shared.features.set(deviations);
        if before != deviations {
            tell(before, deviations, &self.shared.in_force.load());
            for listener in &*self.listeners() {
                listener(deviations);
            }
        }
    }

    fn layers(&self) -> MutexGuard<'_, Layers> {
        self.shared
            .layers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn listeners(&self) -> MutexGuard<'_, Vec<Listener>> {
        self.shared
            .listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a row stands for; `None` where it says nothing. One whose time is up is kept: whatever clocks do, it stays over.
fn row_entry(said: &Said, before: Option<&Entry>, now: Millis) -> Result<Option<Entry>, String> {
    let Some(text) = &said.definition else {
        return Ok(None);
    };
    let is_same_word = |before: &&Entry| {
        before.set_at.as_ref() == Some(&said.set_at) && before.expires_at == said.expires_at
    };
    let deadline = said.left.map(|left| match before.filter(is_same_word) {
        Some(Entry {
            deadline: Some(deadline),
            ..
        }) => *deadline,
        _ => now.saturating_add(u64::try_from(left).unwrap_or(0)),
    });
    let definition = parse_text(&said.key, text).map_err(|error| error.to_string())?;
    Ok(Some(Entry {
        definition: Arc::new(definition),
        layer: Layer::Database,
        reason: Some(said.reason.clone()).filter(|reason| !reason.is_empty()),
        set_by: Some(said.set_by.clone()),
        set_at: Some(said.set_at.clone()),
        expires_at: said.expires_at.clone(),
        deadline,
    }))
}

/// What the file says of a flag, with what its metadata tells of who set it and for how long.
fn file_entry(definition: Arc<Definition>, before: Option<&Entry>, now: Millis) -> Entry {
    let text = |name: &str| Some(definition.metadata.get(name)?.as_str()?.to_owned());
    let expires_at = text("expires_at");
    let before = before.filter(|before| before.expires_at == expires_at);
    let deadline = match (before.and_then(|before| before.deadline), &expires_at) {
        (Some(deadline), _) => Some(deadline),
        (None, Some(time)) => left_until(time).map(|left| now.saturating_add(left)),
        (None, None) => None,
    };
    Entry {
        reason: text("reason"),
        set_by: text("set_by"),
        set_at: text("set_at"),
        expires_at,
        deadline,
        ..Entry::new(definition, Layer::File)
    }
}

/// Milliseconds until a time in RFC 3339; `None` where it is none.
fn left_until(time: &str) -> Option<Millis> {
    let end = OffsetDateTime::parse(time, &Rfc3339).ok()?;
    let left = end - OffsetDateTime::now_utc();
    Some(u64::try_from(left.whole_milliseconds()).unwrap_or(0))
}

fn tell(before: Deviations, after: Deviations, in_force: &Snapshot) {
    for feature in Feature::ALL {
        if before.is_on(feature) != after.is_on(feature) {
            let layer = in_force
                .get(feature.name())
                .map_or("", |entry| entry.layer.name());
            let word = if after.is_on(feature) { "on" } else { "off" };
            tracing::warn!("feature {} is {word} now, by the {layer}", feature.name());
        }
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Flags")
            .field(&self.shared.features.now())
            .finish()
    }
}

#[cfg(test)]
mod tests;
