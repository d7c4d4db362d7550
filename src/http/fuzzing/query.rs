//! What has to hold for any query.

use form_urlencoded::Serializer;
use serde_json::Value;

use super::DOCUMENT;
use crate::http::lists::filters;
use crate::http::problem::ApiError;
use crate::http::products::detail_query::{self, DetailQuery};
use crate::http::query::{MAX_LIMIT, Query};
use crate::http::search;
use crate::products::fields::Fields;
use crate::products::fuzzing::assert_line;
use crate::products::listing::Listing;

/// Queries of `/products`, `/search` and `/products/{id}`: the order of parameters does not matter, what was
/// understood can be asked for in so many words, and what was not is told on one line.
pub fn query(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    list(&text);
    search(&text);
    detail(&text);
}

/// The result, unless the query was refused.
fn understood<T>(result: Result<T, ApiError>, text: &str) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(ApiError::InvalidQuery(detail)) => {
            // A character may be shown as its number.
            assert_line(&detail, 1_000 + 8 * text.len());
            None
        }
        Err(other) => panic!("{other:?}"),
    }
}

/// The same parameters, the last first.
fn reversed(query: &Query<'_>) -> String {
    let mut pairs: Vec<_> = query.pairs().collect();
    pairs.reverse();
    Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn list(text: &str) {
    let parse = |text: &str| {
        let query = understood(Query::parse(text, &filters::PARAMETERS), text)?;
        understood(filters::listing(&query), text)
    };
    let Some(query) = understood(Query::parse(text, &filters::PARAMETERS), text) else {
        return;
    };
    if let Some(limit) = understood(query.limit(), text) {
        assert!((1..=MAX_LIMIT).contains(&limit), "{limit}");
    }
    let Some(listing) = parse(text) else {
        return;
    };
    assert!(listing.tags.len() <= filters::MAX_TAG_GROUPS);
    assert!(
        listing
            .tags
            .iter()
            .all(|group| group.len() <= filters::MAX_WORDS)
    );
    let has_bound = listing.price_min.or(listing.price_max).is_some();
    assert!(!has_bound || listing.currency.is_some());
    let next = query.with_cursor("next");
    for same in [reversed(&query), written(&listing), next] {
        assert_eq!(parse(&same), Some(listing.clone()), "{same}");
    }
}

/// The query that asks for a listing.
fn written(listing: &Listing) -> String {
    let mut query = Serializer::new(String::new());
    query.append_pair("sort", listing.sort.word());
    for (name, text) in [
        ("category", &listing.category),
        ("vendor", &listing.vendor),
        ("product_type", &listing.product_type),
        ("currency", &listing.currency),
        ("updated_since", &listing.updated_since),
    ] {
        query.extend_pairs(text.iter().map(|text| (name, text)));
    }
    for group in &listing.tags {
        query.append_pair("tag", &group.join(","));
    }
    for (name, bound) in [
        ("price_min", listing.price_min),
        ("price_max", listing.price_max),
    ] {
        query.extend_pairs(bound.iter().map(|bound| (name, bound.to_string())));
    }
    if !listing.availability.is_empty() {
        query.append_pair("availability", &listing.availability.join(","));
    }
    query.finish()
}

fn search(text: &str) {
    let Some(query) = understood(Query::parse(text, &search::PARAMETERS), text) else {
        return;
    };
    let Some(asked) = understood(search::search_query(&query), text) else {
        return;
    };
    assert!((1..=MAX_LIMIT).contains(&asked.limit), "{}", asked.limit);
    assert!(asked.rating_min.is_none_or(|tenths| tenths <= 50));
    for same in [reversed(&query), query.with_cursor("next")] {
        let again = understood(Query::parse(&same, &search::PARAMETERS), &same);
        let again = again.and_then(|query| understood(search::search_query(&query), &same));
        let again = again.map(|again| (again.scope(), again.limit));
        assert_eq!(again, Some((asked.scope(), asked.limit)), "{same}");
    }
}

fn detail(text: &str) {
    let Some(asked) = understood(DetailQuery::parse(text), text) else {
        return;
    };
    let Some(query) = understood(Query::parse(text, &detail_query::PARAMETERS), text) else {
        panic!("understood, and then not: {text}");
    };
    let again = understood(DetailQuery::parse(&reversed(&query)), text);
    assert_eq!(again.as_ref(), Some(&asked), "{text}");
    if let (Ok(Some(names)), Some(fields)) = (query.one("fields"), &asked.fields) {
        let mut turned: Vec<_> = names.split(',').collect();
        turned.reverse();
        assert_eq!(Fields::parse(&turned.join(",")).as_ref(), Ok(fields));
        let selected = fields.select(DOCUMENT).unwrap_or_default();
        let selected = serde_json::from_str::<Value>(&selected);
        let document = serde_json::from_str::<Value>(DOCUMENT);
        let is_part =
            matches!((&selected, &document), (Ok(part), Ok(whole)) if is_part(part, whole));
        assert!(is_part, "{names}: {selected:?}");
    }
}

/// Whether `part` is `whole` with members left out.
fn is_part(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => part
            .iter()
            .all(|(key, part)| whole.get(key).is_some_and(|whole| is_part(part, whole))),
        (Value::Array(part), Value::Array(whole)) => {
            part.len() == whole.len()
                && part
                    .iter()
                    .zip(whole)
                    .all(|(part, whole)| is_part(part, whole))
        }
        _ => part == whole,
    }
}
