//! As what a document is sent: the best coding that the client accepts and that is there. What is not
//! there is built in the background for those who come later, so that a hit never compresses.

use actix_web::body::BoxBody;

use super::body::in_parts;
use super::negotiation::{Accepted, Representation};
use super::problem::ApiError;
use crate::products::catalog::Catalog;
use crate::products::document::Document;

/// Shorter documents go out in one packet anyway, and are sent as they are. In bytes.
const WORTH_COMPRESSING: usize = 1024;

/// Chooses among what the client accepts. Only a client that refuses identity may have to wait.
pub(super) async fn select(
    accepted: Accepted,
    catalog: &Catalog,
    id: i64,
    document: Document,
) -> Result<(Representation, BoxBody), ApiError> {
    let mut is_ordered = document.len() < WORTH_COMPRESSING;
    for representation in accepted.ranked() {
        let Some(coding) = representation else {
            return Ok((None, in_parts(document.into_parts())));
        };
        if let Some(body) = document.compressed(coding) {
            return Ok((representation, BoxBody::new(body.clone())));
        }
        if !is_ordered {
            catalog.compress_soon(id, &document, coding);
            is_ordered = true;
        }
    }
    let best = accepted.ranked().flatten().next();
    let Some(coding) = best.filter(|_| catalog.compresses()) else {
        return Err(ApiError::NotAcceptable {
            offered: if catalog.compresses() {
                "br, zstd, gzip, identity"
            } else {
                "identity"
            },
        });
    };
    match catalog.compress(id, &document, coding).await {
        Some(body) => Ok((Some(coding), BoxBody::new(body))),
        None => Err(ApiError::Unavailable(format!(
            "product {id} was not compressed in time"
        ))),
    }
}
