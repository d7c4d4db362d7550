//! What is told of a schema, whichever store has it.

/// What a migration run did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationReport {
    /// Names of the migrations applied now, in order; empty when the schema was current.
    pub applied: Vec<String>,
    /// Version of the schema afterwards.
    pub version: i32,
}

/// How the schema of a catalogue stands to the one this program has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaState {
    /// Everything applied.
    Current {
        /// Version of the schema.
        version: i32,
    },
    /// Older: `doorbuster migrate`, or the next start, applies what is missing.
    Pending {
        /// Names of the missing migrations, in order.
        missing: Vec<String>,
    },
}
