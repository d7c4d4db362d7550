//! Flags: what may be switched while the program runs, by whom, and for how long. Knows nothing of products, nor of
//! HTTP.
//!
//! A flag is what flagd's format says of it. Three layers say something: a file on this machine, which works when
//! nothing else does, the database, which all nodes share, and what is built in. The highest layer that says anything
//! of a flag wins. Between the database and what is built in comes the ladder, which gives up features under pressure:
//! an operator's word is above it.
//!
//! Some flags are *features*, which this program looks at itself. Whether they are as they are built to be is one
//! number, worked out whenever a layer changes, so that a request pays one relaxed load for all of them.

mod board;
mod context;
mod definition;
mod entry;
mod evaluation;
mod feature;
mod file;
mod follow;
mod postgres;
pub mod pressure;
mod record;
mod rule;
mod snapshot;
mod sqlite;
mod store;
mod tables;
mod trouble;

pub use board::Flags;
pub use context::{Context, ContextError, MAX_CONTEXT};
pub use definition::{Definition, Invalid, parse_document};
pub use entry::{Entry, Layer};
pub use evaluation::{Evaluation, EvaluationError, Reason};
pub use feature::{Deviations, Feature, Features};
pub use file::{Keeper, write_override};
pub use follow::{FLAGS_NOTE, Follower};
pub use record::{Said, Word};
pub use snapshot::Snapshot;
pub use store::{FlagStore, FlagStoreError};
pub use tables::{FLAG_HISTORY, FLAGS};
pub use trouble::{Place, Trouble};
