//! What one layer says of a flag.

use std::sync::Arc;

use serde_json::{Value, json};

use super::definition::Definition;
use crate::cache::Millis;

/// Who says something, the lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// Built into the program.
    Default,
    /// The ladder, under pressure.
    Pressure,
    /// The database, for all nodes.
    Database,
    /// The file of this machine.
    File,
}

impl Layer {
    /// For people and programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Pressure => "pressure",
            Self::Database => "database",
            Self::File => "file",
        }
    }
}

/// What a layer says of a flag, and what is known of how it came to that. Times are RFC 3339, for people.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What it is.
    pub definition: Arc<Definition>,
    /// Who says so.
    pub layer: Layer,
    /// Why.
    pub reason: Option<String>,
    /// Who set it.
    pub set_by: Option<String>,
    /// When.
    pub set_at: Option<String>,
    /// Until when.
    pub expires_at: Option<String>,
    /// The same on the clock that never goes back, worked out once: whatever happens to the time of day, it comes.
    pub(super) deadline: Option<Millis>,
}

impl Entry {
    /// For ever, by nobody in particular.
    pub(super) fn new(definition: Arc<Definition>, layer: Layer) -> Self {
        Self {
            definition,
            layer,
            reason: None,
            set_by: None,
            set_at: None,
            expires_at: None,
            deadline: None,
        }
    }

    /// The flag of that key, as it is in force, for programs.
    pub fn to_json(&self, key: &str) -> Value {
        json!({
            "key": key,
            "variant": self.definition.default_variant(),
            "targeting": self.definition.has_rule(),
            "layer": self.layer.name(),
            "reason": self.reason,
            "set_by": self.set_by,
            "set_at": self.set_at,
            "expires_at": self.expires_at,
            "definition": self.definition.source(),
        })
    }

    /// Whether it still holds.
    pub(super) fn holds(&self, now: Millis) -> bool {
        self.deadline.is_none_or(|deadline| now < deadline)
    }
}
