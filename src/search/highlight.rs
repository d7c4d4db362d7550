//! Where the words of a query stand in a text. What comes is text and numbers, never markup: a page marks
//! the ranges in whatever way it sets text.

use std::collections::HashSet;
use std::ops::Range;

use serde::Serialize;

use super::words::chunks;

/// Most characters of an excerpt.
const EXCERPT: usize = 160;
/// Characters of an excerpt before the first word found.
const LEAD: usize = 40;

/// What to mark.
#[derive(Debug, Clone, Default)]
pub struct Matcher {
    words: HashSet<String>,
    prefixes: Vec<String>,
}

impl Matcher {
    /// Marks a word, given folded.
    pub fn mark(&mut self, word: impl Into<String>) {
        self.words.insert(word.into());
    }

    /// Marks every word that begins so, given folded.
    pub fn mark_beginning(&mut self, prefix: impl Into<String>) {
        self.prefixes.push(prefix.into());
    }

    fn matches(&self, word: &str) -> bool {
        let begins_with = |prefix: &String| word.starts_with(prefix.as_str());
        self.words.contains(word) || self.prefixes.iter().any(begins_with)
    }

    /// The bytes of the words found, in order.
    fn find(&self, text: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        for chunk in chunks(text) {
            let whole = chunk
                .joined()
                .is_some_and(|joined| self.words.contains(&joined));
            if let (true, Some(first), Some(last)) =
                (whole, chunk.words.first(), chunk.words.last())
            {
                found.push(first.range.start..last.range.end);
                continue;
            }
            let words = chunk
                .words
                .into_iter()
                .filter(|word| self.matches(&word.text));
            found.extend(words.map(|word| word.range));
        }
        found
    }
}

/// A text with marked ranges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Highlight {
    /// Plain text.
    pub text: String,
    /// First and behind the last unit of each word found, in UTF-16 code units, which JavaScript counts in.
    pub ranges: Vec<[usize; 2]>,
}

/// Marks the words in the whole of a text; `None` where there are none.
pub fn whole(text: &str, matcher: &Matcher) -> Option<Highlight> {
    let found = matcher.find(text);
    (!found.is_empty()).then(|| Highlight {
        ranges: in_utf16(text, &found),
        text: text.to_owned(),
    })
}

/// Marks the words in the part of a text where they begin to come; `None` where there are none.
pub fn excerpt(text: &str, matcher: &Matcher) -> Option<Highlight> {
    let mut found = matcher.find(text);
    let window = window(text, found.first()?.start);
    found.retain(|range| window.contains(&range.start));
    let head = if window.start > 0 { "…" } else { "" };
    let tail = if window.end < text.len() { "…" } else { "" };
    for range in &mut found {
        let moved = |at: usize| at - window.start + head.len();
        *range = moved(range.start)..moved(range.end.min(window.end));
    }
    let text = format!("{head}{}{tail}", &text[window]);
    Some(Highlight {
        ranges: in_utf16(&text, &found),
        text,
    })
}

/// The part to show of a text in which a word was found at a byte. Whole words, unless one is longer.
fn window(text: &str, found: usize) -> Range<usize> {
    let before = text[..found].char_indices().rev();
    let mut start = before.take(LEAD).last().map_or(found, |(at, _)| at);
    if start > 0 {
        let space = text[start..found].find(char::is_whitespace);
        start = space.map_or(found, |space| start + space);
        start += text[start..].len() - text[start..].trim_start().len();
    }
    let mut end = text[start..]
        .char_indices()
        .nth(EXCERPT)
        .map_or(text.len(), |(at, _)| start + at);
    if end < text.len() {
        let shown = &text[start..end];
        let space = shown
            .rfind(char::is_whitespace)
            .filter(|space| start + space > found);
        end = space.map_or(end, |space| start + shown[..space].trim_end().len());
    }
    start..end
}

/// Bytes as UTF-16 code units, in one pass. `found` is in order.
fn in_utf16(text: &str, found: &[Range<usize>]) -> Vec<[usize; 2]> {
    let (mut bytes, mut units) = (0, 0);
    let mut at = |byte: usize| {
        units += text[bytes..byte].encode_utf16().count();
        bytes = byte;
        units
    };
    found
        .iter()
        .map(|range| [at(range.start), at(range.end)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matcher(words: &[&str], prefix: Option<&str>) -> Matcher {
        let mut matcher = Matcher::default();
        for word in words {
            matcher.mark(*word);
        }
        if let Some(prefix) = prefix {
            matcher.mark_beginning(prefix);
        }
        matcher
    }

    fn marked(highlight: &Highlight) -> Vec<String> {
        let units: Vec<u16> = highlight.text.encode_utf16().collect();
        let ranges = highlight.ranges.iter();
        ranges
            .map(|[from, to]| String::from_utf16(&units[*from..*to]).unwrap())
            .collect()
    }

    #[test]
    fn words_are_marked_where_they_stand() {
        let shoe = whole("Trail running shoe", &matcher(&["running"], None)).unwrap();
        assert_eq!(
            (&*shoe.text, &*shoe.ranges),
            ("Trail running shoe", &[[6, 13]][..])
        );
        let begun = whole("Trail running shoe", &matcher(&["trail"], Some("sh"))).unwrap();
        assert_eq!(begun.ranges, [[0, 5], [14, 18]]);
        let accents = whole("👟 Café “Crème”", &matcher(&["cafe", "creme"], None)).unwrap();
        assert_eq!(accents.ranges, [[3, 7], [9, 14]]);
        let compound = whole("A T-Shirt, blue", &matcher(&["tshirt"], None)).unwrap();
        assert_eq!(marked(&compound), ["T-Shirt"]);
        assert_eq!(whole("Trail", &matcher(&["rail"], None)), None);
    }

    #[test]
    fn an_excerpt_shows_the_first_word_found_among_others() {
        let long = format!("{} needle in {}", "hay ".repeat(50), "more hay ".repeat(50));
        let shown = excerpt(&long, &matcher(&["needle"], None)).unwrap();
        assert!(
            shown.text.starts_with("…hay hay ") && shown.text.ends_with('…'),
            "{shown:?}"
        );
        assert!(shown.text.chars().count() <= EXCERPT + 2);
        assert_eq!(marked(&shown), ["needle"]);
        let short = excerpt("A needle.", &matcher(&["needle"], None)).unwrap();
        assert_eq!(short.text, "A needle.");
        let endless = excerpt(&"ä".repeat(400), &matcher(&[], Some("a"))).unwrap();
        assert_eq!(endless.text, format!("{}…", "ä".repeat(EXCERPT)));
        assert_eq!(endless.ranges, [[0, EXCERPT]]);
    }

    proptest! {
        #[test]
        fn every_mark_is_a_word_that_was_asked_for(text: String, word in "[a-zé]{1,3}", prefix in "[a-z]") {
            let matcher = matcher(&[&super::super::words::fold(&word)], Some(&prefix));
            for shown in [whole(&text, &matcher), excerpt(&text, &matcher)].into_iter().flatten() {
                let mut end = 0;
                for ([from, to], marked) in shown.ranges.iter().zip(marked(&shown)) {
                    prop_assert!(*from >= end && to > from);
                    end = *to;
                    let folded = super::super::words::fold(&marked);
                    prop_assert!(matcher.matches(&folded), "{}", marked);
                }
            }
        }
    }
}
