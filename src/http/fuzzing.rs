//! What has to hold for any bytes that come in a header, a query or the body of a write. See
//! [`crate::fuzzing`].

#![expect(
    clippy::missing_panics_doc,
    reason = "to panic is what these functions are for"
)]

mod conditional;
mod query;

use actix_web::http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue,
};
use serde_json::{Map, Value};

use super::authorization::bearer_token;
use super::media_type::{self, MediaType};
use super::negotiation::Accepted;
use super::problem::ApiError;
use super::writes::idempotency;
use super::writes::{WriteProblem, body};
use crate::products::coding::Coding;
use crate::products::fuzzing::{assert_line, document};
use crate::products::merge_patch::merge_patch;
use crate::tokens::{Token, TokenId};
pub use conditional::conditions;
pub use query::query;

/// The document that patches are for, with everything in it that a product can have.
pub(super) const DOCUMENT: &str = include_str!("openapi/examples/product.json");

/// Values of a header, one a line of `data`. What no header can hold is left out.
fn values(data: &[u8]) -> Vec<HeaderValue> {
    let lines = data.split(|byte| *byte == b'\n');
    let values = lines.filter_map(|line| HeaderValue::from_bytes(line).ok());
    values.take(8).collect()
}

/// A request with these values of a header.
fn request<'v>(name: &HeaderName, values: impl IntoIterator<Item = &'v HeaderValue>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(name.clone(), value.clone());
    }
    headers
}

/// The same elements in one value, the last first, with one at the end that is empty.
fn reordered(values: &[HeaderValue]) -> Vec<HeaderValue> {
    let elements = values
        .iter()
        .flat_map(|v| v.as_bytes().split(|byte| *byte == b','));
    let mut elements: Vec<_> = elements.collect();
    elements.reverse();
    elements.push(b"");
    HeaderValue::from_bytes(&elements.join(&b','))
        .into_iter()
        .collect()
}

/// All values, in lower case.
fn text(values: &[HeaderValue]) -> String {
    let values = values.iter().map(HeaderValue::as_bytes);
    let text = values.collect::<Vec<_>>().join(&b'\n');
    String::from_utf8_lossy(&text).to_ascii_lowercase()
}

/// `Accept` and `Accept-Encoding`: what is chosen is something the client named, the order of elements does not
/// matter, and what it asks for plainly it gets.
pub fn negotiation(data: &[u8]) {
    let values = values(data);
    if !values.is_empty() {
        content_codings(&values);
        media_types(&values);
    }
}

fn content_codings(values: &[HeaderValue]) {
    let accepted = Accepted::by(&request(&ACCEPT_ENCODING, values));
    let ranked: Vec<_> = accepted.ranked().collect();
    let text = text(values);
    for (rank, representation) in ranked.iter().enumerate() {
        assert!(
            !ranked[..rank].contains(representation),
            "twice: {ranked:?}"
        );
        let is_named = |coding: &Coding| text.contains(coding.token()) || text.contains('*');
        assert!(
            representation.as_ref().is_none_or(is_named),
            "{text}: {ranked:?}"
        );
    }
    if !ranked.contains(&None) {
        let is_refused = text.contains("identity") || text.contains('*');
        assert!(is_refused, "{text}: {ranked:?}");
    }
    let again = Accepted::by(&request(&ACCEPT_ENCODING, &reordered(values)));
    assert_eq!(again, accepted, "{text}");
    let brotli = HeaderValue::from_static("br");
    let asked = request(&ACCEPT_ENCODING, values.iter().chain([&brotli]));
    let best = Accepted::by(&asked).ranked().next();
    assert_eq!(best, Some(Some(Coding::Brotli)), "{text}");
}

fn media_types(values: &[HeaderValue]) {
    const BOTH: [MediaType; 2] = [MediaType::Json, MediaType::JsonLd];
    let selected = |values: &[HeaderValue], offered: &[MediaType]| {
        media_type::select(&request(&ACCEPT, values), offered).ok()
    };
    let text = text(values);
    let best = selected(values, &BOTH);
    if best == Some(MediaType::JsonLd) {
        let is_named = text.contains("application/ld+json") || text.contains("/*");
        assert!(is_named, "{text}");
    }
    let only = selected(values, &BOTH[..1]);
    assert_ne!(only, Some(MediaType::JsonLd), "was not offered");
    if best != Some(MediaType::JsonLd) {
        assert_eq!(only, best, "{text}");
    }
    assert_eq!(selected(&reordered(values), &BOTH), best, "{text}");
    let json = HeaderValue::from_static("application/json");
    let asked = [values, &[json]].concat();
    assert_eq!(selected(&asked, &BOTH), Some(MediaType::Json), "{text}");
}

