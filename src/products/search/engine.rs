//! Answers searches from the newest state of the index.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use futures_util::future::try_join_all;
use tantivy::TantivyError;
use tokio::runtime::Handle;

use super::collect::{Found, Hit, PassError, pass};
use super::columns::Snapshot;
use super::document::SearchedDocument;
use super::facets::Facets;
use super::page::{SearchPage, Total, item};
use super::query::SearchQuery;
use super::schema::{ProductSchema, weighted_words};
use crate::cache::{LoadError, ReadThrough};
use crate::products::cursor::{CursorKey, Key, Position};
use crate::products::document::Document;
use crate::search::interpretation::{Interpretation, Vocabulary};

/// What the words as they are find fewer than this of is looked for with other spellings.
const FEW: u64 = 3;

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub(super) enum EngineError {
    #[error("not a cursor of this search")]
    Cursor,
    #[error("not done in time")]
    Late,
    #[error(transparent)]
    Index(#[from] TantivyError),
    #[error(transparent)]
    Load(#[from] LoadError),
}

impl From<PassError> for EngineError {
    fn from(error: PassError) -> Self {
        match error {
            PassError::Late => Self::Late,
            PassError::Index(error) => Self::Index(error),
        }
    }
}

/// What searches read and the indexer renews.
pub(super) struct Engine {
    pub(super) schema: ProductSchema,
    snapshot: RwLock<Option<Arc<Snapshot>>>,
    is_doubtful: AtomicBool,
}

impl Engine {
    pub(super) fn new() -> Self {
        Self {
            schema: ProductSchema::new(),
            snapshot: RwLock::default(),
            is_doubtful: AtomicBool::new(false),
        }
    }

    /// From now on this is searched.
    pub(super) fn publish(&self, snapshot: Option<Snapshot>) {
        *self
            .snapshot
            .write()
            .unwrap_or_else(PoisonError::into_inner) = snapshot.map(Arc::new);
    }

    /// Takes note that the index could not be read.
    pub(super) fn doubt(&self) {
        self.is_doubtful.store(true, Ordering::Relaxed);
    }

    /// Whether it could not be read since this was last asked.
    pub(super) fn take_doubt(&self) -> bool {
        self.is_doubtful.swap(false, Ordering::Relaxed)
    }

    fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.snapshot
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// One page. Blocks, to read documents that are not cached as well.
    pub(super) fn page(
        &self,
        key: &CursorKey,
        query: &SearchQuery,
        documents: &ReadThrough<i64, Document>,
        background: &Handle,
        deadline: Instant,
    ) -> Result<SearchPage, EngineError> {
        let scope = query.scope();
        let after = match &query.cursor {
            Some(cursor) => Some(open(key, &scope, cursor).ok_or(EngineError::Cursor)?),
            None => None,
        };
        let Some(snapshot) = self.snapshot() else {
            return Ok(SearchPage::before_the_index());
        };
        let found = self.find(&snapshot, query, after, deadline);
        if let Err(EngineError::Index(_)) = &found {
            self.doubt();
        }
        let Understood {
            found,
            meaning,
            is_corrected,
        } = found?;
        let facets = query
            .counts_facets
            .then(|| Facets::of(&found, &snapshot, &query.filters));
        let shown = &found.first[..found.first.len().min(query.limit)];
        let next = (found.first.len() > query.limit)
            .then(|| shown.last())
            .flatten();
        let answers = shown.iter().map(|hit| documents.read(&hit.id));
        let answers = background.block_on(try_join_all(answers))?;
        // One that was taken down meanwhile is left out.
        let documents: Vec<_> = answers
            .into_iter()
            .filter_map(|answer| answer.value.ok())
            .collect();
        let bytes: Vec<_> = documents.iter().map(Document::to_vec).collect();
        let mut parsed = bytes.iter().filter_map(|bytes| parse(bytes)).peekable();
        let corrected = is_corrected
            .then(|| parsed.peek().and_then(|best| corrected(&meaning, best)))
            .flatten();
        let matcher = meaning.matcher();
        Ok(SearchPage {
            items: parsed.map(|document| item(document, &matcher)).collect(),
            total: Total {
                value: found.total,
                exact: found.is_total_exact,
            },
            corrected,
            facets,
            incomplete: !snapshot.is_complete,
            next: next.map(|last| key.seal(&scope, &position(last))),
            degraded: Vec::new(),
        })
    }

    fn find(
        &self,
        snapshot: &Snapshot,
        query: &SearchQuery,
        after: Option<super::collect::Key>,
        deadline: Instant,
    ) -> Result<Understood, EngineError> {
        let fields = self.schema.fields;
        let lexicon = Vocabulary::new(&snapshot.searcher, fields);
        let run = |meaning: &Interpretation| {
            let words = meaning.query(fields, lexicon.documents());
            pass(snapshot, &*words, query, after, deadline)
        };
        let exact = Interpretation::exact(&query.question, &lexicon)?;
        let found = run(&exact)?;
        if found.matched < FEW
            && let Some(meaning) = exact.corrected(&lexicon)?
        {
            let more = run(&meaning)?;
            if more.matched > found.matched {
                return Ok(Understood {
                    found: more,
                    meaning,
                    is_corrected: true,
                });
            }
        }
        Ok(Understood {
            found,
            meaning: exact,
            is_corrected: false,
        })
    }
}

struct Understood {
    found: Found,
    meaning: Interpretation,
    is_corrected: bool,
}

impl SearchPage {
    fn before_the_index() -> Self {
        Self {
            items: Vec::new(),
            total: Total {
                value: 0,
                exact: false,
            },
            corrected: None,
            facets: Some(Facets::default()),
            incomplete: true,
            next: None,
            degraded: Vec::new(),
        }
    }
}

/// The query in the words of the best product, where that is another one than was asked.
fn corrected(meaning: &Interpretation, best: &SearchedDocument<'_>) -> Option<String> {
    let words = weighted_words(best);
    let understood = meaning.in_words_of(|word| words.contains_key(word));
    (understood != meaning.asked()).then_some(understood)
}

fn parse(document: &[u8]) -> Option<SearchedDocument<'_>> {
    serde_json::from_slice(document).ok()
}

/// Numbers keep their bits: a cursor is read by nobody else.
fn position(hit: &Hit) -> Position {
    Position(
        hit.key
            .map(|number| Key::Integer(number.cast_signed()))
            .to_vec(),
    )
}

fn open(key: &CursorKey, scope: &str, cursor: &str) -> Option<super::collect::Key> {
    let Position(numbers) = key.open(scope, cursor)?;
    let number = |key: &Key| match key {
        Key::Integer(number) => Some(number.cast_unsigned()),
        Key::Text(_) => None,
    };
    let numbers: Option<Vec<_>> = numbers.iter().map(number).collect();
    numbers?.try_into().ok()
}
