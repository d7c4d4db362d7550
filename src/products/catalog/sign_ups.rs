//! Customers who want to know when a product is there again.

use std::time::Instant;

use super::Catalog;
use crate::products::back_in_stock::{Purpose, SignUpStatus, SignedUp, confirm, notify, open};
use crate::products::store::{CatalogTransaction, Decision, StoreError, WriteError};

impl Catalog {
    /// Keeps a sign-up, and has whoever it is asked whether it was them. Tells nobody who has signed up before.
    pub async fn sign_up(
        &self,
        deadline: Instant,
        product_id: i64,
        email: String,
        trace: Option<String>,
    ) -> Result<SignedUp, WriteError> {
        let key = self.cursors.key().await?;
        let customer = key.digest("back-in-stock", &email.to_lowercase());
        let work = move |transaction: &mut dyn CatalogTransaction| {
            let signed_up = transaction.sign_up(product_id, &email, customer)?;
            let SignedUp::Asked(id) = signed_up else {
                return Ok((Decision::Rollback, signed_up));
            };
            transaction.enqueue(&[confirm(id, trace)?])?;
            Ok((Decision::Commit, signed_up))
        };
        self.write(deadline, work).await
    }

    /// What a link of a mail is for; `None` where no mail of ours has it.
    pub async fn purpose_of(&self, token: &str) -> Result<Option<Purpose>, StoreError> {
        let key = self.cursors.key().await?;
        Ok(open(key, token).map(|(purpose, _)| purpose))
    }

    /// Does what a link of a mail is for; nothing where that was done before. `None` where no mail of ours has it.
    pub async fn follow_link(
        &self,
        deadline: Instant,
        token: &str,
    ) -> Result<Option<Purpose>, WriteError> {
        let key = self.cursors.key().await?;
        let Some((purpose, id)) = open(key, token) else {
            return Ok(None);
        };
        let work = move |transaction: &mut dyn CatalogTransaction| {
            match purpose {
                Purpose::Unsubscribe => {
                    transaction.end_sign_up(id)?;
                }
                Purpose::Confirm => {
                    let (from, to) = (SignUpStatus::Unconfirmed, SignUpStatus::Waiting);
                    if let Some(product) = transaction.move_sign_up(id, from, to)? {
                        // It may be there by now.
                        transaction.enqueue(&[notify(product)?])?;
                    }
                }
            }
            Ok((Decision::Commit, Some(purpose)))
        };
        self.write(deadline, work).await
    }
}
