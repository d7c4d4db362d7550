//! What has to hold for the conditions of any request.

use actix_web::http::header::{HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH};

use super::{request, values};
use crate::http::conditional::{EntityTags, IfMatch, has_the_latest};
use crate::http::last_modified::{self, is_unmodified_since};
use crate::products::coding::Coding;
use crate::products::document::Seconds;

const VERSION: u64 = 7;
const FINGERPRINT: u64 = 0x0123_4567_89ab_cdef;

/// `If-None-Match`, `If-Match` and `If-Modified-Since`: a tag counts where it stands, and nowhere else; that of
/// another version changes nothing; a date holds for all that is older than something it holds for.
pub fn conditions(data: &[u8]) {
    let values = values(data);
    for representation in std::iter::once(None).chain(Coding::ALL.map(Some)) {
        let tag = EntityTags::new(VERSION, FINGERPRINT).header(representation);
        let other = EntityTags::new(VERSION + 1, FINGERPRINT).header(representation);
        let is_known = |values: &[HeaderValue]| {
            let headers = request(&IF_NONE_MATCH, values);
            EntityTags::new(VERSION, FINGERPRINT).are_known_to(&headers, representation)
        };
        let known = is_known(&values);
        assert!(!known || stands_in(&values, tag.as_bytes()), "{tag:?}");
        assert_eq!(is_known(&with(&values, &other)), known);
        assert!(is_known(&with(&values, &weak(&tag))));
        assert!(is_known(&with(&values, &tag)));
        if_match(&values, &tag, &other);
    }
    dates(&values, data);
}

fn if_match(values: &[HeaderValue], tag: &HeaderValue, other: &HeaderValue) {
    // Of a write, and of a read.
    let holds = |values: &[HeaderValue]| {
        let headers = request(&IF_MATCH, values);
        let demanded = IfMatch::of(&headers);
        assert_eq!(demanded.is_none(), values.is_empty());
        let of_write = demanded.is_none_or(|it| it.holds_for(VERSION, FINGERPRINT));
        let of_read = EntityTags::new(VERSION, FINGERPRINT).demanded(&headers, None);
        (of_write, of_read.is_ok())
    };
    let (write, read) = holds(values);
    let bare = format!("\"{VERSION}\"");
    assert!(write == read || (write && stands_in(values, bare.as_bytes())));
    assert_eq!(holds(&with(values, tag)), (true, true));
    for no_match in [other, &weak(tag)] {
        // Without any value there was no condition.
        let expected = (write && !values.is_empty(), read && !values.is_empty());
        assert_eq!(holds(&with(values, no_match)), expected, "{no_match:?}");
    }
}

fn dates(values: &[HeaderValue], data: &[u8]) {
    let unmodified = |values: &[HeaderValue], modified: Seconds| {
        is_unmodified_since(
            IF_MODIFIED_SINCE,
            &request(&IF_MODIFIED_SINCE, values),
            Some(modified),
        )
    };
    let number = data
        .first_chunk()
        .map_or(0, |bytes| u32::from_le_bytes(*bytes));
    let times = [1, number.clamp(1, u32::MAX - 1), u32::MAX];
    let times = times.map(|time| Seconds::new(time).unwrap_or_else(|| unreachable!("above 0")));
    let answers = times.map(|time| unmodified(values, time));
    assert!(
        answers.is_sorted_by(|older, newer| older >= newer),
        "{answers:?}"
    );
    assert!(answers[0].is_some() == answers[2].is_some(), "{answers:?}");

    let sent = [last_modified::header(times[1])];
    assert_eq!(unmodified(&sent, times[1]), Some(true));
    assert_eq!(unmodified(&sent, times[2]), Some(false));

    let mut headers = request(&IF_MODIFIED_SINCE, &sent);
    assert!(has_the_latest(&headers, Some(times[1])));
    for value in values {
        headers.append(IF_NONE_MATCH, value.clone());
    }
    assert_eq!(has_the_latest(&headers, Some(times[1])), values.is_empty());
}

fn with(values: &[HeaderValue], one_more: &HeaderValue) -> Vec<HeaderValue> {
    values.iter().chain([one_more]).cloned().collect()
}

fn weak(tag: &HeaderValue) -> HeaderValue {
    let weak = [b"W/", tag.as_bytes()].concat();
    HeaderValue::from_bytes(&weak).unwrap_or_else(|_| unreachable!("a tag is visible"))
}

fn stands_in(values: &[HeaderValue], part: &[u8]) -> bool {
    let mut values = values.iter();
    values.any(|value| {
        value
            .as_bytes()
            .windows(part.len())
            .any(|window| window == part)
    })
}
