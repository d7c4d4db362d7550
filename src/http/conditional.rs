//! Entity tags and conditional requests (RFC 9110 §8.8.3, §13.1.2).

use actix_web::http::header::{HeaderMap, HeaderValue, IF_NONE_MATCH};

use super::digits::hexadecimal;

/// Longest tag: two quotes, 20 digits, a hyphen, 16 hexadecimal digits.
const MAX: usize = 39;

/// A strong entity tag, `"<version>-<fingerprint>"`, written on the stack.
pub(super) struct EntityTag {
    text: [u8; MAX],
    length: usize,
}

impl EntityTag {
    pub(super) fn new(version: u64, fingerprint: u64) -> Self {
        let mut decimal = itoa::Buffer::new();
        let version = decimal.format(version).as_bytes();
        let fingerprint = hexadecimal(fingerprint);
        let parts: [&[u8]; 5] = [b"\"", version, b"-", &fingerprint, b"\""];
        let mut text = [0; MAX];
        let mut length = 0;
        for part in parts {
            text[length..length + part.len()].copy_from_slice(part);
            length += part.len();
        }
        Self { text, length }
    }

    fn as_bytes(&self) -> &[u8] {
        &self.text[..self.length]
    }

    pub(super) fn header(&self) -> HeaderValue {
        HeaderValue::from_bytes(self.as_bytes())
            .unwrap_or_else(|_| HeaderValue::from_static("\"\""))
    }

    /// Whether `If-None-Match` names this tag: then the client has what we would send. Compared weakly,
    /// as RFC 9110 §13.1.2 demands.
    pub(super) fn is_known_to(&self, headers: &HeaderMap) -> bool {
        headers.get_all(IF_NONE_MATCH).any(|value| {
            let list = value.as_bytes();
            list.trim_ascii() == b"*" || tags(list).any(|tag| tag == self.as_bytes())
        })
    }
}

/// The opaque tags of a list, quotes included, `W/` left out. A tag may hold commas.
fn tags(mut list: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let start = list.iter().position(|byte| *byte == b'"')?;
        let length = list[start + 1..].iter().position(|byte| *byte == b'"')? + 2;
        let (tag, rest) = list[start..].split_at(length);
        list = rest;
        Some(tag)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn knows(value: &str, tag: &EntityTag) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(IF_NONE_MATCH, HeaderValue::from_str(value).unwrap());
        tag.is_known_to(&headers)
    }

    #[test]
    fn the_longest_tag_fits() {
        let tag = EntityTag::new(u64::MAX, u64::MAX);
        assert_eq!(tag.as_bytes(), b"\"18446744073709551615-ffffffffffffffff\"");
    }

    #[test]
    fn any_tag_of_the_list_counts_weak_or_not() {
        let tag = EntityTag::new(7, 0xabc);
        for value in [
            "*",
            " * ",
            "\"7-0000000000000abc\"",
            "W/\"7-0000000000000abc\"",
            "\"a,b\", \"7-0000000000000abc\"",
            "\"x\",W/\"7-0000000000000abc\"",
        ] {
            assert!(knows(value, &tag), "{value}");
        }
        for value in [
            "",
            "7-0000000000000abc",
            "\"8-0000000000000abc\"",
            "\"7-0000000000000abc",
            "\"\", \"7-0000000000000ab\"",
        ] {
            assert!(!knows(value, &tag), "{value}");
        }
    }
}
