//! What a client may ask for, and what the program can bear. Knows nothing of products.

pub(crate) mod breaker;
mod class;
mod client;
mod counters;
mod decision;
mod document;
mod gcra;
pub mod overload;
mod policy;
mod rate;
mod rule;
mod shared;
mod table;

pub use class::RouteClass;
pub use client::{Client, Site, origin};
pub use counters::Counts;
pub use decision::{Fields, Refusal, Verdict};
pub use document::{PolicyErrors, read as read_policies, write as write_policies};
pub use policy::{Counting, MAX_WINDOWS, Mode, Per, Policy, Window};
pub(crate) use rate::check_counting;
pub use rate::{Check, RateLimits, RateOptions, ReplaceError, Standing};
pub use shared::SharedOptions;
