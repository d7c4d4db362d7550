//! Keeps the index up: builds it from the documents and follows the outbox, or, where another process of the
//! same data directory does so, reads what that one wrote.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tantivy::indexer::IndexWriterOptions;
use tantivy::schema::Term;
use tantivy::{Index, IndexReader, IndexWriter, TantivyError};
use tokio::runtime::Handle;

use super::columns::Snapshot;
use super::engine::Engine;
use super::schema::FORMAT;
use crate::products::cursor::Position;
use crate::products::store::{CatalogStore, ListedProduct, OutboxMark, OutboxPage, StoreError};
use crate::search::directory::{IndexError, IndexFolder, Leadership, reader};

/// How often the writer looks for new versions, and a reader for what the writer wrote.
const POLL: Duration = Duration::from_millis(250);
/// Changes are shown at most this often: each time costs a small new part of the index.
const COMMIT_PAUSE: Duration = Duration::from_secs(1);
/// While much is to be done, what is done is shown this often.
const COMMIT_EVERY: Duration = Duration::from_secs(4);
/// Pause after a failure, doubled with each that follows.
const FIRST_RETRY: Duration = Duration::from_millis(500);
const LAST_RETRY: Duration = Duration::from_mins(1);
/// Products read from the store at once.
const BATCH: usize = 500;
/// Memory for products that are in no part of the index yet.
const WRITER_BYTES: usize = 48 << 20;

#[derive(Debug, thiserror::Error)]
enum IndexerError {
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("a search could not read the index")]
    Doubt,
    #[error("a panic, reported before")]
    Panicked,
}

impl From<TantivyError> for IndexerError {
    fn from(error: TantivyError) -> Self {
        IndexError::from(error).into()
    }
}

/// What a commit of the index says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Progress {
    /// Of which catalogue, in which format.
    fingerprint: String,
    /// The versions up to here are in it.
    mark: OutboxMark,
    /// While it is built: the products up to this id are in it.
    built_to: Option<i64>,
    /// Nothing was left to do.
    is_complete: bool,
}

/// The thread that keeps the index up. Dropping it stops the thread.
#[derive(Debug)]
pub(super) struct Indexer {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Indexer {
    pub(super) fn start(
        store: Arc<dyn CatalogStore>,
        folder: IndexFolder,
        engine: Arc<Engine>,
        background: Handle,
    ) -> io::Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let work = Work {
            store,
            folder,
            engine,
            background,
            stopped,
        };
        let thread = Builder::new()
            .name("search-index".to_owned())
            .spawn(move || work.run())?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Indexer {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // A panic there was reported by the panic hook already.
            let _ = thread.join();
        }
    }
}

struct Work {
    store: Arc<dyn CatalogStore>,
    folder: IndexFolder,
    engine: Arc<Engine>,
    background: Handle,
    stopped: Receiver<()>,
}

impl Work {
    fn run(self) {
        let mut retry = FIRST_RETRY;
        let mut follower = Follower::default();
        loop {
            let turn = catch_unwind(AssertUnwindSafe(|| self.turn(&mut follower)));
            let pause = match turn.unwrap_or(Err(IndexerError::Panicked)) {
                Ok(()) => {
                    retry = FIRST_RETRY;
                    POLL
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot keep the search index up; trying again");
                    retry = (retry * 2).min(LAST_RETRY);
                    retry / 2
                }
            };
            if self.stops_within(pause) {
                return;
            }
        }
    }

    /// Reads, and leads as long as it can where nobody else does.
    fn turn(&self, follower: &mut Follower) -> Result<(), IndexerError> {
        let fingerprint = self.fingerprint()?;
        // Before leading, too: what is there is searched at once, and checked meanwhile.
        let seen = follower.follow(self, &fingerprint);
        let leadership = self.folder.try_lead()?;
        if leadership.is_some() || seen.is_err() {
            *follower = Follower::default();
        }
        match leadership {
            // Whatever kept it from being read is found again and mended.
            Some(leadership) => self.lead(&leadership, fingerprint),
            None => seen,
        }
    }

    fn lead(&self, leadership: &Leadership, fingerprint: String) -> Result<(), IndexerError> {
        let index = self
            .folder
            .open_or_replace(leadership, &self.engine.schema.schema)?;
        let mut leader = Leader::new(self, &index, fingerprint)?;
        loop {
            let is_idle = leader.step()?;
            leader.commit_where_due(is_idle)?;
            if self.engine.take_doubt() {
                return Err(IndexerError::Doubt);
            }
            let pause = if is_idle { POLL } else { Duration::ZERO };
            if self.stops_within(pause) {
                return Ok(());
            }
        }
    }

    fn stops_within(&self, pause: Duration) -> bool {
        self.stopped.recv_timeout(pause) != Err(RecvTimeoutError::Timeout)
    }

    /// Differs wherever an index may not be used: the key of the cursors is the catalogue's own.
    fn fingerprint(&self) -> Result<String, IndexerError> {
        let key = self.background.block_on(self.store.cursor_key())?;
        let catalogue = key.seal("search index", &Position(Vec::new()));
        Ok(format!("{FORMAT} {catalogue}"))
    }

    fn publish(&self, reader: &IndexReader, is_complete: bool) -> Result<(), IndexerError> {
        self.engine
            .publish(Some(Snapshot::new(&reader.searcher(), is_complete)?));
        Ok(())
    }
}

/// Shows what another process writes.
#[derive(Default)]
struct Follower {
    reader: Option<(Index, IndexReader)>,
    shown: Option<u64>,
}