/// `Authorization` and `Idempotency-Key`: what is taken from them is what stands there in its one spelling, and
/// is taken from that, too; a challenge is a header.
pub fn credentials(data: &[u8]) {
    let values = values(data);
    bearer(&values);
    idempotency_key(&values);
}

fn bearer(values: &[HeaderValue]) {
    let headers = request(&AUTHORIZATION, values);
    let token = match bearer_token(&headers) {
        Ok(token) => token,
        Err(error) => {
            let challenge = error.challenge();
            assert!(
                challenge
                    .to_str()
                    .is_ok_and(|text| text.starts_with("Bearer "))
            );
            return;
        }
    };
    assert_eq!(values.len(), 1);
    assert_eq!(token, token.trim_matches(' '));
    let plain = HeaderValue::from_str(&format!("Bearer {token}"));
    let plain = request(&AUTHORIZATION, plain.as_ref());
    assert!(
        bearer_token(&plain).is_ok_and(|again| again == token),
        "{token}"
    );
    if let Some(parsed) = Token::parse(token) {
        assert_eq!(parsed.reveal(), token);
        let id = parsed.id();
        assert_eq!(TokenId::parse(&id.to_string()), Some(id));
        let secret = token.strip_prefix(&format!("dbt_{id}_"));
        let is_shown = |secret| format!("{parsed:?}").contains(secret);
        assert!(secret.is_some_and(|secret| !is_shown(secret)), "{parsed:?}");
    }
}

fn idempotency_key(values: &[HeaderValue]) {
    const NAME: HeaderName = HeaderName::from_static("idempotency-key");
    let key = |values: &[HeaderValue]| idempotency::key(&request(&NAME, values), "0123456789ab");
    match key(values) {
        Ok(None) => assert!(values.is_empty()),
        Ok(Some(given)) => {
            let given = given.key;
            assert_eq!(values.len(), 1);
            assert!((1..=255).contains(&given.len()), "{given:?}");
            assert!(
                given.bytes().all(|byte| byte.is_ascii_graphic()),
                "{given:?}"
            );
            let quoted: Vec<_> = HeaderValue::from_str(&format!("\"{given}\""))
                .into_iter()
                .collect();
            let again = key(&quoted).ok().flatten();
            assert_eq!(again.map(|again| again.key), Some(given));
        }
        Err(WriteProblem::InvalidKey) => assert!(!values.is_empty()),
        Err(other) => panic!("{other:?}"),
    }
}

/// The body of a write: JSON is what another parser reads in it, provided that no key occurs twice; anything
/// else is told on one line. As a document it is what [`document`] says, and as a patch, too.
pub fn write_body(data: &[u8]) {
    let others = serde_json::from_slice::<Value>(data);
    let value = match body::parse(data) {
        Ok(value) => value,
        Err(ApiError::Write(WriteProblem::NoJson(reason))) => {
            assert_line(&reason, 1_000);
            assert!(others.is_err() || reason.contains("twice"), "{reason}");
            return;
        }
        Err(other) => panic!("{other:?}"),
    };
    assert!(others.is_ok_and(|other| other == value), "{value}");
    let written = value.to_string();
    let again = body::parse(written.as_bytes());
    assert!(again.is_ok_and(|again| again == value), "{written}");

    let mut target = serde_json::from_str(DOCUMENT).unwrap_or(Value::Null);
    let untouched = target.clone();
    merge_patch(&mut target, Value::Object(Map::new()));
    assert_eq!(target, untouched);
    merge_patch(&mut target, value.clone());
    let once = target.clone();
    merge_patch(&mut target, value.clone());
    assert_eq!(target, once, "a second time it does something else");
    document(target);
    document(value);
}
