//! Imports that are asked for over HTTP: kept with their file, or where that is, and done by a job.
//!
//! A file is one transaction, as for `doorbuster import`. A run that is interrupted leaves nothing and begins anew; one whose
//! end was not noted is done again, which finds nothing to change.

mod jobs;
mod options;
mod store;

pub(in crate::products) use jobs::run;
pub use jobs::{Sources, registered};
pub use options::{Format, OnError, Options, PARAMETERS};
pub use store::{ImportEnd, ImportRun, ImportStatus, ImportStore, ImportTransaction};

/// Bytes of a file that are kept in one piece.
pub const CHUNK_BYTES: usize = 1 << 20;
