//! Words as they are searched for: without case, accents and compatibility forms, so that `Café` is found by
//! `cafe` and `CAFÉ`, and `ﬁ` by `fi`.

use std::iter;
use std::ops::Range;

use icu_normalizer::DecomposingNormalizer;

/// Longest word, in bytes; the rest of a longer one counts for nothing.
const MAX_BYTES: usize = 64;

/// A word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Folded: see [`fold`].
    pub text: String,
    /// The bytes of the text that it stands at.
    pub range: Range<usize>,
}

/// What stands between two spaces: `USB-C` are two words that may also be written as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// In order; at least one.
    pub words: Vec<Word>,
}

impl Chunk {
    /// All words written as one; `None` where there is but one.
    pub fn joined(&self) -> Option<String> {
        let is_compound = self.words.len() > 1;
        is_compound.then(|| shorten(self.words.iter().map(|word| &*word.text).collect()))
    }
}

/// Takes a text apart. Chunks without a letter or digit are left out.
pub fn chunks(text: &str) -> impl Iterator<Item = Chunk> {
    let mut rest = 0;
    iter::from_fn(move || {
        loop {
            let tail = text.get(rest..)?;
            let begin = rest + tail.find(|sign: char| !sign.is_whitespace())?;
            let length = text[begin..].find(char::is_whitespace);
            let end = length.map_or(text.len(), |length| begin + length);
            rest = end;
            let words = words_of(text, begin..end);
            if !words.is_empty() {
                return Some(Chunk { words });
            }
        }
    })
}

/// The words of a text, in order.
pub fn words(text: &str) -> impl Iterator<Item = Word> {
    chunks(text).flat_map(|chunk| chunk.words)
}

/// What a code is found by, be it written with hyphens or without: all its words as one. Empty where it
/// has none.
pub fn code(text: &str) -> String {
    shorten(words(text).map(|word| word.text).collect())
}

/// Folds a word: compatibility decomposition (UAX #15, NFKD), lower case, no diacritics, and letters with a
/// stroke or ligature as they are typed without.
pub fn fold(word: &str) -> String {
    if word.is_ascii() {
        let letters = word.bytes().filter(u8::is_ascii_alphanumeric);
        let letters = letters.map(|byte| char::from(byte.to_ascii_lowercase()));
        return shorten(letters.collect());
    }
    let decomposed = DecomposingNormalizer::new_nfkd().normalize(word);
    let mut folded = String::with_capacity(decomposed.len());
    for letter in decomposed.chars().flat_map(char::to_lowercase) {
        match letter {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'þ' => folded.push_str("th"),
            'ø' => folded.push('o'),
            'đ' | 'ð' => folded.push('d'),
            'ł' => folded.push('l'),
            'ħ' => folded.push('h'),
            'ı' => folded.push('i'),
            _ if is_diacritic(letter) || !letter.is_alphanumeric() => {}
            _ => folded.push(letter),
        }
    }
    // What was left out may have kept marks from their order.
    shorten(
        DecomposingNormalizer::new_nfkd()
            .normalize(&folded)
            .into_owned(),
    )
}

fn shorten(mut word: String) -> String {
    word.truncate(word.floor_char_boundary(MAX_BYTES));
    word
}

fn words_of(text: &str, range: Range<usize>) -> Vec<Word> {
    let mut words = Vec::new();
    let mut begin = None;
    let mut end_word = |begin: &mut Option<usize>, end: usize| {
        let Some(begin) = begin.take() else { return };
        let folded = fold(&text[begin..end]);
        if !folded.is_empty() {
            words.push(Word {
                text: folded,
                range: begin..end,
            });
        }
    };
    let mut signs = text[range.clone()].char_indices().peekable();
    while let Some((offset, sign)) = signs.next() {
        let at = range.start + offset;
        let next = signs.peek().map(|(_, next)| *next);
        if stands_alone(sign) {
            end_word(&mut begin, at);
            begin = Some(at);
            end_word(&mut begin, at + sign.len_utf8());
        } else if sign.is_alphanumeric() || is_diacritic(sign) {
            begin.get_or_insert(at);
        } else if !(is_apostrophe(sign) && begin.is_some() && next.is_some_and(char::is_alphabetic))
        {
            end_word(&mut begin, at);
        }
    }
    end_word(&mut begin, range.end);
    words
}

/// The combining marks of the Latin, Greek and Cyrillic scripts.
fn is_diacritic(sign: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&sign)
}

fn is_apostrophe(sign: char) -> bool {
    matches!(sign, '\'' | '\u{2019}' | '\u{2bc}')
}

/// Scripts written without spaces: each sign is a word.
fn stands_alone(sign: char) -> bool {
    matches!(sign,
        '\u{3041}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(text: &str) -> Vec<String> {
        words(text).map(|word| word.text).collect()
    }

    #[test]
    fn case_accents_and_forms_are_folded() {
        for (text, folded) in [
            ("Café", "cafe"),
            ("CAFE\u{301}", "cafe"),
            ("STRASSE", "strasse"),
            ("Straße", "strasse"),
            ("Ærø", "aero"),
            ("Łódź", "lodz"),
            ("ﬁlter", "filter"),
            ("İstanbul", "istanbul"),
            ("ΆΛΦΑ", "αλφα"),
            ("Ёлка", "елка"),
            ("women's", "womens"),
            ("women’s", "womens"),
            ("１２", "12"),
        ] {
            assert_eq!(texts(text), [folded], "{text}");
        }
    }

    #[test]
    fn a_compound_is_its_words_and_one_word() {
        let chunk = |text| chunks(text).next().unwrap();
        assert_eq!(texts("USB-C (5.5\")"), ["usb", "c", "5", "5"]);
        assert_eq!(chunk("T-Shirt").joined().unwrap(), "tshirt");
        assert_eq!(chunk("shirt,").joined(), None);
        assert_eq!(code("APP-00456 01"), "app0045601");
        assert_eq!(texts("緑茶 tea"), ["緑", "茶", "tea"]);
        assert_eq!(chunk("緑茶").joined().unwrap(), "緑茶");
    }

    #[test]
    fn what_has_no_letter_has_no_word() {
        for text in ["", " ", "?!", "- – —", "\u{301}", "'", "☂"] {
            assert_eq!(texts(text), [""; 0], "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn words_stand_where_they_say_and_are_stable(text: String) {
            let mut end = 0;
            for word in words(&text) {
                prop_assert!(word.range.start >= end);
                end = word.range.end;
                prop_assert_eq!(&fold(&text[word.range]), &word.text);
                prop_assert!(!word.text.is_empty() && word.text.len() <= MAX_BYTES);
                prop_assert!(word.text.chars().all(char::is_alphanumeric), "{:?}", word.text);
                prop_assert_eq!(&fold(&word.text), &word.text);
            }
        }
    }
}
