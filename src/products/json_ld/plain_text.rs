//! The text of HTML.

/// Elements that stand within a line; any other ends the word before it.
const INLINE: [&str; 12] = [
    "a", "abbr", "b", "em", "i", "mark", "small", "span", "strong", "sub", "sup", "u",
];

/// The words of HTML with single spaces between. A sign that begins no tag and no reference stays what it is.
pub(super) fn plain_text(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = if let Some((length, name)) = tag(rest) {
            if !INLINE.contains(&&*name) {
                text.push(' ');
            }
            length
        } else if let Some((length, character)) = reference(rest) {
            text.push(character);
            length
        } else {
            text.push_str(&rest[..1]);
            1
        };
        rest = &rest[length..];
    }
    text.push_str(rest);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The tag or comment at the beginning: its bytes and its name in lower case. What no one reads (the inside of
/// scripts and styles) is part of it.
fn tag(text: &str) -> Option<(usize, String)> {
    if let Some(comment) = text.strip_prefix("<!--") {
        let length = comment.find("-->").map_or(text.len(), |end| end + 7);
        return Some((length, String::new()));
    }
    let inside = text.strip_prefix('<')?;
    let is_end = inside.starts_with('/');
    let named = inside.strip_prefix('/').unwrap_or(inside);
    if !named.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return None;
    }
    let name: String = named
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    let length = tag_length(text)?;
    if !is_end && matches!(&*name, "script" | "style") {
        let end = text[length..]
            .to_ascii_lowercase()
            .find(&format!("</{name}"));
        return Some((end.map_or(text.len(), |end| length + end), name));
    }
    Some((length, name))
}

/// Up to the `>` that is in no quotes.
fn tag_length(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(at + 1),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    None
}

/// The character reference at the beginning, if it is a numeric or a common one.
fn reference(text: &str) -> Option<(usize, char)> {
    /// Longer than any that is known here.
    const MAX: usize = 10;
    let name = text.strip_prefix('&')?;
    let end = name.bytes().take(MAX).position(|byte| byte == b';')?;
    let name = &name[..end];
    let character = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        "ndash" => '–',
        "mdash" => '—',
        "hellip" => '…',
        "deg" => '°',
        "times" => '×',
        "reg" => '®',
        "trade" => '™',
        "copy" => '©',
        "euro" => '€',
        _ => {
            let number = name.strip_prefix('#')?;
            let hexadecimal = number.strip_prefix(['x', 'X']);
            let code = match hexadecimal {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    Some((end + 2, character))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tags_go_and_their_words_stay() {
        for (html, expected) in [
            ("", ""),
            (
                "<p>One</p><ul><li>two</li><li>thr<b>ee</b></li></ul>",
                "One two three",
            ),
            ("a<br>b<BR/>c", "a b c"),
            ("<p title=\"a > b\">x</p>", "x"),
            ("5 < 6 &amp; 7 > 3", "5 < 6 & 7 > 3"),
            (
                "R&D &nbsp;&#65;&#x42;&unknown; &#xD800;",
                "R&D AB&unknown; &#xD800;",
            ),
            ("a<!-- <b> -->b", "a b"),
            (
                "a<script>if (a<b) \"</p>\"</script>b<style>p>a{}</style>",
                "a b",
            ),
            ("&lt;script&gt;", "<script>"),
            ("ä<", "ä<"),
            ("<p", "<p"),
            ("&ä;", "&ä;"),
        ] {
            assert_eq!(plain_text(html), expected, "{html}");
        }
    }

    proptest! {
        #[test]
        fn anything_may_come(html in "[a-c<>/&#;x\"'! ä-]{0,30}") {
            plain_text(&html);
        }
    }
}
