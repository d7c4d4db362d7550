//! What the database keeps of a flag.

use std::time::Duration;

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
