//! The body of a write: what it may be, and reading it.

use actix_web::http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue,
};
use actix_web::web::{Bytes, BytesMut, Payload};
use futures_util::TryStreamExt;
use serde_json::Value;

use super::problem::WriteProblem;
use crate::http::problem::ApiError;
use crate::products::import::Place;
use crate::products::import::json_values::{JsonText, parse as parse_json};

/// What a body has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum MediaType {
    /// A document.
    Json,
    /// Changes to one (RFC 7396).
    MergePatch,
}

impl MediaType {
    pub(in crate::http) fn as_str(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::MergePatch => "application/merge-patch+json",
        }
    }

    /// Refuses a body that says to be something else, or says nothing: a client that does not say so may
    /// well mean something else.
    pub(in crate::http) fn check(self, headers: &HeaderMap) -> Result<(), WriteProblem> {
        let text = |value: Option<&HeaderValue>| {
            let text = value.and_then(|value| value.to_str().ok());
            text.unwrap_or_default().trim().to_ascii_lowercase()
        };
        let given = text(headers.get(CONTENT_TYPE));
        // Parameters such as charset mean nothing here: JSON is UTF-8 (RFC 8259 §8.1).
        let essence = given.split(';').next().unwrap_or_default().trim_end();
        let coding = text(headers.get(CONTENT_ENCODING));
        if essence != self.as_str() {
            return Err(WriteProblem::MediaType {
                given,
                expected: self,
            });
        }
        if !matches!(coding.as_str(), "" | "identity") {
            return Err(WriteProblem::Coding(coding));
        }
        Ok(())
    }
}

/// Reads the whole body, of at most `limit` bytes, of which no more is kept.
pub(in crate::http) async fn read(
    headers: &HeaderMap,
    mut payload: Payload,
    limit: usize,
) -> Result<Bytes, ApiError> {
    let length = headers.get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > limit) {
        return Err(WriteProblem::TooLarge { limit }.into());
    }
    let mut body = BytesMut::with_capacity(length.unwrap_or(0));
    loop {
        let part = payload.try_next().await;
        let Some(part) = part.map_err(|_| WriteProblem::Cut)? else {
            return Ok(body.freeze());
        };
        if body.len() + part.len() > limit {
            return Err(WriteProblem::TooLarge { limit }.into());
        }
        body.extend_from_slice(&part);
    }
}

/// Parses JSON in which no key occurs twice and nothing is nested deeper than 127 levels.
pub(in crate::http) fn parse(body: &[u8]) -> Result<Value, ApiError> {
    let wrong = |place: &str, reason: &str| WriteProblem::NoJson(format!("{place}{reason}")).into();
    let text = std::str::from_utf8(body)
        .map_err(|error| wrong("", &format!("not UTF-8 after byte {}", error.valid_up_to())))?;
    let place = Place { line: 1, column: 1 };
    parse_json(JsonText { place, text }).map_err(|error| {
        let place = format!("line {}, column {}: ", error.place.line, error.place.column);
        wrong(&place, &error.reason)
    })
}
