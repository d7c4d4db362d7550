//! What sign-ups ask of the store.

use futures_util::future::BoxFuture;

use crate::products::store::StoreError;

/// What became of somebody who wants to know when a product is there again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignedUp {
    /// Has this number, and is to be asked whether it was them.
    Asked(i64),
    /// Signed up before, or too often: nothing is to be done.
    AsBefore,
    /// There is no such public product.
    NoProduct,
}

/// How far a sign-up has come. One that has ended is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignUpStatus {
    /// Nobody has said yet that the address is theirs.
    Unconfirmed,
    /// Waits for the product.
    Waiting,
    /// The product is there, and a mail about to go out.
    Due,
}

impl SignUpStatus {
    const ALL: [Self; 3] = [Self::Unconfirmed, Self::Waiting, Self::Due];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unconfirmed => "unconfirmed",
            Self::Waiting => "waiting",
            Self::Due => "due",
        }
    }

    /// The status of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

/// Somebody who wants to know when a product is there again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignUp {
    /// Its number. None is given twice.
    pub id: i64,
    /// Of what.
    pub product_id: i64,
    /// An address.
    pub email: String,
    /// How far it has come.
    pub status: SignUpStatus,
}

/// Reading sign-ups.
pub trait SignUpStore {
    /// The one with this number.
    fn sign_up(&self, id: i64) -> BoxFuture<'_, Result<Option<SignUp>, StoreError>>;

    /// Whether anybody waits for anything.
    fn does_anybody_wait(&self) -> BoxFuture<'_, Result<bool, StoreError>>;
}

/// Writing sign-ups, inside a transaction.
pub trait SignUpTransaction {
    /// Keeps a sign-up for a public product. `customer` is a digest of the address. An address that has
    /// [`UNCONFIRMED_AT_MOST`](super::UNCONFIRMED_AT_MOST) sign-ups that it did not confirm gets no further one, so that
    /// nobody is buried in mails by others.
    fn sign_up(
        &mut self,
        product_id: i64,
        email: &str,
        customer: [u8; 32],
    ) -> Result<SignedUp, StoreError>;

    /// Moves a sign-up on, if it is where it was believed to be. Returns its product.
    fn move_sign_up(
        &mut self,
        id: i64,
        from: SignUpStatus,
        to: SignUpStatus,
    ) -> Result<Option<i64>, StoreError>;

    /// Forgets a sign-up. Returns whether there was one.
    fn end_sign_up(&mut self, id: i64) -> Result<bool, StoreError>;

    /// Those of these products that somebody waits for.
    fn awaited(&mut self, products: &[i64]) -> Result<Vec<i64>, StoreError>;

    /// Has mails be due to the first who wait for a product, at most `limit`. Their numbers, in the order they signed up.
    fn have_due(&mut self, product_id: i64, limit: usize) -> Result<Vec<i64>, StoreError>;

    /// Forgets those that were not confirmed for a week.
    fn forget_unconfirmed(&mut self) -> Result<(), StoreError>;
}
