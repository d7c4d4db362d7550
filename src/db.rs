//! Connections, threads and migrations of the stores. Knows nothing of products.

pub mod sqlite;
