//! The text that a piece of HTML shows.

/// Elements whose content is not shown.
const HIDDEN: [&str; 4] = ["script", "style", "template", "noscript"];
/// Elements that stand within a word or a line; any other separates words.
const INLINE: [&str; 15] = [
    "a", "abbr", "b", "code", "em", "font", "i", "mark", "s", "small", "span", "strong", "sub",
    "sup", "u",
];
/// Longest name or number between `&` and `;`.
const MAX_REFERENCE: usize = 8;

/// Takes tags, comments and the content of scripts away and decodes the character references that shops use.
/// Whatever it is given, what comes is text, and would have to be escaped to be HTML again. Runs of white
/// space are one space.
pub fn plain_text(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(sign) = rest.chars().next() {
        rest = match sign {
            '<' => match markup(rest) {
                Some(Markup { separates, after }) => {
                    if separates {
                        push(&mut text, ' ');
                    }
                    after
                }
                None => pushed(&mut text, rest, '<', 1),
            },
            '&' => match reference(rest) {
                Some((decoded, length)) => pushed(&mut text, rest, decoded, length),
                None => pushed(&mut text, rest, '&', 1),
            },
            sign => pushed(&mut text, rest, sign, sign.len_utf8()),
        };
    }
    text.truncate(text.trim_end().len());
    text
}

/// Appends a sign; what is left of `rest` after its `length` bytes.
fn pushed<'t>(text: &mut String, rest: &'t str, sign: char, length: usize) -> &'t str {
    push(text, sign);
    &rest[length..]
}

fn push(text: &mut String, sign: char) {
    if !sign.is_whitespace() {
        text.push(sign);
    } else if !text.is_empty() && !text.ends_with(' ') {
        text.push(' ');
    }
}

/// A tag or a comment, with the content that goes with it unseen.
struct Markup<'t> {
    separates: bool,
    after: &'t str,
}

/// What `rest` begins with; `None` where its `<` is part of the text.
fn markup(rest: &str) -> Option<Markup<'_>> {
    if let Some(comment) = rest.strip_prefix("<!--") {
        return Some(Markup {
            separates: false,
            after: comment.find("-->").map_or("", |end| &comment[end + 3..]),
        });
    }
    let begins_tag = |sign: char| sign.is_ascii_alphabetic() || "/!?".contains(sign);
    if !rest[1..].starts_with(begins_tag) {
        return None;
    }
    let after = rest.find('>').map_or("", |end| &rest[end + 1..]);
    let name = rest[1..].trim_start_matches('/');
    let name = name
        .split(|sign: char| !sign.is_ascii_alphanumeric())
        .next()
        .unwrap_or_default();
    let is_one_of = |names: &[&str]| names.iter().any(|known| name.eq_ignore_ascii_case(known));
    let hides = is_one_of(&HIDDEN) && !rest.starts_with("</");
    Some(Markup {
        separates: !is_one_of(&INLINE),
        after: if hides {
            after_end_of(name, after)
        } else {
            after
        },
    })
}

/// What follows the end tag of `name`: nothing where there is none.
fn after_end_of<'t>(name: &str, text: &'t str) -> &'t str {
    let mut ends = text.match_indices("</");
    let end = ends.find(|(at, _)| {
        let tag = text.get(at + 2..at + 2 + name.len());
        tag.is_some_and(|tag| tag.eq_ignore_ascii_case(name))
    });
    let Some((at, _)) = end else { return "" };
    text[at..]
        .find('>')
        .map_or("", |close| &text[at + close + 1..])
}

/// The character that `rest`, which begins with `&`, refers to, and the bytes that it takes.
fn reference(rest: &str) -> Option<(char, usize)> {
    let end = rest
        .bytes()
        .take(MAX_REFERENCE + 2)
        .position(|byte| byte == b';')?;
    let name = &rest[1..end];
    let decoded = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "ndash" => '–',
        "mdash" => '—',
        "hellip" => '…',
        "lsquo" => '‘',
        "rsquo" => '’',
        "ldquo" => '“',
        "rdquo" => '”',
        "bull" => '•',
        "middot" => '·',
        "times" => '×',
        "deg" => '°',
        "reg" => '®',
        "copy" => '©',
        "trade" => '™',
        "euro" => '€',
        "auml" => 'ä',
        "ouml" => 'ö',
        "uuml" => 'ü',
        "Auml" => 'Ä',
        "Ouml" => 'Ö',
        "Uuml" => 'Ü',
        "szlig" => 'ß',
        "eacute" => 'é',
        "egrave" => 'è',
        "agrave" => 'à',
        "ccedil" => 'ç',
        _ => numeric(name.strip_prefix('#')?)?,
    };
    Some((decoded, end + 1))
}

fn numeric(number: &str) -> Option<char> {
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16),
        None => number.parse(),
    };
    char::from_u32(code.ok()?).filter(|sign| *sign != '\0')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_shown_remains() {
        for (html, text) in [
            (
                "<p>Cut from <b>hemp</b>.</p><ul><li>Long</li><li>Soft</li></ul>",
                "Cut from hemp. Long Soft",
            ),
            (
                "a &lt;b&gt; &amp; c&nbsp;&#8211; &#x2014; &eacute;",
                "a <b> & c – — é",
            ),
            ("1 < 2 & 3 &unknown; &", "1 < 2 & 3 &unknown; &"),
            ("x<script>alert('</b>')</SCRIPT >y<!-- <p> -->z", "x yz"),
            ("<style>p{}", ""),
            ("a<img src=x onerror=alert(1)", "a"),
            (" \n a \t b ", "a b"),
            ("&#0;&#55296;&#x110000;", "&#0;&#55296;&#x110000;"),
            ("&ümlaut; é&", "&ümlaut; é&"),
        ] {
            assert_eq!(plain_text(html), text, "{html}");
        }
    }

    proptest! {
        #[test]
        fn anything_may_come(html in "([<>&;/!a-z# é-]|script|<!--|&#x41;)*") {
            let text = plain_text(&html);
            prop_assert!(!text.contains("  ") && text == text.trim());
        }
    }
}
