//! One spelling for each path: what is percent-encoded without need has another one (RFC 3986 §6.2.2.2).

/// How a path is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Spelling {
    /// As it should be.
    Plain,
    /// With an escape that is none, or with bytes that are no UTF-8: the name of nothing.
    Invalid,
    /// With an unreserved character encoded. This is the same path with none.
    Other(String),
}

/// Looks at a path. Reserved characters and the case of hexadecimal digits are left alone: they occur in
/// handles and skus only, whose answers name their one address in `Content-Location`.
pub(super) fn spelling(path: &str) -> Spelling {
    // No path of ours has one, so that this is all that most requests pay.
    if !path.as_bytes().contains(&b'%') {
        return Spelling::Plain;
    }
    if !is_text(path) {
        return Spelling::Invalid;
    }
    // A client would take what begins with two slashes for the name of another host.
    let is_safe = !matches!(path.as_bytes(), [b'/', b'/' | b'\\', ..]);
    let segments: Vec<_> = path.split('/').map(decode_unreserved).collect();
    let other = segments.join("/");
    if other == path || !is_safe {
        Spelling::Plain
    } else {
        Spelling::Other(other)
    }
}

/// Whether every escape is complete, and the decoded bytes are UTF-8.
fn is_text(path: &str) -> bool {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        if *byte == b'%' {
            let Some((escaped, after)) = escape(rest) else {
                return false;
            };
            bytes.push(escaped);
            rest = after;
        } else {
            bytes.push(*byte);
            rest = after;
        }
    }
    std::str::from_utf8(&bytes).is_ok()
}

/// The byte that `%XX` stands for at the beginning of a text, and what follows it.
fn escape(text: &[u8]) -> Option<(u8, &[u8])> {
    let [b'%', high, low, rest @ ..] = text else {
        return None;
    };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()?;
    Some((byte, rest))
}

/// A segment with its unreserved characters as they are. Left alone where that makes it a dot segment,
/// which a client would take for a way up.
fn decode_unreserved(segment: &str) -> String {
    let mut decoded = String::with_capacity(segment.len());
    let mut rest = segment;
    while let Some(at) = rest.find('%') {
        let (before, from) = rest.split_at(at);
        decoded.push_str(before);
        let escaped = escape(from.as_bytes()).map(|(byte, _)| char::from(byte));
        let (character, width) = match escaped.filter(|character| is_unreserved(*character)) {
            Some(character) => (character, 3),
            None => ('%', 1),
        };
        decoded.push(character);
        rest = &from[width..];
    }
    decoded.push_str(rest);
    if matches!(decoded.as_str(), "." | "..") {
        segment.to_owned()
    } else {
        decoded
    }
}

fn is_unreserved(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-._~".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn other(path: &str) -> Spelling {
        Spelling::Other(path.to_owned())
    }

    #[test]
    fn unreserved_characters_stand_for_themselves() {
        for (path, expected) in [
            ("/products/456", Spelling::Plain),
            ("/products/%34%35%36", other("/products/456")),
            ("/%70roducts/1", other("/products/1")),
            (
                "/products/by-handle/%62l%c3%a5",
                other("/products/by-handle/bl%c3%a5"),
            ),
            (
                "/products/by-handle/%C3%A5%7E",
                other("/products/by-handle/%C3%A5~"),
            ),
            // Reserved ones may mean something else.
            ("/products/by-sku/a%2Fb%3a", Spelling::Plain),
            ("/products/by-sku/%2541", Spelling::Plain),
            ("/products/by-sku/50%25", Spelling::Plain),
            ("/%00", Spelling::Plain),
            // Ways up.
            ("/products/by-sku/%2e", Spelling::Plain),
            ("/products/by-sku/%2E.", Spelling::Plain),
            (
                "/products/by-sku/%2E%2E/%31",
                other("/products/by-sku/%2E%2E/1"),
            ),
            ("/products/by-sku/%2E%2E%2E", other("/products/by-sku/...")),
            // Other hosts.
            ("//evil.example/%41", Spelling::Plain),
            ("/\\evil.example/%41", Spelling::Plain),
            ("/%2Fevil.example/%41", other("/%2Fevil.example/A")),
        ] {
            assert_eq!(spelling(path), expected, "{path}");
        }
    }

    #[test]
    fn what_is_no_text_names_nothing() {
        for path in [
            "/%",
            "/a%4",
            "/%zz",
            "/%4g",
            "/%FF",
            "/%C0%B1",
            "/%ED%A0%80",
            "/%C3/%A5",
            "/%é",
        ] {
            assert_eq!(spelling(path), Spelling::Invalid, "{path}");
        }
    }

    /// The bytes of a path, every escape decoded.
    fn decoded(path: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut rest = path.as_bytes();
        while let Some(first) = rest.first() {
            let (byte, after) = escape(rest).unwrap_or((*first, &rest[1..]));
            bytes.push(byte);
            rest = after;
        }
        bytes
    }

    proptest! {
        #[test]
        fn the_other_spelling_is_the_last_and_names_the_same(
            text in "(/|[a-c.~]|%[0-9a-fA-F]{2}|%2[EF]|%C3%A9){0,20}"
        ) {
            let path = format!("/{text}");
            if let Spelling::Other(other) = spelling(&path) {
                prop_assert_eq!(decoded(&other), decoded(&path));
                prop_assert_eq!(spelling(&other), Spelling::Plain);
                prop_assert!(!other.starts_with("//"));
                // No dot segment that was none.
                let dots = |path: &str| {
                    path.split('/').filter(|segment| matches!(*segment, "." | "..")).count()
                };
                prop_assert_eq!(dots(&other), dots(&path));
            }
        }

        #[test]
        fn nothing_panics(path in ".*") {
            let _ = spelling(&path);
        }
    }
}
