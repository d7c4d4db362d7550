//! As what something is sent: the best coding that the client accepts and that is there, or 304 where it has
//! one. What is not there is built in the background for those who come later, so that a hit never compresses.

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderValue, LAST_MODIFIED};
use actix_web::{HttpRequest, HttpResponse};

use super::body::in_parts;
use super::conditional::{EntityTags, has_any, has_the_latest, is_conditional};
use super::degraded;
use super::last_modified;
use super::negotiation::{Accepted, Representation};
use super::problem::ApiError;
use crate::flags::Feature;
use crate::products::catalog::Catalog;
use crate::products::coding::Coding;
use crate::products::document::{Document, Seconds};
use crate::products::views::Place;

/// Shorter documents go out in one packet anyway, and are sent as they are. In bytes.
const WORTH_COMPRESSING: usize = 1024;

/// Something to send.
pub(super) struct Outgoing<'o> {
    pub(super) document: Document,
    /// For the entity tag, with the document's fingerprint.
    pub(super) version: u64,
    /// When it last changed, where that is known.
    pub(super) modified: Option<Seconds>,
    pub(super) place: &'o Place,
    pub(super) content_type: &'static str,
}

/// 200 or 304, with the headers of the representation. Those of the route are the caller's.
pub(super) async fn respond(
    request: &HttpRequest,
    catalog: &Catalog,
    outgoing: Outgoing<'_>,
) -> Result<HttpResponse, ApiError> {
    let Outgoing {
        document,
        version,
        modified,
        place,
        content_type,
    } = outgoing;
    let accepted = Accepted::by(request.headers());
    let mut tags = EntityTags::new(version, document.fingerprint());
    let is_conditional = is_conditional(request.headers());
    if is_conditional {
        tags.demanded(request.headers(), modified)?;
    }
    let known = is_conditional
        .then(|| known_representation(request, accepted, &tags))
        .flatten();
    let (representation, mut response) = if let Some(representation) = known {
        (representation, not_modified())
    } else {
        let (representation, body, without) = select(accepted, catalog, place, document).await?;
        let has_it = |headers| has_any(headers) || has_the_latest(headers, modified);
        let mut response = if is_conditional && has_it(request.headers()) {
            not_modified()
        } else {
            full(representation, content_type, modified, body)
        };
        degraded::tell(response.headers_mut(), &without);
        (representation, response)
    };
    response
        .headers_mut()
        .insert(ETAG, tags.header(representation));
    Ok(response)
}

/// The best of what the client accepts, among what it has according to `If-None-Match`. It need not be
/// built, nor be what would be sent now: which representation is selected is ours to say (RFC 9110 §12.1),
/// and the one that need not be sent serves best. One that the client has but does not accept, such as
/// another client's in a shared cache, never counts.
fn known_representation(
    request: &HttpRequest,
    accepted: Accepted,
    tags: &EntityTags,
) -> Option<Representation> {
    let mut ranked = accepted.ranked();
    ranked.find(|representation| tags.are_known_to(request.headers(), *representation))
}

fn not_modified() -> HttpResponse {
    HttpResponse::new(StatusCode::NOT_MODIFIED)
}

fn full(
    representation: Representation,
    content_type: &'static str,
    modified: Option<Seconds>,
    body: BoxBody,
) -> HttpResponse {
    let mut response = HttpResponse::with_body(StatusCode::OK, body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Some(coding) = representation {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.token()));
    }
    if let Some(modified) = modified {
        headers.insert(LAST_MODIFIED, last_modified::header(modified));
    }
    response
}

/// Chooses among what the client accepts, and says what was not built that would have been. Only a client that refuses
/// identity may have to wait.
async fn select(
    accepted: Accepted,
    catalog: &Catalog,
    place: &Place,
    document: Document,
) -> Result<(Representation, BoxBody, Option<Feature>), ApiError> {
    let mut is_ordered = document.len() < WORTH_COMPRESSING;
    let mut without = None;
    for representation in accepted.ranked() {
        let Some(coding) = representation else {
            return Ok((None, in_parts(document.into_parts()), without));
        };
        if let Some(body) = document.compressed(coding) {
            return Ok((representation, BoxBody::new(body.clone()), without));
        }
        if !is_ordered && coding == Coding::Brotli && !catalog.features().is_on(Feature::Brotli) {
            without = Some(Feature::Brotli);
        } else if !is_ordered {
            catalog.compress_soon(place, &document, coding);
            is_ordered = true;
        }
    }
    let mut codings = accepted.ranked().flatten();
    let best = codings.next();
    // One that takes nothing else gets it all the same.
    let best = match without {
        Some(_) => codings.next().or(best),
        None => best,
    };
    let Some(coding) = best.filter(|_| catalog.compresses(place)) else {
        return Err(ApiError::NotAcceptable {
            header: "Accept-Encoding",
            offered: if catalog.compresses(place) {
                "br, zstd, gzip, identity"
            } else {
                "identity"
            },
        });
    };
    match catalog.compress(place, &document, coding).await {
        Some(body) => Ok((Some(coding), BoxBody::new(body), without)),
        None => Err(ApiError::Unavailable(format!(
            "{place:?} was not compressed in time"
        ))),
    }
}
