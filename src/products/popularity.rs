//! How often products are looked at: counted in memory while they are read, and added to the store every few seconds, behind
//! the requests. Lists by popularity go by it, and so does what a node without a history of its own loads first.
//!
//! A process that is killed loses what it counted since it last wrote; one that is told to stop writes first. Counting makes
//! no version of a product, so nothing that is cached gives way for it.

mod counts;
mod flush;
mod store;

pub use counts::ViewCounts;
pub use flush::Flusher;
pub(in crate::products) use store::HALF_LIFE;
pub use store::{Halved, PopularityStore, PopularityTransaction, Viewed};

/// Views that count as much as one rating. A place in lists is written anew once for so many.
pub const VIEWS_OF_A_RATING: i64 = 100;
