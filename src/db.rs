//! Connections, threads and migrations of the stores. Knows nothing of products.

pub mod copy;
pub mod postgres;
mod schema;
pub mod sqlite;

use std::time::Duration;

pub use schema::{MigrationReport, SchemaState};

/// How a server of a database stands, as it was last looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerStanding {
    /// Where it is.
    pub name: String,
    /// It takes writes.
    pub is_primary: bool,
    /// It is asked: it answers, and is not too far behind.
    pub is_used: bool,
    /// How far a replica is behind; `None` where that is not known.
    pub lag: Option<Duration>,
    /// Reads that it has answered.
    pub reads: u64,
    /// Reads that it is at.
    pub in_flight: usize,
}

impl ServerStanding {
    /// The word for what it is.
    pub fn role(&self) -> &'static str {
        if self.is_primary {
            "primary"
        } else {
            "replica"
        }
    }
}
