//! What rules do with texts.

use std::borrow::Cow;

use serde_json::Value;

/// Units of weight, as exact factors to grams (international avoirdupois pound, 1959).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Gram,
    Kilogram,
    Ounce,
    Pound,
}

impl Unit {
    pub(super) const WORDS: &[(&str, Self)] = &[
        ("g", Self::Gram),
        ("kg", Self::Kilogram),
        ("oz", Self::Ounce),
        ("lb", Self::Pound),
    ];

    /// Reads a unit as files write it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "g" | "gram" | "grams" => Some(Self::Gram),
            "kg" | "kilogram" | "kilograms" => Some(Self::Kilogram),
            "oz" | "ounce" | "ounces" => Some(Self::Ounce),
            "lb" | "lbs" | "pound" | "pounds" => Some(Self::Pound),
            _ => None,
        }
    }

    /// Grams as `factor` / 10^`scale`.
    pub(super) fn grams(self) -> (u64, u32) {
        match self {
            Self::Gram => (1, 0),
            Self::Kilogram => (1000, 0),
            Self::Ounce => (28_349_523_125, 9),
            Self::Pound => (45_359_237, 5),
        }
    }
}

/// A handle from any text: letters and digits of every script in lower case, with one hyphen for
/// everything between them. Apostrophes and combining accents (U+0300 to U+036F) vanish.
pub(super) fn slug(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.chars().flat_map(char::to_lowercase) {
        // A few letters are alphanumeric and have no lower case of one character.
        if c.is_alphanumeric() && !c.is_uppercase() {
            if gap && !slug.is_empty() {
                slug.push('-');
            }
            gap = false;
            slug.push(c);
        } else {
            gap |= !matches!(c, '\'' | '’' | '\u{300}'..='\u{36f}');
        }
    }
    slug
}

/// At most `length` characters.
pub(super) fn shorten(text: &mut String, length: usize, slug: bool) {
    if text.chars().count() <= length {
        return;
    }
    let kept = if slug { length } else { length - 1 };
    let end = text
        .char_indices()
        .nth(kept)
        .map_or(text.len(), |(index, _)| index);
    text.truncate(end);
    if slug {
        text.truncate(text.trim_end_matches('-').len());
    } else {
        text.push('…');
    }
}

/// HTML that shows plain text: special characters escaped, blank lines between paragraphs, line ends kept.
pub(super) fn html_of_plain(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + 16);
    let mut open = false;
    for line in text.lines().map(str::trim) {
        if line.is_empty() {
            if open {
                html.push_str("</p>");
            }
            open = false;
            continue;
        }
        html.push_str(if open { "<br>" } else { "<p>" });
        open = true;
        for c in line.chars() {
            match c {
                '&' => html.push_str("&amp;"),
                '<' => html.push_str("&lt;"),
                '>' => html.push_str("&gt;"),
                '"' => html.push_str("&quot;"),
                c => html.push(c),
            }
        }
    }
    if open {
        html.push_str("</p>");
    }
    html
}

/// The characters that Windows-1252 has at 0x80 to 0x9F (WHATWG Encoding Standard), where Unicode has
/// control characters; a space for the five it leaves open.
const WINDOWS_1252: [char; 32] = [
    '€', ' ', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', ' ', 'Ž', ' ', ' ', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', ' ', 'ž', 'Ÿ',
];

/// Mends texts that were Windows-1252 and have been read as Latin-1 somewhere on their way.
pub(super) fn mend_windows_1252(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(mended) = mended(text) {
                *text = mended;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(mend_windows_1252),
        Value::Object(map) => map.values_mut().for_each(mend_windows_1252),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn mended(text: &str) -> Cow<'_, str> {
    // U+0080 to U+00BF begin with this byte in UTF-8.
    if !text.bytes().any(|byte| byte == 0xc2) {
        return Cow::Borrowed(text);
    }
    let mend = |c: char| match c {
        '\u{80}'..='\u{9f}' => WINDOWS_1252[c as usize - 0x80],
        c => c,
    };
    Cow::Owned(text.chars().map(mend).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::products::input::ProductInput;
    use crate::products::validate::validate;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn slugs_keep_letters_of_every_script() {
        assert_eq!(slug("  Men's “Größe” 42 / Blau "), "mens-größe-42-blau");
        assert_eq!(slug("Cafe\u{301} № 靴"), "cafe-靴");
        assert_eq!(slug("!?"), "");
    }

    #[test]
    fn plain_text_becomes_paragraphs() {
        assert_eq!(
            html_of_plain("a <b> & \"c\""),
            "<p>a &lt;b&gt; &amp; &quot;c&quot;</p>"
        );
        assert_eq!(
            html_of_plain("\na\r\nb\n\n\n c \n"),
            "<p>a<br>b</p><p>c</p>"
        );
        assert_eq!(html_of_plain(" \n"), "");
    }

    #[test]
    fn long_texts_are_shortened_at_characters() {
        let cut = |text: &str, length, slug| {
            let mut text = text.to_owned();
            shorten(&mut text, length, slug);
            text
        };
        assert_eq!(cut("äöü", 3, false), "äöü");
        assert_eq!(cut("äöüß", 3, false), "äö…");
        assert_eq!(cut("ab-cd", 3, true), "ab");
    }

    #[test]
    fn windows_1252_is_mended() {
        let mut value = json!({"a": ["x\u{97}y\u{84}z\u{81}", "\u{a9} é"], "b": 1});
        mend_windows_1252(&mut value);
        assert_eq!(value, json!({"a": ["x—y„z ", "\u{a9} é"], "b": 1}));
    }

    proptest! {
        #[test]
        fn a_slug_is_a_valid_handle(text in "\\PC{0,40}") {
            let handle = slug(&text);
            prop_assume!(!handle.is_empty());
            let product = ProductInput { handle, ..ProductInput::default() };
            prop_assert_eq!(validate(&product), []);
        }
    }
}
