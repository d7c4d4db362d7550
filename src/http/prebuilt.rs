//! Answers whose bytes are the same for as long as the process runs: each coding of them is made once, at
//! its first demand.

use std::sync::{LazyLock, OnceLock};

use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, VARY,
};
use actix_web::{HttpResponse, web};
use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_64;

use super::conditional::{EntityTags, has_any};
use super::negotiation::{Accepted, Representation};
use super::problem::ApiError;
use crate::products::coding::Coding;

/// Long enough for the parts of a page to be asked for once, short enough that a new release is soon seen.
const CACHED: &str = "public, max-age=300";

/// Bytes and their media type. Made on a thread of its own, as are their codings: both may take longer than
/// an HTTP worker has.
pub(super) type Prebuilt = LazyLock<Built>;

/// What is sent.
pub(super) struct Built {
    media_type: &'static str,
    body: Bytes,
    fingerprint: u64,
    compressed: [OnceLock<Bytes>; Coding::ALL.len()],
}

impl Built {
    pub(super) fn new(media_type: &'static str, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self {
            media_type,
            fingerprint: xxh3_64(&body),
            body,
            compressed: Default::default(),
        }
    }

    /// The body, unless it cannot be compressed, which takes more memory than there is.
    fn body(&self, representation: Representation) -> Option<Bytes> {
        let Some(coding) = representation else {
            return Some(self.body.clone());
        };
        let kept = &self.compressed[coding as usize];
        if kept.get().is_none() {
            let body = coding.compress(&self.body).ok()?;
            // Where another thread was faster, its body is the same.
            let _ = kept.set(body.into());
        }
        kept.get().cloned()
    }
}

/// 304 where the client has it, else 200 in the best coding that it accepts.
pub(super) async fn respond(
    request: &HeaderMap,
    prebuilt: &'static Prebuilt,
) -> Result<HttpResponse, ApiError> {
    let accepted = Accepted::by(request);
    let best = accepted.ranked().next().ok_or(ApiError::NotAcceptable {
        header: "Accept-Encoding",
        offered: "br, zstd, gzip, identity",
    })?;
    let built = web::block(move || {
        (
            prebuilt.media_type,
            prebuilt.fingerprint,
            prebuilt.body(best),
        )
    });
    let unavailable = || ApiError::Unavailable("a prebuilt answer could not be made".to_owned());
    let (media_type, fingerprint, body) = built.await.map_err(|_| unavailable())?;
    let mut tags = EntityTags::new(0, fingerprint);
    tags.demanded(request, None)?;
    let known = accepted
        .ranked()
        .find(|representation| tags.are_known_to(request, *representation))
        .or_else(|| has_any(request).then_some(best));
    let (representation, mut response) = if let Some(known) = known {
        (known, HttpResponse::new(StatusCode::NOT_MODIFIED))
    } else {
        let body = body.ok_or_else(unavailable)?;
        let mut response = HttpResponse::Ok().body(body);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        if let Some(coding) = best {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.token()));
        }
        (best, response)
    };
    let headers = response.headers_mut();
    headers.insert(ETAG, tags.header(representation));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(CACHED));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    Ok(response)
}
