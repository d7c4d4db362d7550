//! What a query may mean: words, the words that stand for them, and the search that follows from it.

use tantivy::query::{
    AllQuery, BooleanQuery, BoostQuery, ConstScoreQuery, DisjunctionMaxQuery, EmptyQuery, Occur,
    Query, TermQuery,
};
use tantivy::schema::{Field, IndexRecordOption, Term};
use tantivy::{Searcher, TantivyError};

use super::highlight::Matcher;
use super::lexicon::{Alternative, Lexicon};
use super::words::{Chunk, chunks};

/// Most words that a last word is taken to be the beginning of.
const MAX_COMPLETIONS: usize = 50;
/// Most words that a misspelt word is taken to be.
const MAX_NEIGHBOURS: usize = 10;
/// A word that begins another is worth this much of it.
const COMPLETION: f32 = 0.5;
/// A word at one and at two edits is worth this much.
const NEIGHBOUR: [f32; 2] = [0.4, 0.2];
/// Shortest beginning that is completed, in letters.
const SHORTEST_BEGINNING: usize = 2;
/// Shortest words that may have one and two letters wrong.
const SHORTEST_MISSPELT: [usize; 2] = [4, 8];
/// What being a code or the whole title is worth, where a word is worth about 10 at most.
const WHOLE: f32 = 40.0;

/// The fields that are searched.
#[derive(Debug, Clone, Copy)]
pub struct Fields {
    /// Words, with frequencies.
    pub words: Field,
    /// What is found as a whole only: codes and titles.
    pub wholes: Field,
}

/// The words of each of [`Fields`].
pub struct Vocabulary<'s> {
    words: Lexicon<'s>,
    wholes: Lexicon<'s>,
}

impl<'s> Vocabulary<'s> {
    /// All there is in these fields.
    pub fn new(searcher: &'s Searcher, fields: Fields) -> Self {
        Self {
            words: Lexicon::new(searcher, fields.words),
            wholes: Lexicon::new(searcher, fields.wholes),
        }
    }

    /// How many documents there are, at most: some may be removed already.
    pub fn documents(&self) -> u64 {
        self.words.documents()
    }
}

/// A query taken apart.
#[derive(Debug, Clone)]
pub struct Question {
    chunks: Vec<Chunk>,
    /// The last word may be the beginning of one.
    is_typing: bool,
}

impl Question {
    /// Reads what was typed.
    pub fn new(text: &str) -> Self {
        Self {
            chunks: chunks(text).collect(),
            is_typing: text.ends_with(char::is_alphanumeric),
        }
    }

    /// Number of words.
    pub fn len(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.words.len()).sum()
    }

    /// True where there is nothing to look for: everything is found.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// The same text for every query that finds the same.
    pub fn normalized(&self) -> String {
        let chunk = |chunk: &Chunk| {
            let words: Vec<_> = chunk.words.iter().map(|word| &*word.text).collect();
            words.join("-")
        };
        let mut text = self.chunks.iter().map(chunk).collect::<Vec<_>>().join(" ");
        if self.is_typing {
            text.push('*');
        }
        text
    }
}

/// A word of a query and what may stand for it.
#[derive(Debug, Clone)]
struct Meaning {
    word: String,
    is_beginning: bool,
    /// The word itself first, where it is there.
    alternatives: Vec<(Alternative, f32)>,
}

impl Meaning {
    /// Scores an alternative as often as the most frequent one is: else the rarest would count most.
    fn query(&self, fields: Fields, documents: u64) -> Box<dyn Query> {
        if self.alternatives.is_empty() {
            return Box::new(EmptyQuery);
        }
        let frequencies = self.alternatives.iter().map(|(other, _)| other.frequency);
        let weight = idf(frequencies.max().unwrap_or(0), documents);
        let queries = self.alternatives.iter().map(|(other, worth)| {
            let boost = worth * weight / idf(other.frequency, documents);
            boosted(
                term(fields.words, &other.word, IndexRecordOption::WithFreqs),
                boost,
            )
        });
        any_of(queries.collect())
    }
}

/// What one chunk may mean: all of its words, or all written as one, or a code that there is.
#[derive(Debug, Clone)]
struct Clause {
    words: Vec<Meaning>,
    joined: Option<Meaning>,
    code: Option<String>,
}

