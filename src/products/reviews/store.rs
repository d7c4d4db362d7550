//! What reviews ask of the store.

use futures_util::future::BoxFuture;
use serde::Serialize;

use crate::jobs::NewJob;
use crate::products::store::StoreError;

/// A review as a customer sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReview {
    /// From 1 to 5.
    pub rating: i64,
    /// Empty where none was given.
    pub title: String,
    /// What it says.
    pub body: String,
    /// The name that is shown.
    pub author: String,
    /// Whom the shop says it is from: an address, or a number of its own. Never kept as it is.
    pub customer: String,
}

/// What became of a review that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Submitted {
    /// It has this number, and is decided on by and by.
    Accepted(i64),
    /// The customer has sent one for this product before.
    SentBefore,
    /// There is no such public product.
    NoProduct,
}

/// How far a review has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ReviewStatus {
    /// Nobody has decided yet.
    Pending,
    /// It waits for a person.
    Held,
    /// Everybody sees it.
    Published,
    /// Nobody will see it.
    Rejected,
}

impl ReviewStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Held, Self::Published, Self::Rejected];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Held => "held",
            Self::Published => "published",
            Self::Rejected => "rejected",
        }
    }

    /// The status of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

/// A review that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Submission {
    /// Its number.
    pub id: i64,
    /// Of what.
    pub product_id: i64,
    /// From 1 to 5.
    pub rating: i64,
    /// Empty where none was given.
    pub title: String,
    /// What it says.
    pub body: String,
    /// The name that is shown.
    pub author: String,
    /// How far it has come.
    pub status: ReviewStatus,
    /// Why it was held or rejected.
    pub reason: Option<String>,
    /// RFC 3339, UTC, milliseconds.
    pub created_at: String,
}

/// Reading reviews that were sent.
pub trait ReviewStore {
    /// The one with this number.
    fn submission(&self, id: i64) -> BoxFuture<'_, Result<Option<Submission>, StoreError>>;

    /// Those that wait for a person, the oldest first, at most `limit`.
    fn held_submissions(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Submission>, StoreError>>;
}

/// Writing reviews, and what is to be done about them later, inside a transaction.
pub trait ReviewTransaction {
    /// Has jobs done if the transaction is committed.
    fn enqueue(&mut self, jobs: &[NewJob]) -> Result<(), StoreError>;

    /// Keeps a review of a public product. `customer` is the digest of whom it is from.
    fn submit_review(
        &mut self,
        product_id: i64,
        review: &NewReview,
        customer: [u8; 32],
    ) -> Result<Submitted, StoreError>;

    /// A review that was sent, locked until the transaction ends.
    fn submission(&mut self, id: i64) -> Result<Option<Submission>, StoreError>;

    /// Decides on a review that nobody has published or rejected, and publishes it where that is decided.
    fn decide_review(
        &mut self,
        submission: &Submission,
        status: ReviewStatus,
        reason: Option<&str>,
    ) -> Result<(), StoreError>;

    /// Adds the published reviews of a product to its rating that it does not have yet, each once, and settles. True where
    /// there were some.
    fn count_ratings(&mut self, product_id: i64) -> Result<bool, StoreError>;
}