impl Follower {
    fn follow(&mut self, work: &Work, fingerprint: &str) -> Result<(), IndexerError> {
        if self.reader.is_none()
            && let Some(index) = work.folder.open(&work.engine.schema.schema)?
        {
            let reader = reader(&index)?;
            self.reader = Some((index, reader));
        }
        let Some((index, reader)) = &self.reader else {
            return Ok(());
        };
        let Ok(meta) = index.load_metas() else {
            // Thrown away, or just being replaced: opened anew at the next look.
            self.reader = None;
            return Ok(());
        };
        if self.shown == Some(meta.opstamp) {
            return Ok(());
        }
        let progress = meta.payload.as_deref().and_then(Progress::parse);
        match progress.filter(|progress| progress.fingerprint == fingerprint) {
            Some(progress) => {
                reader.reload()?;
                work.publish(reader, progress.is_complete)?;
            }
            None => work.engine.publish(None),
        }
        self.shown = Some(meta.opstamp);
        Ok(())
    }
}

impl Progress {
    fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// Writes the index.
struct Leader<'w> {
    work: &'w Work,
    writer: IndexWriter,
    reader: IndexReader,
    progress: Progress,
    /// As far as it was committed.
    committed: Option<Progress>,
    committed_at: Instant,
    began_at: Instant,
}

impl<'w> Leader<'w> {
    fn new(work: &'w Work, index: &Index, fingerprint: String) -> Result<Self, IndexerError> {
        let options = IndexWriterOptions::builder()
            .memory_budget_per_thread(WRITER_BYTES)
            .num_worker_threads(1)
            .num_merge_threads(1)
            .build();
        let committed = index
            .load_metas()?
            .payload
            .as_deref()
            .and_then(Progress::parse);
        let committed = committed.filter(|committed| committed.fingerprint == fingerprint);
        let progress = committed.clone().unwrap_or_else(|| Progress {
            fingerprint,
            mark: OutboxMark(String::new()),
            built_to: None,
            is_complete: false,
        });
        let mut leader = Self {
            work,
            writer: index.writer_with_options(options)?,
            reader: reader(index)?,
            progress,
            committed,
            committed_at: Instant::now(),
            began_at: Instant::now(),
        };
        if let Some(committed) = &leader.committed {
            work.publish(&leader.reader, committed.is_complete)?;
        } else {
            // It may have been of another catalogue, or damaged.
            work.engine.publish(None);
            leader.begin()?;
        }
        Ok(leader)
    }

    /// Begins a build. What was there is shown until the first commit.
    fn begin(&mut self) -> Result<(), IndexerError> {
        self.began_at = Instant::now();
        self.writer.delete_all_documents()?;
        self.progress.mark = self.ask(self.work.store.outbox_end())?;
        self.progress.built_to = Some(0);
        Ok(())
    }

    /// Does a bit of what there is to do; true where there is nothing.
    fn step(&mut self) -> Result<bool, IndexerError> {
        let is_idle = match self.progress.built_to {
            Some(built_to) => self.build(built_to)?,
            None => self.follow()?,
        };
        self.progress.is_complete = is_idle;
        Ok(is_idle)
    }

    fn build(&mut self, built_to: i64) -> Result<bool, IndexerError> {
        let products = self.ask(self.work.store.listed_after(built_to, BATCH))?;
        self.progress.built_to = products.last().map(|last| last.product_id);
        self.add(&products)?;
        if self.progress.built_to.is_none() {
            let seconds = self.began_at.elapsed().as_secs_f64();
            tracing::info!(seconds, "built the search index");
        }
        Ok(false)
    }

    fn follow(&mut self) -> Result<bool, IndexerError> {
        let mark = self.progress.mark.clone();
        let Some(OutboxPage { changes, mark }) =
            self.ask(self.work.store.outbox_after(mark, BATCH))?
        else {
            tracing::warn!("versions were missed: the search index is built anew");
            self.begin()?;
            return Ok(false);
        };
        let mut ids: Vec<_> = changes.iter().map(|change| change.product_id).collect();
        ids.sort_unstable();
        ids.dedup();
        for id in &ids {
            let id = Term::from_field_i64(self.work.engine.schema.id, *id);
            self.writer.delete_term(id);
        }
        let is_idle = ids.is_empty();
        if !is_idle {
            let products = self.ask(self.work.store.listed(ids))?;
            self.add(&products)?;
        }
        self.progress.mark = mark;
        Ok(is_idle)
    }

    fn add(&self, products: &[ListedProduct]) -> Result<(), IndexerError> {
        for entry in products
            .iter()
            .filter_map(|product| self.work.engine.schema.entry(product))
        {
            self.writer.add_document(entry)?;
        }
        Ok(())
    }

    fn commit_where_due(&mut self, is_idle: bool) -> Result<(), IndexerError> {
        if self.committed.as_ref() == Some(&self.progress) {
            return Ok(());
        }
        let pause = match (is_idle, &self.committed) {
            (false, _) => COMMIT_EVERY,
            (true, Some(_)) => COMMIT_PAUSE,
            (true, None) => Duration::ZERO,
        };
        if self.committed_at.elapsed() < pause {
            return Ok(());
        }
        // Text and numbers: this cannot fail, and no progress would be none of this catalogue.
        let payload = serde_json::to_string(&self.progress).unwrap_or_default();
        let mut commit = self.writer.prepare_commit()?;
        commit.set_payload(&payload);
        commit.commit()?;
        self.committed = Some(self.progress.clone());
        self.committed_at = Instant::now();
        self.reader.reload()?;
        self.work.publish(&self.reader, self.progress.is_complete)
    }

    fn ask<T>(
        &self,
        answer: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, IndexerError> {
        Ok(self.work.background.block_on(answer)?)
    }
}
