//! What a shared cache in front of the program is told, apart from browsers: how long it may keep a product
//! (RFC 9213), and the keys by which it can be told to drop it.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::{AGE, HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;

use crate::cache::Status;

const CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");
const SURROGATE_KEY: HeaderName = HeaderName::from_static("surrogate-key");

/// For how long an edge may keep a product: as long as this process itself would without hearing of a
/// change.
#[derive(Debug, Clone, Copy)]
pub struct EdgeWindows {
    /// Served without asking.
    pub fresh: Duration,
    /// After that, served while a newer one is fetched, or while there is none to be had.
    pub stale: Duration,
}

/// The header ready to be sent. Each worker has its own, so that they share no reference count.
pub(super) struct EdgeHeaders {
    cache_control: Option<HeaderValue>,
    /// Age at which a product turns stale, in seconds.
    fresh: u64,
}

impl EdgeHeaders {
    /// Without windows nothing is said, and an edge does as `Cache-Control` tells everyone.
    pub(super) fn new(windows: Option<EdgeWindows>) -> Self {
        let cache_control = windows.and_then(|EdgeWindows { fresh, stale }| {
            let (fresh, stale) = (fresh.as_secs(), stale.as_secs());
            let text =
                format!("max-age={fresh}, stale-while-revalidate={stale}, stale-if-error={stale}");
            HeaderValue::from_str(&text).ok()
        });
        Self {
            cache_control,
            fresh: windows.map_or(0, |windows| windows.fresh.as_secs()),
        }
    }
}

/// Adds to a response, in full or not modified, how long an edge may keep it.
///
/// What is fresh here has no age: the server would have heard of a change. What is stale has not been compared
/// with the store for as long as `Age` says, and an edge must not take it for new.
pub(super) fn allow_to_keep(request: &HttpRequest, status: Status, headers: &mut HeaderMap) {
    let Some(prepared) = request.app_data::<EdgeHeaders>() else {
        return;
    };
    if let Some(value) = &prepared.cache_control {
        headers.insert(CDN_CACHE_CONTROL, value.clone());
    }
    if let Status::Hit { ttl } = status
        && ttl < 0
    {
        let beyond = ttl.unsigned_abs().div_ceil(1000);
        headers.insert(AGE, HeaderValue::from(prepared.fresh + beyond));
    }
}

/// Adds the keys, `product-<id>` and `others`, each of which has a space before it. A response that is not modified
/// leaves the edge the keys it has.
pub(super) fn name_keys(id: i64, others: &str, headers: &mut HeaderMap) {
    const PREFIX: &str = "product-";
    /// The longest number has 19 digits and a sign.
    const DIGITS: usize = 20;
    let mut text = String::with_capacity(PREFIX.len() + DIGITS + others.len());
    text.push_str(PREFIX);
    text.push_str(itoa::Buffer::new().format(id));
    text.push_str(others);
    if let Ok(value) = HeaderValue::from_maybe_shared(Bytes::from(text)) {
        headers.insert(SURROGATE_KEY, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_whole_seconds_never_longer_than_set() {
        let said = |windows| EdgeHeaders::new(windows).cache_control;
        let windows = |fresh, stale| Some(EdgeWindows { fresh, stale });
        assert_eq!(
            said(windows(Duration::from_mins(1), Duration::from_mins(10))).unwrap(),
            "max-age=60, stale-while-revalidate=600, stale-if-error=600"
        );
        assert_eq!(
            said(windows(Duration::from_millis(1_999), Duration::ZERO)).unwrap(),
            "max-age=1, stale-while-revalidate=0, stale-if-error=0"
        );
        assert_eq!(said(None), None);
    }

    #[test]
    fn every_id_makes_a_key() {
        for id in [1, 456, i64::MAX, i64::MIN] {
            for others in ["", " vendor-acme category-home"] {
                let mut headers = HeaderMap::new();
                name_keys(id, others, &mut headers);
                let keys = headers.get("surrogate-key").unwrap();
                assert_eq!(keys.to_str().unwrap(), format!("product-{id}{others}"));
            }
        }
    }
}
