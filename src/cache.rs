//! Tiers in front of a store. Knows nothing of products: keys and values are the caller's, a value comes
//! with a version, and the rule is that no version is ever followed by an older one.

mod batch;
mod clock;
mod derived;
mod fence;
mod flight;
mod hot;
mod l1;
pub mod l2;
mod load;
mod packed;
pub mod prover;
mod read_through;
mod refresh_ahead;
mod sync;
mod tiered;
mod trace;
pub mod warm_up;

pub use batch::{BatchOptions, Batcher};
pub use clock::{Clock, Millis, SystemClock};
pub use derived::Derived;
pub use flight::{Flights, Outcome, Pilot, Role};
pub use l1::{
    Absence, Depth, Epoch, EpochParts, Freshness, Inspected, Kept, L1, L1Options, Lifetime, Lookup,
    Refused, Standing, Weigh,
};
pub use l2::{L2, L2Options};
pub use load::{Intent, Lease, Load, LoadError, LoadMany, Loaded, Origin};
pub use packed::PackedBytes;
pub use read_through::{Answer, ReadCounts, ReadThrough, Status, View};
pub use tiered::{Batched, Tiered};
pub use trace::{Cause, Heard};
