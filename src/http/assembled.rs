//! Bodies put together from finished documents: nothing is parsed, and no document is copied.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue};
use bytes::Bytes;
use xxhash_rust::xxh3::Xxh3Default;

use super::conditional::{EntityTags, has_any, is_conditional};
use super::negotiation::Representation;
use crate::products::document::Document;

/// What is assembled for one request is sent as it is: it would have to be compressed for each.
const IDENTITY: Representation = None;

/// JSON in parts, and a hash of what it says.
pub(super) struct Assembled {
    parts: VecDeque<Bytes>,
    length: u64,
    version: u64,
    hasher: Xxh3Default,
}

impl Assembled {
    pub(super) fn new() -> Self {
        Self {
            parts: VecDeque::new(),
            length: 0,
            version: 0,
            hasher: Xxh3Default::new(),
        }
    }

    /// Appends JSON of ours.
    pub(super) fn push_text(&mut self, text: impl Into<Bytes>) {
        let text = text.into();
        self.hasher.update(&text);
        self.push(text);
    }

    /// Appends `"items":[…]`, the documents in order.
    pub(super) fn push_items(&mut self, documents: impl IntoIterator<Item = (u64, Document)>) {
        self.push_text("\"items\":[");
        for (index, (version, document)) in documents.into_iter().enumerate() {
            if index > 0 {
                self.push_text(",");
            }
            self.version = self.version.max(version);
            // Its own hash stands for its bytes, so that a 304 reads none of them.
            self.hasher.update(&document.fingerprint().to_le_bytes());
            let (head, tail) = document.into_parts();
            self.push(head);
            if let Some(tail) = tail {
                self.push(tail);
            }
        }
        self.push_text("]");
    }

    fn push(&mut self, part: Bytes) {
        self.length += part.len() as u64;
        self.parts.push_back(part);
    }

    /// 304 where the client has it, 412 where it wants another state, else 200 with the body. The entity tag
    /// is the highest version with a hash of the whole.
    pub(super) fn respond(self, request: &HeaderMap) -> HttpResponse {
        let mut tags = EntityTags::new(self.version, self.hasher.digest());
        let is_conditional = is_conditional(request);
        // No date: what leaves a list makes none of the others newer.
        if is_conditional && let Err(error) = tags.demanded(request, None) {
            return HttpResponse::from_error(error);
        }
        let is_known = is_conditional && (tags.are_known_to(request, IDENTITY) || has_any(request));
        let mut response = if is_known {
            HttpResponse::new(StatusCode::NOT_MODIFIED)
        } else {
            let body = Parts {
                parts: self.parts,
                length: self.length,
            };
            let mut response = HttpResponse::with_body(StatusCode::OK, BoxBody::new(body));
            response
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        };
        let headers = response.headers_mut();
        headers.insert(ETAG, tags.header(IDENTITY));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, no-cache"));
        response
    }
}

struct Parts {
    parts: VecDeque<Bytes>,
    length: u64,
}

impl MessageBody for Parts {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.length)
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Poll::Ready(self.parts.pop_front().map(Ok))
    }
}
