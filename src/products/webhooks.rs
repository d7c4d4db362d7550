//! Telling other programs of changes: signed requests, one for each product that changed, as Standard Webhooks has them
//! (<https://www.standardwebhooks.com>).
//!
//! A receiver is told how a product is now. Of several versions in a short time it gets the newest, never an older one
//! after a newer one, and each at least once; what it is told twice has the same id.

mod event;
mod jobs;
mod sign;
mod stock;
mod store;

pub use jobs::{COLLECT, DELIVER, Receivers, collect, registered, replay};
pub use sign::{Secret, SecretError};
pub use stock::{collect as collect_stock, end as end_stock};
pub use store::{WebhookStore, WebhookTransaction};
