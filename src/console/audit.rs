//! What operators did by way of this node: in the log for good, and the last of it for the console.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use serde::Serialize;

use super::process::since_1970;

/// So much of it is shown.
const SHOWN: usize = 20;

/// Something that was done.
#[derive(Debug, Clone, Serialize)]
pub struct Deed {
    /// When, in seconds since 1970.
    pub at: f64,
    /// By whom.
    pub who: String,
    /// What.
    pub what: String,
    /// Why, in the words of whoever did it.
    pub reason: String,
}

/// What was done lately.
#[derive(Debug, Default)]
pub struct Audit(Mutex<VecDeque<Deed>>);

impl Audit {
    /// Takes note of it.
    pub fn note(&self, who: &str, what: impl Into<String>, reason: &str) {
        let what = what.into();
        tracing::warn!(target: "audit", who, what, reason, "done by an operator");
        let mut deeds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        deeds.push_front(Deed {
            at: since_1970(SystemTime::now()),
            who: who.to_owned(),
            what,
            reason: reason.to_owned(),
        });
        deeds.truncate(SHOWN);
    }

    /// The last of it, the newest first.
    pub fn recent(&self) -> Vec<Deed> {
        let deeds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        deeds.iter().cloned().collect()
    }
}
