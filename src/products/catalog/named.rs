//! Products by their other names.

use super::Catalog;
use crate::cache::{Answer, LoadError};
use crate::products::names::{Kind, bears};

impl Catalog {
    /// The product that has this handle.
    pub async fn id_by_handle(&self, handle: &str) -> Result<Option<i64>, LoadError> {
        self.id_by(Kind::Handle, handle).await
    }

    /// The product whose variant has this sku.
    pub async fn id_by_sku(&self, sku: &str) -> Result<Option<i64>, LoadError> {
        self.id_by(Kind::Sku, sku).await
    }

    async fn id_by(&self, kind: Kind, name: &str) -> Result<Option<i64>, LoadError> {
        if let Some(names) = &self.names
            && let Some(id) = names.hint(kind, name)
        {
            match self.product(id).await {
                Ok(Answer { value: Ok(it), .. }) if bears(&it, kind, name) => {
                    return Ok(Some(id));
                }
                // The hint may be as good as it was.
                Err(LoadError::Refused(refused)) => return Err(refused.into()),
                // One that is hidden tells nothing: another one may have got the name.
                _ => {}
            }
            names.forget(kind, name);
        }
        let asking = match kind {
            Kind::Handle => self.store.id_by_handle(name),
            Kind::Sku => self.store.id_by_sku(name),
        };
        let id = self.gate.ask_briefly("name", asking).await?;
        if let (Some(names), Some(id)) = (&self.names, id) {
            names.remember(kind, name, id);
        }
        Ok(id)
    }
}
