//! Doing an import behind the requests.

use std::fs::File;
use std::io::{self, BufRead, Read, Seek, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use super::options::{Format, OnError, Options};
use super::store::{ImportEnd, ImportRun, ImportStatus};
use crate::jobs::{Failure, Handler, Job, Kind, Limits, NewJob, Registered};
use crate::outbound::{Client, Reach};
use crate::products::behind::{commit, new_job};
use crate::products::catalog::Catalog;
use crate::products::import::detect::detect;
use crate::products::import::run::{self as import_run, Event, ImportError};
use crate::products::import::source::Source;
use crate::products::import::{self, ReadOptions};
use crate::products::money::Currency;
use crate::products::store::{CatalogStore, CatalogTransaction, StoreError};

/// Does an import.
const RUN: Kind = Kind {
    name: "import.run",
    max_attempts: 5,
    keeps_done: true,
};

/// How long one may take.
const LONGEST: Duration = Duration::from_hours(6);
/// How often it is noted how far it has come.
const NOTE_EVERY: Duration = Duration::from_secs(1);
/// Lines of a report: whoever has more wrong has the same wrong.
const MOST_REPORTED: usize = 10_000;

#[derive(Serialize, Deserialize)]
struct OfImport {
    import: i64,
}

/// Where imports may come from.
#[derive(Debug, Clone)]
pub struct Sources {
    /// Longest file, in bytes, as it is sent.
    pub max_bytes: u64,
    /// Whether addresses of a private network may be asked.
    pub allow_private: bool,
}

/// To be enqueued by the transaction that has the file whole.
pub(in crate::products) fn run(id: i64, trace: Option<String>) -> Result<NewJob, StoreError> {
    let job = new_job(&RUN, &OfImport { import: id })?;
    Ok(job.unique(id.to_string()).traced(trace))
}

struct Run {
    catalog: Catalog,
    store: Arc<dyn CatalogStore>,
    client: Client,
    max_bytes: u64,
}

/// Says, when it is dropped, that nobody waits for the import any more.
struct GivenBack(Arc<AtomicBool>);

impl Drop for GivenBack {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Handler for Run {
    fn run<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Result<(), Failure>> {
        async move {
            let OfImport { import: id } = job.read().map_err(Failure::lasting)?;
            let found = self.store.import_run(id).await.map_err(Failure::passing)?;
            let Some(found) = found else {
                return Ok(());
            };
            // Ended: the word of that came before the end of the job.
            if matches!(found.status, ImportStatus::Done | ImportStatus::Failed) {
                return Ok(());
            }
            self.note(id, 0).await?;
            let is_over = Arc::<AtomicBool>::default();
            let _given_back = GivenBack(Arc::clone(&is_over));
            let work = Work {
                run: found,
                store: Arc::clone(&self.store),
                catalog: self.catalog.clone(),
                client: self.client.clone(),
                max_bytes: self.max_bytes,
                handle: Handle::current(),
                is_over,
            };
            let done = spawn_blocking(move || work.done()).await;
            let end = match done.map_err(Failure::passing)? {
                Ok(end) => end,
                Err(Trouble::Lasting(reason)) => ImportEnd {
                    error: Some(reason),
                    ..ImportEnd::default()
                },
                Err(Trouble::Passing(reason)) if job.is_last_attempt() => ImportEnd {
                    error: Some(reason),
                    ..ImportEnd::default()
                },
                Err(Trouble::Passing(reason)) => return Err(Failure::Passing(reason)),
            };
            let work = move |transaction: &mut dyn CatalogTransaction| {
                transaction.end_import(id, &end)?;
                transaction.forget_imports()
            };
            commit(&self.catalog, work).await
        }
        .boxed()
    }
}

impl Run {
    async fn note(&self, id: i64, products: i64) -> Result<(), Failure> {
        let work = move |transaction: &mut dyn CatalogTransaction| {
            transaction.note_import(id, ImportStatus::Running, products)
        };
        commit(&self.catalog, work).await
    }
}

/// Why an import did nothing.
enum Trouble {
    /// It may do something the next time.
    Passing(String),
    /// The file, or what was asked, is at fault.
    Lasting(String),
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Passing(error.to_string())
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Passing(error.to_string())
    }
}

/// One import, on a thread that may be blocked.
struct Work {
    run: ImportRun,
    store: Arc<dyn CatalogStore>,
    catalog: Catalog,
    client: Client,
    max_bytes: u64,
    handle: Handle,
    is_over: Arc<AtomicBool>,
}

impl Work {
    fn done(&self) -> Result<ImportEnd, Trouble> {
        let lasting = |error: &dyn std::fmt::Display| Trouble::Lasting(error.to_string());
        let options: Options =
            serde_json::from_str(&self.run.options).map_err(|error| lasting(&error))?;
        let currency = options.default_currency.as_deref().unwrap_or("USD");
        let default_currency = Currency::parse(currency).map_err(|error| lasting(&error))?;
        let (file, length) = self.file()?;
        let name = self
            .run
            .url
            .clone()
            .unwrap_or_else(|| "the file".to_owned());
        let mut source =
            Source::stream(name, file, Some(length)).map_err(|error| lasting(&error))?;
        let format = match options.format {
            Format::Jsonl => import::Format::Jsonl,
            Format::ShopifyCsv => import::Format::ShopifyCsv,
            Format::GoogleFeed => import::Format::GoogleFeed,
            Format::Auto => detect(source.head()?).map_err(|error| lasting(&error))?,
        };
        let text = Interrupted {
            text: source.into_text(),
            is_over: Arc::clone(&self.is_over),
        };
        let records = import::records(text, format, ReadOptions { default_currency });
        let how = import_run::Options {
            on_error: match options.on_error {
                OnError::Stop => import_run::OnError::Stop,
                OnError::Skip => import_run::OnError::Skip,
            },
            dry_run: options.dry_run,
            delete_missing: options.delete_missing,
        };
        let mut report = Reported::default();
        let mut noted = Instant::now();
        let outcome = import_run::run(&*self.store, records, how, &mut |event| match event {
            Event::Progress(products) => {
                if noted.elapsed() >= NOTE_EVERY {
                    noted = Instant::now();
                    self.note(products);
                }
            }
            Event::Skipped(error) => report.add("skipped", &error.to_string()),
            Event::Warning(text) => report.add("warning", text),
        });
        if self.is_over.load(Ordering::Relaxed) {
            return Err(Trouble::Passing("it was interrupted".to_owned()));
        }
        match outcome {
            Ok(it) => {
                let outcome = json!({
                    "created": it.created,
                    "updated": it.updated,
                    "unchanged": it.unchanged,
                    "deleted": it.deleted,
                    "skipped": it.skipped,
                    "warnings": it.warnings,
                });
                Ok(ImportEnd {
                    outcome: Some(outcome.to_string()),
                    error: None,
                    report: report.text,
                })
            }
            Err(ImportError::Store(error)) => Err(error.into()),
            Err(ImportError::Record(error)) => {
                report.add("stopped", &error.to_string());
                Ok(ImportEnd {
                    outcome: None,
                    error: Some(error.to_string()),
                    report: report.text,
                })
            }
        }
    }

    /// The whole file, before anything is written: who sends it slowly must not hold up others who write.
    fn file(&self) -> Result<(File, u64), Trouble> {
        let mut file = tempfile::tempfile()?;
        let length = match &self.run.url {
            Some(url) => {
                let read = self.client.get(url);
                let read = read.map_err(|error| Trouble::Passing(error.to_string()))?;
                io::copy(&mut read.take(self.max_bytes + 1), &mut file)?
            }
            None => self.copy_chunks(&mut file)?,
        };
        if length > self.max_bytes {
            let reason = format!("the file has more than {} bytes", self.max_bytes);
            return Err(Trouble::Lasting(reason));
        }
        file.rewind()?;
        Ok((file, length))
    }

    fn copy_chunks(&self, file: &mut File) -> Result<u64, Trouble> {
        let mut length = 0;
        for position in 0.. {
            let chunk = self.store.import_chunk(self.run.id, position);
            let Some(chunk) = self.handle.block_on(chunk)? else {
                break;
            };
            file.write_all(&chunk)?;
            length += chunk.len() as u64;
        }
        Ok(length)
    }

    /// Only where another transaction than the import's own can write meanwhile.
    fn note(&self, products: u64) {
        if !self.store.reach().is_remote {
            return;
        }
        let (catalog, id) = (self.catalog.clone(), self.run.id);
        let products = i64::try_from(products).unwrap_or(i64::MAX);
        self.handle.spawn(async move {
            let work = move |transaction: &mut dyn CatalogTransaction| {
                transaction.note_import(id, ImportStatus::Running, products)
            };
            // The next one comes soon.
            let _ = commit(&catalog, work).await;
        });
    }
}

/// JSON Lines of what was left out.
#[derive(Default)]
struct Reported {
    text: String,
    lines: usize,
}

impl Reported {
    fn add(&mut self, what: &str, message: &str) {
        if self.lines < MOST_REPORTED {
            self.text
                .push_str(&json!({ "kind": what, "message": message }).to_string());
            self.text.push('\n');
        }
        self.lines += 1;
    }
}

/// A text that ends with an error when nobody waits for the import any more.
struct Interrupted {
    text: Box<dyn BufRead + Send>,
    is_over: Arc<AtomicBool>,
}

impl Interrupted {
    fn check(&self) -> io::Result<()> {
        if self.is_over.load(Ordering::Relaxed) {
            return Err(io::Error::other("the import was interrupted"));
        }
        Ok(())
    }
}

impl Read for Interrupted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.check()?;
        self.text.read(buffer)
    }
}

impl BufRead for Interrupted {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.check()?;
        self.text.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        self.text.consume(bytes);
    }
}

/// Who does these jobs: one import after another, in one process.
pub fn registered(
    catalog: &Catalog,
    store: &Arc<dyn CatalogStore>,
    sources: &Sources,
) -> Registered {
    let reach = if sources.allow_private {
        Reach::Anywhere
    } else {
        Reach::Public("imports.allow_private")
    };
    let run = Run {
        catalog: catalog.clone(),
        store: Arc::clone(store),
        client: Client::new(reach),
        max_bytes: sources.max_bytes,
    };
    let limits = Limits {
        concurrency: 1,
        timeout: LONGEST,
        ..Limits::default()
    };
    Registered::new(RUN, limits, run)
}
