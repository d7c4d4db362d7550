//! Descriptions: Google asks for plain text and accepts formatting tags.

/// Tags kept, without attributes, so that nothing in a feed can run a script or load a resource.
const TAGS: &[&str] = &[
    "b", "br", "em", "h1", "h2", "h3", "h4", "h5", "h6", "i", "li", "ol", "p", "strong", "sub",
    "sup", "u", "ul",
];

/// HTML that shows `text`. Text with none of the formatting tags becomes paragraphs and line breaks;
/// in text that has some, those stay and everything else is escaped.
pub(super) fn from_description(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() {
        return String::new();
    }
    if !text
        .match_indices('<')
        .any(|(start, _)| tag(&text[start..]).is_some())
    {
        return from_plain_text(text);
    }
    let mut html = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let kept = match next {
            '<' => tag(rest),
            '&' => entity(rest),
            _ => None,
        };
        let length = if let Some(length) = kept {
            html.push_str(&rest[..length]);
            length
        } else {
            escape(next, &mut html);
            next.len_utf8()
        };
        rest = &rest[length..];
    }
    html
}

fn from_plain_text(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut html = String::with_capacity(text.len() + 7);
    for paragraph in text
        .split("\n\n")
        .map(str::trim)
        .filter(|text| !text.is_empty())
    {
        html.push_str("<p>");
        for (number, line) in paragraph.lines().enumerate() {
            if number > 0 {
                html.push_str("<br>");
            }
            line.trim()
                .chars()
                .for_each(|character| escape(character, &mut html));
        }
        html.push_str("</p>");
    }
    html
}

/// The length of the formatting tag with which `text` begins.
fn tag(text: &str) -> Option<usize> {
    const LONGEST: usize = 16;
    let end = text.bytes().take(LONGEST).position(|byte| byte == b'>')?;
    let name = text.get(1..end)?;
    let name = name.strip_prefix('/').unwrap_or(name);
    let name = name.strip_suffix('/').unwrap_or(name).trim_end();
    TAGS.iter()
        .any(|tag| name.eq_ignore_ascii_case(tag))
        .then_some(end + 1)
}

/// The length of the entity with which `text` begins.
fn entity(text: &str) -> Option<usize> {
    const LONGEST: usize = 32;
    let end = text.bytes().take(LONGEST).position(|byte| byte == b';')?;
    let name = text.get(1..end)?;
    let digits = name.strip_prefix('#').unwrap_or(name);
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        .then_some(end + 1)
}

fn escape(character: char, html: &mut String) {
    match character {
        '&' => html.push_str("&amp;"),
        '<' => html.push_str("&lt;"),
        '>' => html.push_str("&gt;"),
        '"' => html.push_str("&quot;"),
        _ => html.push(character),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_text_is_escaped_and_broken_into_paragraphs() {
        assert_eq!(
            from_description("Soft & warm\r\nTom's <3\n\n\n5\" wide"),
            "<p>Soft &amp; warm<br>Tom's &lt;3</p><p>5&quot; wide</p>"
        );
        assert_eq!(from_description(" \n "), "");
    }

    #[test]
    fn formatting_stays_and_nothing_else() {
        assert_eq!(
            from_description("<UL><li>Soft &amp; warm</li></UL><br/><script>x</script>"),
            "<UL><li>Soft &amp; warm</li></UL><br/>&lt;script&gt;x&lt;/script&gt;"
        );
        assert_eq!(
            from_description("<b onclick=x>a</b> & b"),
            "&lt;b onclick=x&gt;a</b> &amp; b"
        );
    }

    proptest! {
        #[test]
        fn only_formatting_tags_come_through(text in "[<>/a-z&;\" =\n]{0,60}|<(b|p|img|script)( src=x)?>{0,5}.{0,20}") {
            let html = from_description(&text);
            for (start, _) in html.match_indices('<') {
                prop_assert!(tag(&html[start..]).is_some(), "{}", html);
            }
        }
    }
}
