//! What webhooks ask of the store.

use futures_util::future::BoxFuture;

use crate::products::store::{OutboxMark, StoreError};

/// Reading how far webhooks have come.
pub trait WebhookStore {
    /// How far a follower of the stream of versions has come; `None` for one that has not begun.
    fn followed(&self, name: &'static str)
    -> BoxFuture<'_, Result<Option<OutboxMark>, StoreError>>;

    /// Why a receiver is sent nothing, if it is not.
    fn disabled<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Option<String>, StoreError>>;

    /// The newest version of a product that a receiver has taken; 0 where there is none.
    fn sent<'a>(&'a self, url: &'a str, product_id: i64) -> BoxFuture<'a, Result<u64, StoreError>>;
}

/// Writing it, inside a transaction.
pub trait WebhookTransaction {
    /// Notes how far a follower has come, if it is where it was believed to be.
    fn follow(
        &mut self,
        name: &'static str,
        before: Option<&OutboxMark>,
        after: &OutboxMark,
    ) -> Result<bool, StoreError>;

    /// Sends a receiver nothing any more, for this reason, or something again.
    fn disable(&mut self, url: &str, reason: Option<&str>) -> Result<(), StoreError>;

    /// Notes that a receiver has taken a version, unless it has a newer one. To forget what it has taken, 0.
    fn note_sent(&mut self, url: &str, product_id: i64, version: u64) -> Result<(), StoreError>;

    /// Takes out products whose exact stock is another since they were last taken out, at most `limit` of its changes.
    fn take_stock(&mut self, limit: usize) -> Result<Vec<i64>, StoreError>;

    /// Has nothing noted of exact stock any more, until somebody follows it again.
    fn end_stock(&mut self) -> Result<(), StoreError>;
}
