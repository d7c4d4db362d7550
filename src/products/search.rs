//! Search: a full-text index derived from the documents, kept up behind the outbox, with facets.
//!
//! The index can always be made again from the catalogue, so it is thrown away whenever there is a doubt
//! about it. It lies in the data directory; of the processes that share one, one writes it.

mod collect;
mod columns;
mod document;
mod engine;
mod facets;
mod indexer;
mod page;
mod popularity;
mod prices;
mod query;
mod sample;
mod schema;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use super::cursor::CursorKey;
use super::document::Document;
use super::store::{CatalogStore, StoreError};
use crate::cache::{LoadError, ReadThrough};
use crate::limits::overload::{
    self, Dependency, DependencyOptions, Overload, Question, Verdict, context,
};
use crate::search::directory::IndexFolder;
use crate::search::pool::{Pool, Refused};
use crate::telemetry::traces::{self, SpanKind, span};
pub use document::{Image, Money, Prices, Rating};
use engine::{Engine, EngineError};
pub use facets::{FacetValue, Facets, PriceFacet, RatingFacet};
use indexer::Indexer;
pub use page::{FieldHighlight, SearchItem, SearchPage, Total};
use popularity::Popularity;
pub use query::{MAX_CHARACTERS, QueryError, SearchQuery, SearchSort};

/// Most threads that search.
const MAX_THREADS: usize = 4;
/// Searches that may wait for a thread, for each there is.
const WAITING: usize = 32;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// Not a cursor of this catalogue, or one of another search.
    #[error("not a cursor of this search")]
    Cursor,
    /// More is searched for than can be found in time.
    #[error("too many searches at once")]
    Busy,
    /// The index cannot be read. It is checked, and built anew where it is damaged.
    #[error("the search failed: {0}")]
    Failed(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The documents could not be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Others go first.
    #[error(transparent)]
    Refused(#[from] overload::Refused),
}

/// Searches one catalogue. Clones share the threads, which end with the last one.
#[derive(Clone)]
pub struct Search {
    engine: Arc<Engine>,
    popularity: Arc<Popularity>,
    pool: Arc<Pool>,
    /// Asked before the pool is.
    gate: Dependency,
    /// Keeps the index up; none where it is only read.
    _indexer: Arc<Indexer>,
    background: Handle,
}

impl Search {
    /// Begins to keep an index of the catalogue in a folder, which need not be there, and searches it. Does
    /// not wait for the index: until it is complete, pages say so.
    pub fn start(
        store: Arc<dyn CatalogStore>,
        folder: PathBuf,
        overload: &Overload,
        background: Handle,
    ) -> io::Result<Self> {
        let engine = Arc::new(Engine::new());
        let threads =
            thread::available_parallelism().map_or(1, |threads| threads.get().min(MAX_THREADS));
        let popularity = Arc::new(Popularity::new(Arc::clone(&store)));
        let indexer = Indexer::start(
            store,
            IndexFolder::new(folder),
            Arc::clone(&engine),
            background.clone(),
        )?;
        let gate = overload.dependency(DependencyOptions {
            name: "search",
            parallel: u32::try_from(threads).unwrap_or(u32::MAX),
        });
        Ok(Self {
            engine,
            popularity,
            gate,
            pool: Arc::new(Pool::start("search", threads, threads * WAITING)?),
            _indexer: Arc::new(indexer),
            background,
        })
    }

    /// One page, with the products as they are in `documents`. A search that does not begin in time is not
    /// begun.
    pub(super) async fn page(
        &self,
        key: CursorKey,
        mut query: SearchQuery,
        documents: ReadThrough<i64, Document>,
        patience: Duration,
    ) -> Result<SearchPage, SearchError> {
        let (engine, background) = (Arc::clone(&self.engine), self.background.clone());
        let question = Question {
            kind: "search",
            places: 1,
            limit: patience,
        };
        let searching = async {
            if query.heeds_views() {
                let popularity = &self.popularity;
                query.viewed = popularity.ratings(&self.background, patience).await;
            }
            let context = context::current();
            let deadline = context
                .deadline
                .unwrap_or_else(|| Instant::now() + patience);
            let mut traced = traces::current();
            // The task must not hold the pool: the last one to let go of it waits for the task.
            let task = move || {
                let _entered = context::enter(context);
                let _traced = traced.enter();
                engine.page(&key, &query, &documents, &background, deadline)
            };
            match self.pool.run(deadline, task).await {
                Ok(page) => Ok(page?),
                Err(Refused::Busy) => Err(SearchError::Busy),
                Err(Refused::Lost) => {
                    self.engine.doubt();
                    Err(SearchError::Failed(Refused::Lost.to_string()))
                }
            }
        };
        // A search that fails says nothing of the others: the index is looked after by its keeper.
        let judge = |_: &SearchError| Verdict::Answered;
        let mut traced = span("search", SpanKind::Internal);
        let searching = self.gate.call(question, searching, judge);
        let page = traced.scope(searching).await;
        match &page {
            Ok(page) => traced.set(
                "doorbuster.search.found",
                i64::try_from(page.total.value).unwrap_or(i64::MAX),
            ),
            // The client is told what is wrong with it.
            Err(SearchError::Cursor) => {}
            Err(error) => traced.fail("search", error),
        }
        page
    }
}

impl From<EngineError> for SearchError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Cursor => Self::Cursor,
            EngineError::Late => Self::Busy,
            EngineError::Index(error) => Self::Failed(error.to_string()),
            EngineError::Load(error) => Self::Load(error),
        }
    }
}

impl fmt::Debug for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Search(…)")
    }
}
