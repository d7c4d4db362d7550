//! Connections, threads and migrations of the stores. Knows nothing of products.

pub mod copy;
pub mod postgres;
mod schema;
pub mod sqlite;

pub use schema::{MigrationReport, SchemaState};
