//! `Idempotency-Key`: a write that is asked again under the same name is answered again, not done again
//! (draft-ietf-httpapi-idempotency-key-header).

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderMap, HeaderName};
use sha2::{Digest, Sha256};

use super::problem::WriteProblem;
use crate::products::store::RequestKey;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Longest key, in characters.
const MAX_KEY: usize = 255;

/// The key of a request, if it has one. The draft has it in quotes; most clients send it without.
pub(in crate::http) fn key(
    headers: &HeaderMap,
    token_id: &str,
) -> Result<Option<RequestKey>, WriteProblem> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY);
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default().trim();
    let quoted = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let key = quoted.unwrap_or(text);
    let is_key = (1..=MAX_KEY).contains(&key.len())
        && key
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'"');
    if !is_key || values.next().is_some() {
        return Err(WriteProblem::InvalidKey);
    }
    Ok(Some(RequestKey {
        token_id: token_id.to_owned(),
        key: key.to_owned(),
    }))
}

/// What was asked: method, target and body. Not the condition, which a client that asks again may renew.
pub(super) fn fingerprint(request: &HttpRequest, body: &[u8]) -> [u8; 32] {
    let target = request.uri().path_and_query().map_or("", |it| it.as_str());
    let head = format!("{} {target}\n", request.method());
    Sha256::new()
        .chain_update(head)
        .chain_update(body)
        .finalize()
        .into()
}

/// The keys of the requests that are being done by this process. Clones share them. Another process on the
/// same catalogue waits for the transaction instead.
#[derive(Debug, Clone, Default)]
pub(in crate::http) struct InFlight(Arc<Mutex<HashSet<RequestKey>>>);

/// While it lives, its key is taken.
pub(super) struct Taken<'a> {
    keys: &'a InFlight,
    key: RequestKey,
}

impl InFlight {
    /// Takes the key, unless another request has it.
    pub(super) fn enter(&self, key: &RequestKey) -> Result<Taken<'_>, WriteProblem> {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.insert(key.clone()) {
            let key = key.clone();
            Ok(Taken { keys: self, key })
        } else {
            Err(WriteProblem::KeyInFlight)
        }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut keys = self.keys.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    /// The key, `-` where there is none; `None` where it is wrong.
    fn read(values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(IDEMPOTENCY_KEY, HeaderValue::from_str(value).unwrap());
        }
        let key = key(&headers, "0123456789ab").ok()?;
        Some(key.map_or("-".to_owned(), |key| key.key))
    }

    #[test]
    fn a_key_may_stand_in_quotes() {
        assert_eq!(read(&[]).as_deref(), Some("-"));
        let uuid = "8e03978e-40d5-43dd-bc93-6894a57f9324";
        for given in [uuid, &format!("\"{uuid}\""), &format!(" {uuid} ")] {
            assert_eq!(read(&[given]).as_deref(), Some(uuid), "{given}");
        }
        let longest = "k".repeat(255);
        assert_eq!(read(&[&longest]), Some(longest.clone()));
        for bad in ["", "\"\"", "\"", "a b", "a\"b", &format!("{longest}k")] {
            assert_eq!(read(&[bad]), None, "{bad}");
        }
        assert_eq!(read(&["a", "a"]), None);
    }

    #[test]
    fn a_key_is_taken_by_one_request_at_a_time() {
        let in_flight = InFlight::default();
        let key = |token_id: &str| RequestKey {
            token_id: token_id.to_owned(),
            key: "k".to_owned(),
        };
        let first = in_flight.enter(&key("a")).ok();
        assert!(in_flight.enter(&key("a")).is_err());
        assert!(in_flight.enter(&key("b")).is_ok());
        drop(first);
        assert!(in_flight.clone().enter(&key("a")).is_ok());
    }
}
