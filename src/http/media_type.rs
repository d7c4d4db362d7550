//! Which media types a client takes: `Accept` (RFC 9110 §12.5.1).
//!
//! At equal quality JSON is the choice. A range with parameters counts like one without. Elements that are not
//! well-formed say nothing; where none says anything, neither does the header.

use actix_web::http::header::{ACCEPT, HeaderMap, HeaderValue};

use super::negotiation::{Quality, quality, trim};
use super::problem::ApiError;

/// What a product is sent as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MediaType {
    Json,
    JsonLd,
}

impl MediaType {
    /// As `Content-Type` has it.
    pub(super) const fn token(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::JsonLd => "application/ld+json",
        }
    }
}

/// The best of what is `offered`, in the order of preference, that the client takes.
pub(super) fn select(headers: &HeaderMap, offered: &[MediaType]) -> Result<MediaType, ApiError> {
    let mut values = headers.get_all(ACCEPT);
    // Nearly every client says nothing or one of these.
    match values.next().map(HeaderValue::as_bytes) {
        None => return Ok(MediaType::Json),
        Some(b"*/*" | b"application/json") if values.next().is_none() => {
            return Ok(MediaType::Json);
        }
        Some(_) => {}
    }
    let values = headers.get_all(ACCEPT).map(HeaderValue::as_bytes);
    best(values, offered).ok_or(ApiError::NotAcceptable {
        header: "Accept",
        offered: if offered.contains(&MediaType::JsonLd) {
            "application/json, application/ld+json"
        } else {
            "application/json"
        },
    })
}

fn best<'h>(values: impl Iterator<Item = &'h [u8]>, offered: &[MediaType]) -> Option<MediaType> {
    let elements = values.flat_map(|value| value.split(|byte| *byte == b','));
    let elements: Vec<_> = elements.filter_map(element).collect();
    if elements.is_empty() {
        return offered.first().copied();
    }
    let qualities = offered.iter().map(|offer| quality_of(*offer, &elements));
    let mut best = None;
    for (offer, quality) in offered.iter().zip(qualities) {
        if quality > best.map_or(0, |(_, quality)| quality) {
            best = Some((*offer, quality));
        }
    }
    best.map(|(offer, _)| offer)
}

/// By the most specific range that matches; of equal ones the kinder counts.
fn quality_of(offer: MediaType, elements: &[(&[u8], Quality)]) -> Quality {
    let specificity = |range: &[u8]| {
        let is = |text: &str| range.eq_ignore_ascii_case(text.as_bytes());
        if is(offer.token()) {
            Some(2)
        } else if is("application/*") {
            Some(1)
        } else if is("*/*") {
            Some(0)
        } else {
            None
        }
    };
    let matching = elements
        .iter()
        .filter_map(|(range, quality)| Some((specificity(range)?, *quality)));
    matching.max().map_or(0, |(_, quality)| quality)
}

/// A media range and its weight; other parameters are passed over.
fn element(text: &[u8]) -> Option<(&[u8], Quality)> {
    let mut parts = text.split(|byte| *byte == b';').map(trim);
    let range = parts.next()?;
    if !range.contains(&b'/') {
        return None;
    }
    let weight = parts.find_map(|part| match part {
        [b'q' | b'Q', b'=', value @ ..] => Some(quality(value)),
        _ => None,
    });
    Some((range, weight.unwrap_or(Some(1000))?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use MediaType::{Json, JsonLd};

    fn selected(accept: &[&str], offered: &[MediaType]) -> Option<MediaType> {
        let mut headers = HeaderMap::new();
        for value in accept {
            headers.append(ACCEPT, HeaderValue::from_str(value).unwrap());
        }
        match select(&headers, offered) {
            Ok(media_type) => Some(media_type),
            Err(ApiError::NotAcceptable { header, .. }) => {
                assert_eq!(header, "Accept");
                None
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_client_decides_and_json_where_it_does_not() {
        for (accept, expected) in [
            ("*/*", Some(Json)),
            ("application/json", Some(Json)),
            ("Application/JSON; charset=utf-8", Some(Json)),
            ("application/*", Some(Json)),
            ("application/ld+json", Some(JsonLd)),
            (
                "application/ld+json;profile=\"http://a\"; Q=0.5",
                Some(JsonLd),
            ),
            ("application/ld+json, application/json", Some(Json)),
            ("application/ld+json, application/json;q=0.9", Some(JsonLd)),
            ("application/ld+json, */*;q=0.1", Some(JsonLd)),
            ("application/ld+json;q=0.1, */*;q=0.2", Some(Json)),
            ("application/json;q=0, */*", Some(JsonLd)),
            ("application/json;q=0, application/*;q=0.001", Some(JsonLd)),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Some(Json)),
            ("application/json;q=0.5, application/json", Some(Json)),
            ("text/html", None),
            ("*/*;q=0", None),
            ("application/json;q=0", None),
            ("text/*, application/xml", None),
            // Says nothing.
            ("", Some(Json)),
            (",;, a;q=1, application/ld+json;q=2", Some(Json)),
        ] {
            assert_eq!(selected(&[accept], &[Json, JsonLd]), expected, "{accept:?}");
        }
        assert_eq!(selected(&[], &[Json, JsonLd]), Some(Json));
        let two = ["application/json;q=0.1", "application/ld+json"];
        assert_eq!(selected(&two, &[Json, JsonLd]), Some(JsonLd));
        let two = ["*/*", "application/json;q=0"];
        assert_eq!(selected(&two, &[Json, JsonLd]), Some(JsonLd));
    }

    #[test]
    fn what_is_not_offered_is_not_selected() {
        assert_eq!(selected(&["application/ld+json"], &[Json]), None);
        let either = ["application/ld+json, */*;q=0.1"];
        assert_eq!(selected(&either, &[Json]), Some(Json));
    }
}
