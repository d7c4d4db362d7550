//! What the database keeps of a flag.

use std::time::Duration;

use serde_json::{Value, json};

/// What somebody says of a flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Of which.
    pub key: String,
    /// In flagd's format, as text; `None` takes back what was said.
    pub definition: Option<String>,
    /// Why.
    pub reason: String,
    /// Who.
    pub set_by: String,
    /// From now on; `None` is for ever.
    pub lifetime: Option<Duration>,
}

/// What somebody said of a flag. Times are RFC 3339, UTC, milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Of which.
    pub key: String,
    /// In flagd's format, as text; `None` took back what was said.
    pub definition: Option<String>,
    /// Why.
    pub reason: String,
    /// Who.
    pub set_by: String,
    /// When.
    pub set_at: String,
    /// Until when; `None` is for ever.
    pub expires_at: Option<String>,
    /// Milliseconds until then, by the clock of the database.
    pub left: Option<i64>,
}

impl Said {
    /// For programs.
    pub fn to_json(&self) -> Value {
        // What was let in is JSON.
        let definition = self.definition.as_deref();
        let definition = definition.and_then(|text| serde_json::from_str::<Value>(text).ok());
        json!({
            "key": self.key,
            "action": if self.definition.is_some() { "set" } else { "unset" },
            "definition": definition,
            "reason": self.reason,
            "set_by": self.set_by,
            "set_at": self.set_at,
            "expires_at": self.expires_at,
        })
    }
}
