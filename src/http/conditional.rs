//! Entity tags and conditional requests (RFC 9110 §8.8.3, §13.1.1, §13.1.2).

use actix_web::http::header::{HeaderMap, HeaderValue, IF_MATCH, IF_NONE_MATCH};

use super::digits::hexadecimal;
use super::negotiation::Representation;
use crate::products::coding::Coding;

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
                .any(|(_, tag)| tag.strip_prefix(stem) == Some(ending(representation)))
        })
    }
}

/// Whether `If-None-Match` is `*`: whatever we have, the client has something.
pub(super) fn has_any(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(IF_NONE_MATCH);
    values.any(|value| value.as_bytes().trim_ascii() == b"*")
}

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
        let strong = values().flat_map(tags).filter(|(is_weak, _)| !is_weak);
        Some(Self::Tags(strong.map(|(_, tag)| tag.to_vec()).collect()))
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
        let codings = [
            None,
            Some(Coding::Brotli),
            Some(Coding::Zstd),
            Some(Coding::Gzip),
        ];
        named.iter().any(|tag| {
            let end = tag.strip_prefix(stem);
            tag == bare.as_bytes() || codings.iter().any(|coding| end == Some(ending(*coding)))
        })
    }
}

/// The opaque tags of a list, quotes included, `W/` left out, each with whether that was there. A tag may
/// hold commas.
fn tags(mut list: &[u8]) -> impl Iterator<Item = (bool, &[u8])> {
    std::iter::from_fn(move || {
        let start = list.iter().position(|byte| *byte == b'"')?;
        let length = list[start + 1..].iter().position(|byte| *byte == b'"')? + 2;
        let is_weak = list[..start].ends_with(b"W/");
        let (tag, rest) = list[start..].split_at(length);
        list = rest;
        Some((is_weak, tag))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Representation; 4] = [
        None,
        Some(Coding::Brotli),
        Some(Coding::Zstd),
        Some(Coding::Gzip),
    ];

    fn headers(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(IF_NONE_MATCH, HeaderValue::from_str(value).unwrap());
        headers
    }

    #[test]
    fn each_representation_has_its_tag_and_the_longest_fits() {
        let mut tags = EntityTags::new(u64::MAX, u64::MAX);
        let stem = "18446744073709551615-ffffffffffffffff";
        let written = ALL.map(|representation| tags.header(representation));
        assert_eq!(
            written,
            [
                format!("\"{stem}\""),
                format!("\"{stem}-br\""),
                format!("\"{stem}-zstd\""),
                format!("\"{stem}-gzip\""),
            ]
        );
        for (written, own) in written.iter().zip(ALL) {
            for other in ALL {
                let known = tags.are_known_to(&headers(written.to_str().unwrap()), other);
                assert_eq!(known, own == other);
            }
        }
    }

    #[test]
    fn any_tag_of_the_list_counts_weak_or_not() {
        let tags = EntityTags::new(7, 0xabc);
        let knows = |value: &str| tags.are_known_to(&headers(value), None);
        for value in [
            "\"7-0000000000000abc\"",
            "W/\"7-0000000000000abc\"",
            "\"a,b\", \"7-0000000000000abc\"",
            "\"x\",W/\"7-0000000000000abc\"",
        ] {
            assert!(knows(value), "{value}");
        }
        for value in [
            "",
            "*",
            "7-0000000000000abc",
            "\"8-0000000000000abc\"",
            "\"7-0000000000000abc",
            "\"7-0000000000000abcd\"",
            "\"\", \"7-0000000000000ab\"",
        ] {
            assert!(!knows(value), "{value}");
        }
    }

    #[test]
    fn a_write_needs_a_strong_tag_of_the_version_in_any_coding() {
        let condition = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(IF_MATCH, HeaderValue::from_str(value).unwrap());
            IfMatch::of(&headers).unwrap().holds_for(7, 0xabc)
        };
        for value in [
            "*",
            "\"7-0000000000000abc\"",
            "\"7-0000000000000abc-br\"",
            "\"7-0000000000000abc-zstd\"",
            "W/\"x\", \"7-0000000000000abc-gzip\"",
            "\"7\"",
        ] {
            assert!(condition(value), "{value}");
        }
        for value in [
            "",
            "7",
            "W/\"7-0000000000000abc\"",
            "W/\"7\"",
            "\"8-0000000000000abc\"",
            "\"7-0000000000000abd\"",
            "\"7-0000000000000abc-lzma\"",
            "\"6\", \"8\"",
        ] {
            assert!(!condition(value), "{value}");
        }
        assert!(IfMatch::of(&HeaderMap::new()).is_none());
    }

    #[test]
    fn a_star_stands_alone() {
        for (value, expected) in [("*", true), (" * ", true), ("\"*\"", false), ("", false)] {
            assert_eq!(has_any(&headers(value)), expected, "{value}");
        }
    }
}
