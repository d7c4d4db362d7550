//! Tiers in front of a store. Knows nothing of products: keys and values are the caller's, a value comes
//! with a version, and the rule is that no version is ever followed by an older one.

mod clock;
mod derived;
mod fence;
mod flight;
mod l1;
mod packed;
mod read_through;

pub use clock::{Clock, Millis, SystemClock};
pub use derived::Derived;
pub use flight::{Flights, Outcome, Pilot, Role};
pub use l1::{Absence, Freshness, L1, L1Options, Lifetime, Lookup, Refused, Weigh};
pub use packed::PackedBytes;
pub use read_through::{Answer, Load, LoadError, Loaded, ReadThrough, Status};
