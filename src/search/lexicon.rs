//! The words of an index: how frequent each is, which begin with given letters, and which are nearly one.

use std::collections::HashMap;

use tantivy::query::FuzzyTermQuery;
use tantivy::schema::{Field, Term};
use tantivy::termdict::TermDictionary;
use tantivy::{Searcher, TantivyError};

/// Most words of one part of the index that are looked at for a beginning. Beginnings of two letters stay
/// below it in the vocabulary of a shop.
const MAX_SCANNED: usize = 20_000;

/// A word of the index that may stand for another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    /// The word.
    pub word: String,
    /// In how many documents it stands, at most: some of those may be removed already.
    pub frequency: u64,
    /// Letters to change, add, leave out or exchange with their neighbour to come to it.
    pub edits: usize,
}

/// The vocabulary of one field.
pub struct Lexicon<'s> {
    searcher: &'s Searcher,
    field: Field,
}

impl<'s> Lexicon<'s> {
    /// The vocabulary of `field`.
    pub fn new(searcher: &'s Searcher, field: Field) -> Self {
        Self { searcher, field }
    }

    /// How many documents there are, removed ones among them, as in the frequencies.
    pub fn documents(&self) -> u64 {
        let segments = self.searcher.segment_readers().iter();
        segments.map(|segment| u64::from(segment.max_doc())).sum()
    }

    /// In how many documents the word stands.
    pub fn frequency(&self, word: &str) -> Result<u64, TantivyError> {
        self.searcher
            .doc_freq(&Term::from_field_text(self.field, word))
    }

    /// The most frequent words that begin with `prefix` and are longer, at most `limit`.
    pub fn completions(
        &self,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<Alternative>, TantivyError> {
        let mut frequencies = HashMap::new();
        self.each_dictionary(|dictionary| {
            // No letter sorts behind this one.
            let end = format!("{prefix}{}", char::MAX);
            let mut terms = dictionary.range().gt(prefix).lt(end).into_stream()?;
            let mut scanned = 0;
            while scanned < MAX_SCANNED && terms.advance() {
                scanned += 1;
                count(&mut frequencies, terms.key(), terms.value().doc_freq);
            }
            Ok(())
        })?;
        Ok(best(frequencies, prefix, limit, |_| 0))
    }

    /// The words that are at most `edits` edits away from `word` and are not it, nearest first, of equally
    /// near ones those with the same first letter, which is seldom mistyped, then the most frequent; at most
    /// `limit`.
    pub fn neighbours(
        &self,
        word: &str,
        edits: u8,
        limit: usize,
    ) -> Result<Vec<Alternative>, TantivyError> {
        let term = Term::from_field_text(self.field, word);
        let automaton = FuzzyTermQuery::new(term, edits, true).automaton()?;
        let mut frequencies = HashMap::new();
        self.each_dictionary(|dictionary| {
            let mut terms = dictionary.search(&automaton).into_stream()?;
            while terms.advance() {
                count(&mut frequencies, terms.key(), terms.value().doc_freq);
            }
            Ok(())
        })?;
        frequencies.remove(word);
        Ok(best(frequencies, word, limit, |other| {
            strsim::osa_distance(word, other)
        }))
    }

    fn each_dictionary(
        &self,
        mut visit: impl FnMut(&TermDictionary) -> std::io::Result<()>,
    ) -> Result<(), TantivyError> {
        for segment in self.searcher.segment_readers() {
            visit(segment.inverted_index(self.field)?.terms())?;
        }
        Ok(())
    }
}

fn count(frequencies: &mut HashMap<String, u64>, word: &[u8], frequency: u32) {
    // Only whole words were put in.
    let Ok(word) = str::from_utf8(word) else {
        return;
    };
    if let Some(known) = frequencies.get_mut(word) {
        *known += u64::from(frequency);
    } else {
        frequencies.insert(word.to_owned(), u64::from(frequency));
    }
}

fn best(
    frequencies: HashMap<String, u64>,
    word: &str,
    limit: usize,
    edits: impl Fn(&str) -> usize,
) -> Vec<Alternative> {
    let mut all: Vec<_> = frequencies
        .into_iter()
        .map(|(word, frequency)| Alternative {
            edits: edits(&word),
            word,
            frequency,
        })
        .collect();
    let first = word.chars().next();
    let begins_otherwise = |other: &Alternative| other.word.chars().next() != first;
    all.sort_unstable_by(|one, other| {
        let by_letter = begins_otherwise(one).cmp(&begins_otherwise(other));
        let by_frequency = other.frequency.cmp(&one.frequency);
        let by_edits = one.edits.cmp(&other.edits);
        by_edits
            .then(by_letter)
            .then(by_frequency)
            .then_with(|| one.word.cmp(&other.word))
    });
    all.truncate(limit);
    all
}
