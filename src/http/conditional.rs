//! Entity tags and conditional requests (RFC 9110 §8.8.3, §13).

use actix_web::http::header::{
    HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    IF_UNMODIFIED_SINCE,
};

use super::digits::hexadecimal;
use super::last_modified::is_unmodified_since;
use super::negotiation::Representation;
use super::problem::ApiError;
use crate::products::coding::Coding;
use crate::products::document::Seconds;

/// Longest tag: two quotes, 20 digits, a hyphen, 16 hexadecimal digits, a suffix.
const MAX: usize = 44;

/// The strong entity tags of a version, written on the stack: `"<version>-<fingerprint>"`, and one for
/// each coding, as in `"<version>-<fingerprint>-br"`, since its bytes are others.
pub(super) struct EntityTags {
    text: [u8; MAX],
    /// Of what all have in common, the opening quote included.
    stem: usize,
}

impl EntityTags {
    pub(super) fn new(version: u64, fingerprint: u64) -> Self {
        let mut decimal = itoa::Buffer::new();
        let version = decimal.format(version).as_bytes();
        let fingerprint = hexadecimal(fingerprint);
        let mut tags = Self {
            text: [0; MAX],
            stem: 0,
        };
        for part in [&b"\""[..], version, b"-", &fingerprint] {
            tags.stem = tags.append(tags.stem, part);
        }
        tags
    }

    fn append(&mut self, at: usize, part: &[u8]) -> usize {
        let end = at + part.len();
        self.text[at..end].copy_from_slice(part);
        end
    }

    /// The tag of a representation, as `ETag` says it.
    pub(super) fn header(&mut self, representation: Representation) -> HeaderValue {
        let end = self.append(self.stem, ending(representation));
        HeaderValue::from_bytes(&self.text[..end])
            .unwrap_or_else(|_| HeaderValue::from_static("\"\""))
    }

    /// Whether `If-None-Match` names the tag of this representation: then the client has what we would
    /// send. Compared weakly, as RFC 9110 §13.1.2 demands. `*` names no tag: see [`has_any`].
    pub(super) fn are_known_to(&self, headers: &HeaderMap, representation: Representation) -> bool {
        let stem = &self.text[..self.stem];
        headers.get_all(IF_NONE_MATCH).any(|value| {
            tags(value.as_bytes())
                .any(|tag| tag.opaque.strip_prefix(stem) == Some(ending(representation)))
        })
    }

    /// Whether `If-Match` names one of these tags, in whatever coding: all are of one state. Compared
    /// strongly, as RFC 9110 §13.1.1 demands.
    fn match_strongly(&self, headers: &HeaderMap) -> bool {
        let stem = &self.text[..self.stem];
        let is_ours = |opaque: &[u8]| {
            let rest = opaque.strip_prefix(stem);
            rest.is_some_and(|rest| REPRESENTATIONS.iter().any(|known| rest == ending(*known)))
        };
        headers
            .get_all(IF_MATCH)
            .any(|value| tags(value.as_bytes()).any(|tag| !tag.is_weak && is_ours(tag.opaque)))
    }

    /// Refuses a request that was made for another state than this one: `If-Match`, or without it
    /// `If-Unmodified-Since` (steps 1 and 2 of RFC 9110 §13.2.2).
    pub(super) fn demanded(
        &self,
        headers: &HeaderMap,
        modified: Option<Seconds>,
    ) -> Result<(), ApiError> {
        let holds = if headers.contains_key(IF_MATCH) {
            is_any(IF_MATCH, headers) || self.match_strongly(headers)
        } else {
            is_unmodified_since(IF_UNMODIFIED_SINCE, headers, modified).unwrap_or(true)
        };
        if holds {
            Ok(())
        } else {
            Err(ApiError::ConditionFailed)
        }
    }
}

/// Whether a request has conditions at all. Most have none, and pay for a look at the names of their headers.
pub(super) fn is_conditional(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| name.as_str().starts_with("if-"))
}

/// Whether `If-None-Match` is `*`: whatever we have, the client has something.
pub(super) fn has_any(headers: &HeaderMap) -> bool {
    is_any(IF_NONE_MATCH, headers)
}

fn is_any(name: HeaderName, headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(name);
    values.any(|value| value.as_bytes().trim_ascii() == b"*")
}

/// Whether the client says by a date alone that it has what we would send. Where it names entity tags, too,
/// they say it better, and the date is not heeded (RFC 9110 §13.1.3).
pub(super) fn has_the_latest(headers: &HeaderMap, modified: Option<Seconds>) -> bool {
    !headers.contains_key(IF_NONE_MATCH)
        && is_unmodified_since(IF_MODIFIED_SINCE, headers, modified) == Some(true)
}

const REPRESENTATIONS: [Representation; 4] = [
    None,
    Some(Coding::Brotli),
    Some(Coding::Zstd),
    Some(Coding::Gzip),
];

/// What follows the stem.
fn ending(representation: Representation) -> &'static [u8] {
    match representation {
        None => b"\"",
        Some(Coding::Brotli) => b"-br\"",
        Some(Coding::Zstd) => b"-zstd\"",
        Some(Coding::Gzip) => b"-gzip\"",
    }
}

/// What `If-Match` demands of the version there is before it may be written.
#[derive(Debug)]
pub(super) enum IfMatch {
    /// That there is one.
    Any,
    /// That it has one of these strong tags.
    Tags(Vec<Vec<u8>>),
}

impl IfMatch {
    /// `None` where nothing is demanded.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let values = || headers.get_all(IF_MATCH).map(HeaderValue::as_bytes);
        values().next()?;
        if values().any(|value| value.trim_ascii() == b"*") {
            return Some(Self::Any);
        }
        // A weak tag never matches.
        let strong = values().flat_map(tags).filter(|tag| !tag.is_weak);
        Some(Self::Tags(strong.map(|tag| tag.opaque.to_vec()).collect()))
    }

    /// True where the tag of any coding is among those named: all are of the same version. A version alone, as
    /// in `"7"`, counts too, for those who know it from elsewhere.
    pub(super) fn holds_for(&self, version: u64, fingerprint: u64) -> bool {
        let Self::Tags(named) = self else {
            return true;
        };
        let own = EntityTags::new(version, fingerprint);
        let stem = &own.text[..own.stem];
        let bare = format!("\"{version}\"");
        named.iter().any(|tag| {
            let end = tag.strip_prefix(stem);
            tag == bare.as_bytes()
                || REPRESENTATIONS
                    .iter()
                    .any(|coding| end == Some(ending(*coding)))
        })
    }
}

/// An entity tag of a request.
struct Tag<'h> {
    is_weak: bool,
    /// With its quotes.
    opaque: &'h [u8],
}

/// The tags of a list. A tag may hold commas.
fn tags(mut list: &[u8]) -> impl Iterator<Item = Tag<'_>> {
    std::iter::from_fn(move || {
        let start = list.iter().position(|byte| *byte == b'"')?;
        let length = list[start + 1..].iter().position(|byte| *byte == b'"')? + 2;
        let (before, rest) = list.split_at(start);
        let (opaque, rest) = rest.split_at(length);
        list = rest;
        Some(Tag {
            is_weak: before.ends_with(b"W/"),
            opaque,
        })
    })
}

#[cfg(test)]
mod tests;
