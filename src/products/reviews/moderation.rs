//! Rules by which a review is published, or not, without a person.

use std::collections::{HashMap, HashSet};

use super::store::Submission;
use crate::search::words::words;

/// What the rules say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Everybody may see it.
    Publish,
    /// A person has to look at it: why.
    Hold(&'static str),
    /// Nobody is to see it: why.
    Reject(&'static str),
}

/// What a review has to be.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Whether a person decides on what passes.
    pub hold: bool,
    /// Shortest body, in characters.
    pub shortest: usize,
    /// Most links.
    pub links: usize,
    /// Words that none has.
    words: HashSet<String>,
}

/// The same character more often in a row is no word of any language.
const MOST_IN_A_ROW: usize = 6;
/// From so many words on, one that is more than half of them is repeated.
const WORDS_FOR_REPETITION: usize = 8;

impl Rules {
    /// Words are compared without case and accents.
    pub fn new(hold: bool, shortest: usize, links: usize, forbidden: &[String]) -> Self {
        let folded = forbidden.iter().flat_map(|text| words(text));
        Self {
            hold,
            shortest,
            links,
            words: folded.map(|word| word.text).collect(),
        }
    }

    /// Decides on a review.
    pub fn decide(&self, review: &Submission) -> Verdict {
        let texts = [&review.title, &review.body, &review.author];
        if review.body.trim().chars().count() < self.shortest {
            return Verdict::Reject("too-short");
        }
        if texts.iter().map(|text| links(text)).sum::<usize>() > self.links {
            return Verdict::Reject("links");
        }
        let mut said = texts.iter().flat_map(|text| words(text));
        if said.any(|word| self.words.contains(&word.text)) {
            return Verdict::Reject("words");
        }
        if is_repeated(&review.body) {
            return Verdict::Reject("repeated");
        }
        if self.hold {
            return Verdict::Hold("person");
        }
        Verdict::Publish
    }
}

/// How many addresses of the web a text names, however it writes them.
fn links(text: &str) -> usize {
    let text = text.to_lowercase();
    let schemes = text.matches("://").count();
    let bare = text.matches("www.").count();
    // `https://www.…` is one.
    schemes + bare - text.matches("://www.").count()
}

/// Whether a text says the same over and over.
fn is_repeated(text: &str) -> bool {
    let mut row = 0;
    let mut last = None;
    for character in text.chars() {
        row = if last == Some(character) { row + 1 } else { 1 };
        last = Some(character);
        if row > MOST_IN_A_ROW && character.is_alphanumeric() {
            return true;
        }
    }
    let mut counts = HashMap::<String, usize>::new();
    for word in words(text) {
        *counts.entry(word.text).or_default() += 1;
    }
    let all: usize = counts.values().sum();
    let most = counts.values().max().copied().unwrap_or(0);
    all >= WORDS_FOR_REPETITION && most * 2 > all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::products::reviews::ReviewStatus;

    fn decided(rules: &Rules, title: &str, body: &str) -> Verdict {
        rules.decide(&Submission {
            id: 1,
            product_id: 1,
            rating: 5,
            title: title.to_owned(),
            body: body.to_owned(),
            author: "Ada".to_owned(),
            status: ReviewStatus::Pending,
            reason: None,
            created_at: String::new(),
        })
    }

    #[test]
    fn each_rule_has_its_reason() {
        let rules = Rules::new(false, 10, 1, &["Schund".to_owned(), "café".to_owned()]);
        let fine = "A lamp that stands well, and lights the desk.";
        for (title, body, expected) in [
            ("Fine", fine, Verdict::Publish),
            ("", "    short     ", Verdict::Reject("too-short")),
            ("See https://www.a.example", fine, Verdict::Publish),
            (
                "See https://a.example",
                "or rather WWW.b.example today",
                Verdict::Reject("links"),
            ),
            ("SCHUND!", fine, Verdict::Reject("words")),
            ("Schundliteratur", fine, Verdict::Publish),
            (
                "",
                "I read it in the CAFE\u{301} next door",
                Verdict::Reject("words"),
            ),
            (
                "",
                "Soooooooooo good, this one",
                Verdict::Reject("repeated"),
            ),
            (
                "",
                "buy buy buy buy buy this now please",
                Verdict::Reject("repeated"),
            ),
            ("", "good -------- and cheap", Verdict::Publish),
        ] {
            assert_eq!(decided(&rules, title, body), expected, "{title} {body}");
        }
        let held = Rules::new(true, 10, 1, &[]);
        assert_eq!(decided(&held, "", fine), Verdict::Hold("person"));
        assert_eq!(decided(&held, "", "no"), Verdict::Reject("too-short"));
    }
}
