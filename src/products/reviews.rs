//! Reviews that customers send: what they may be, how they are decided on, and how they count.

mod jobs;
mod moderation;
mod parse;
mod store;

pub use jobs::{MODERATE, REFRESH_RATING, registered};
pub(super) use jobs::{decide, moderate};
pub use moderation::{Rules, Verdict};
pub use store::{NewReview, ReviewStatus, ReviewStore, ReviewTransaction, Submission, Submitted};