impl Clause {
    fn query(&self, fields: Fields, documents: u64) -> Box<dyn Query> {
        let words: Vec<_> = self
            .words
            .iter()
            .map(|word| word.query(fields, documents))
            .collect();
        let mut ways = vec![all_of(words)];
        ways.extend(
            self.joined
                .as_ref()
                .map(|joined| joined.query(fields, documents)),
        );
        ways.extend(self.code.as_ref().map(|code| whole(fields, code)));
        any_of(ways)
    }
}

/// One reading of a query.
#[derive(Debug, Clone)]
pub struct Interpretation {
    clauses: Vec<Clause>,
    /// All words, as they were asked.
    asked: String,
    /// There is something of which they are the whole title.
    is_title: bool,
}

impl Interpretation {
    /// Takes every word as it is, the last one also as the beginning of others.
    pub fn exact(question: &Question, lexicon: &Vocabulary<'_>) -> Result<Self, TantivyError> {
        let last = question.chunks.len().saturating_sub(1);
        let chunks = question.chunks.iter().enumerate();
        let clauses = chunks.map(|(index, chunk)| {
            exact_clause(chunk, question.is_typing && index == last, lexicon)
        });
        let asked = title_of(question.chunks.iter());
        Ok(Self {
            clauses: clauses.collect::<Result<_, _>>()?,
            is_title: lexicon.wholes.frequency(&asked)? > 0,
            asked,
        })
    }

    /// Takes words also as what they may be misspelt for, and leaves those out that are nothing at all as
    /// long as one remains. `None` where that is no other reading.
    pub fn corrected(&self, lexicon: &Vocabulary<'_>) -> Result<Option<Self>, TantivyError> {
        let mut clauses = Vec::new();
        let mut differs = false;
        for clause in &self.clauses {
            let mut clause = clause.clone();
            for word in &mut clause.words {
                let neighbours = neighbours(&word.word, &lexicon.words)?;
                differs |= !neighbours.is_empty();
                word.alternatives.extend(neighbours);
            }
            clauses.push(clause);
        }
        let means_something = |clause: &Clause| {
            let has_one = |word: &Meaning| !word.alternatives.is_empty();
            clause.words.iter().all(has_one)
                || clause.joined.as_ref().is_some_and(has_one)
                || clause.code.is_some()
        };
        let before = clauses.len();
        if clauses.iter().any(means_something) {
            clauses.retain(means_something);
        }
        differs |= clauses.len() < before;
        Ok(differs.then(|| Self {
            clauses,
            ..self.clone()
        }))
    }

    /// The search. `documents` is how many there are.
    pub fn query(&self, fields: Fields, documents: u64) -> Box<dyn Query> {
        if self.clauses.is_empty() {
            return Box::new(AllQuery);
        }
        let clauses = self
            .clauses
            .iter()
            .map(|clause| clause.query(fields, documents))
            .collect();
        let words = all_of(clauses);
        if !self.is_title {
            return words;
        }
        // Whatever has that title has these words: it finds nothing more, and lifts what is found.
        let as_title = whole(fields, &self.asked);
        Box::new(BooleanQuery::new(vec![
            (Occur::Must, words),
            (Occur::Should, as_title),
        ]))
    }

    /// What to mark in what was found.
    pub fn matcher(&self) -> Matcher {
        let mut matcher = Matcher::default();
        for clause in &self.clauses {
            for meaning in clause.words.iter().chain(&clause.joined) {
                if meaning.is_beginning {
                    matcher.mark_beginning(&*meaning.word);
                }
                matcher.mark(&*meaning.word);
                for (other, _) in &meaning.alternatives {
                    matcher.mark(&*other.word);
                }
            }
        }
        matcher
    }

    /// The query in words that something found has: what it was taken for.
    pub fn in_words_of(&self, has: impl Fn(&str) -> bool) -> String {
        let mut words = Vec::new();
        for meaning in self.clauses.iter().flat_map(|clause| &clause.words) {
            let others = meaning.alternatives.iter().map(|(other, _)| &*other.word);
            let found = others.clone().find(|other| has(other));
            let completes = |word: &str| meaning.is_beginning && word.starts_with(&meaning.word);
            // As far as it was typed.
            words.push(match found {
                Some(word) if !completes(word) => word,
                _ => &*meaning.word,
            });
        }
        words.join(" ")
    }

    /// The query as it was asked.
    pub fn asked(&self) -> &str {
        &self.asked
    }
}

/// What the words of a text are found by as a whole.
pub fn title(text: &str) -> String {
    title_of(chunks(text).collect::<Vec<_>>().iter())
}

