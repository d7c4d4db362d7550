//! What a receiver is told.

use serde_json::json;

use crate::cache::Absence;
use crate::products::store::StoredDocument;

/// A message about a product as it is now.
pub(super) struct Event {
    /// The same whenever it is sent: by it a receiver knows what it has.
    pub(super) id: String,
    pub(super) body: String,
}

impl Event {
    /// `at` is the time of sending (RFC 3339).
    pub(super) fn of(product_id: i64, stored: &StoredDocument, at: &str) -> Self {
        let version = stored.version;
        let kind = match &stored.document {
            Err(Absence::Removed) => "product.deleted",
            _ if version == 1 => "product.created",
            _ => "product.updated",
        };
        // The document is JSON already. What is not public is told without it.
        let document = match &stored.document {
            Ok(document) => String::from_utf8(document.to_vec()).unwrap_or_default(),
            Err(_) => "null".to_owned(),
        };
        let (kind, at) = (json!(kind), json!(at));
        Self {
            id: format!("msg_{product_id}_{version}"),
            body: format!(
                r#"{{"type":{kind},"timestamp":{at},"data":{{"id":{product_id},"version":{version},"product":{document}}}}}"#
            ),
        }
    }
}

impl Event {
    /// Of the exact stock of a product. `id` tells this message from others of the product.
    pub(super) fn of_stock(product_id: i64, id: i64, stock: &str, at: &str) -> Self {
        let at = json!(at);
        Self {
            id: format!("msg_{product_id}_stock_{id}"),
            body: format!(
                r#"{{"type":"product.stock_changed","timestamp":{at},"data":{{"id":{product_id},"stock":{stock}}}}}"#
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::products::document::Document;

    #[test]
    fn a_product_is_told_as_it_is() {
        for (version, document, kind, product) in [
            (
                1,
                Ok(Document::of_product(br#"{"id":7}"#)),
                "product.created",
                json!({ "id": 7 }),
            ),
            (
                2,
                Ok(Document::of_product(br#"{"id":7}"#)),
                "product.updated",
                json!({ "id": 7 }),
            ),
            (3, Err(Absence::Unknown), "product.updated", Value::Null),
            (4, Err(Absence::Removed), "product.deleted", Value::Null),
        ] {
            let stored = StoredDocument { version, document };
            let event = Event::of(7, &stored, "2026-11-28T00:00:00Z");
            assert_eq!(event.id, format!("msg_7_{version}"));
            let body: Value = serde_json::from_str(&event.body).unwrap();
            assert_eq!(body["type"], kind);
            assert_eq!(
                body["data"],
                json!({ "id": 7, "version": version, "product": product })
            );
        }
    }
}
