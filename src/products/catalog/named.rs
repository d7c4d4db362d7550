//! Products by their other names.

use super::Catalog;
use crate::products::names::{Kind, bears};
use crate::products::store::StoreError;

impl Catalog {
    /// The product that has this handle.
    pub async fn id_by_handle(&self, handle: &str) -> Result<Option<i64>, StoreError> {
        self.id_by(Kind::Handle, handle).await
    }

    /// The product whose variant has this sku.
    pub async fn id_by_sku(&self, sku: &str) -> Result<Option<i64>, StoreError> {
        self.id_by(Kind::Sku, sku).await
    }

    async fn id_by(&self, kind: Kind, name: &str) -> Result<Option<i64>, StoreError> {
        if let Some(names) = &self.names
            && let Some(id) = names.hint(kind, name)
        {
            let product = self.product(id).await;
            // One that is hidden tells nothing: another one may have got the name.
            if product.is_ok_and(|answer| answer.value.is_ok_and(|it| bears(&it, kind, name))) {
                return Ok(Some(id));
            }
            names.forget(kind, name);
        }
        let id = self
            .in_time(async {
                match kind {
                    Kind::Handle => self.store.id_by_handle(name).await,
                    Kind::Sku => self.store.id_by_sku(name).await,
                }
            })
            .await?;
        if let (Some(names), Some(id)) = (&self.names, id) {
            names.remember(kind, name, id);
        }
        Ok(id)
    }
}