fn title_of<'c>(chunks: impl Iterator<Item = &'c Chunk>) -> String {
    let words = chunks.flat_map(|chunk| chunk.words.iter().map(|word| &*word.text));
    words.collect::<Vec<_>>().join(" ")
}

fn exact_clause(
    chunk: &Chunk,
    is_last: bool,
    lexicon: &Vocabulary<'_>,
) -> Result<Clause, TantivyError> {
    let last_word = chunk.words.len().saturating_sub(1);
    let words = chunk.words.iter().enumerate();
    let words =
        words.map(|(index, word)| exact(&word.text, is_last && index == last_word, &lexicon.words));
    let joined = chunk.joined();
    let code = joined
        .as_deref()
        .or(chunk.words.first().map(|word| &*word.text))
        .unwrap_or_default();
    Ok(Clause {
        words: words.collect::<Result<_, _>>()?,
        code: (lexicon.wholes.frequency(code)? > 0).then(|| code.to_owned()),
        joined: joined
            .map(|joined| exact(&joined, is_last, &lexicon.words))
            .transpose()?,
    })
}

fn exact(word: &str, is_last: bool, lexicon: &Lexicon<'_>) -> Result<Meaning, TantivyError> {
    let frequency = lexicon.frequency(word)?;
    let itself = Alternative {
        word: word.to_owned(),
        frequency,
        edits: 0,
    };
    let mut alternatives = Vec::new();
    if frequency > 0 {
        alternatives.push((itself, 1.0));
    }
    let is_beginning = is_last && word.chars().nth(SHORTEST_BEGINNING - 1).is_some();
    if is_beginning {
        let completions = lexicon.completions(word, MAX_COMPLETIONS)?;
        alternatives.extend(completions.into_iter().map(|other| (other, COMPLETION)));
    }
    Ok(Meaning {
        word: word.to_owned(),
        is_beginning,
        alternatives,
    })
}

/// A number with another digit is another number, so words with digits are never corrected.
fn neighbours(word: &str, lexicon: &Lexicon<'_>) -> Result<Vec<(Alternative, f32)>, TantivyError> {
    let letters = word.chars().count();
    let allowed = SHORTEST_MISSPELT
        .iter()
        .filter(|shortest| letters >= **shortest)
        .count();
    let edits = u8::try_from(allowed).unwrap_or(0);
    if edits == 0 || word.chars().any(char::is_numeric) {
        return Ok(Vec::new());
    }
    let found = lexicon.neighbours(word, edits, MAX_NEIGHBOURS)?;
    let first = word.chars().next();
    let weighed = found.into_iter().map(|other| {
        let nearness = NEIGHBOUR
            .get(other.edits.saturating_sub(1))
            .copied()
            .unwrap_or_default();
        let is_likely = other.word.chars().next() == first;
        let worth = if is_likely { nearness } else { nearness / 2.0 };
        (other, worth)
    });
    Ok(weighed.collect())
}

fn all_of(mut queries: Vec<Box<dyn Query>>) -> Box<dyn Query> {
    if queries.len() == 1
        && let Some(only) = queries.pop()
    {
        return only;
    }
    Box::new(BooleanQuery::intersection(queries))
}

fn any_of(mut queries: Vec<Box<dyn Query>>) -> Box<dyn Query> {
    if queries.len() == 1
        && let Some(only) = queries.pop()
    {
        return only;
    }
    Box::new(DisjunctionMaxQuery::new(queries))
}

fn whole(fields: Fields, text: &str) -> Box<dyn Query> {
    let query = term(fields.wholes, text, IndexRecordOption::Basic);
    Box::new(ConstScoreQuery::new(query, WHOLE))
}

fn term(field: Field, word: &str, option: IndexRecordOption) -> Box<dyn Query> {
    Box::new(TermQuery::new(Term::from_field_text(field, word), option))
}

fn boosted(query: Box<dyn Query>, boost: f32) -> Box<dyn Query> {
    Box::new(BoostQuery::new(query, boost))
}

/// As BM25 weighs words: Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009, §3.1, kept
/// above zero.
#[expect(clippy::cast_precision_loss, reason = "a weight needs no more digits")]
fn idf(frequency: u64, documents: u64) -> f32 {
    let frequency = frequency.min(documents) as f32;
    (1.0 + (documents as f32 - frequency + 0.5) / (frequency + 0.5)).ln()
}
