//! The history on disk, so that a restart forgets nothing.
//!
//! One process of a data directory writes it, the holder of the lock; the others have read it, and add what they see
//! themselves. Whoever takes the lock over reads it again first, so that what the last holder wrote in its last minutes is
//! kept.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::events::Events;
use super::history::{All, Bucket, History};

/// Version of the format. A file of another is left alone, and its history unknown.
const VERSION: u32 = 1;

/// A bucket: when it begins, then total, bad and broken of each objective.
type Row = (i64, [[u64; 3]; 3]);

#[derive(Serialize, Deserialize)]
struct Document {
    version: u32,
    hours: Vec<Row>,
    minutes: Vec<Row>,
}

/// Where the history is kept.
#[derive(Debug)]
pub(super) struct HistoryFile {
    path: PathBuf,
    lock: Option<File>,
}

impl HistoryFile {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            lock: None,
        }
    }

    /// What it has; nothing where it is not there. Anything else that cannot be read is told, and forgotten.
    pub(super) fn read(&self) -> History {
        let read = fs::read(&self.path).and_then(|bytes| Ok(serde_json::from_slice(&bytes)?));
        match read {
            Ok(Document {
                version: VERSION,
                hours,
                minutes,
            }) => History {
                hours: hours.into_iter().map(bucket).collect(),
                minutes: minutes.into_iter().map(bucket).collect(),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => History::default(),
            Ok(_) => {
                tracing::warn!(path = %self.path.display(), "the history of the objectives is of another version: it begins anew");
                History::default()
            }
            Err(error) => {
                tracing::warn!(path = %self.path.display(), %error, "the history of the objectives cannot be read: it begins anew");
                History::default()
            }
        }
    }

    /// Whether this process is the one that writes. `Some(true)`: from now on.
    pub(super) fn lock(&mut self) -> io::Result<Option<bool>> {
        if self.lock.is_some() {
            return Ok(Some(false));
        }
        let lock = File::create(self.path.with_extension("lock"))?;
        match lock.try_lock() {
            Ok(()) => {
                self.lock = Some(lock);
                Ok(Some(true))
            }
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }

    /// Replaces what it has. A process that is killed meanwhile leaves what was there.
    pub(super) fn write(&self, history: &History) -> io::Result<()> {
        let document = Document {
            version: VERSION,
            hours: history.hours.iter().map(row).collect(),
            minutes: history.minutes.iter().map(row).collect(),
        };
        let new = self.path.with_extension("new");
        fs::write(&new, serde_json::to_vec(&document)?)?;
        fs::rename(new, &self.path)
    }
}

fn row(bucket: &Bucket) -> Row {
    let events = bucket.events;
    (
        bucket.begins,
        events.map(|events| [events.total, events.bad, events.broken]),
    )
}

fn bucket((begins, rows): Row) -> Bucket {
    let events: All = rows.map(|[total, bad, broken]| Events { total, bad, broken });
    Bucket { begins, events }
}
