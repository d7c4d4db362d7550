//! Running an import: records are read and checked on one thread and written on another, in one
//! transaction a file.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use foldhash::{HashMap, HashSet};

use super::{Place, Record, RecordError, RecordResult, Records};
use crate::products::input::ProductInput;
use crate::products::store::{
    CatalogStore, CatalogTransaction, Decision, PutError, Settled, StoreError, UnresolvedRelation,
};
use crate::products::validate::{Invalid, validate};
use crate::products::weight::weight;

/// Records handed over, and put, at once: enough that a store which takes many at once gains by it.
const BATCH: usize = 512;
/// The first batch, for which the writer waits. Each one is twice as long as the one before, up to [`BATCH`].
const FIRST_BATCH: usize = 32;
/// Weight at which a batch is handed over however few its records are, in bytes.
const BATCH_BYTES: usize = 2 * 1024 * 1024;
/// Batches read ahead of the writer, and waiting behind it to be freed. With [`BATCH_BYTES`] it bounds the memory of an
/// import.
const AHEAD: usize = 4;

/// What to do with what is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// The first error ends the import; the catalogue stays as it was.
    Stop,
    /// The record is left out and reported.
    Skip,
}

/// How to run.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// What an error does.
    pub on_error: OnError,
    /// Do everything, then roll back.
    pub dry_run: bool,
    /// Soft-delete what the file does not contain, provided that no record was skipped.
    pub delete_missing: bool,
}

/// What a caller may want to show meanwhile.
#[derive(Debug)]
pub enum Event<'a> {
    /// This many products have been written, or found unchanged.
    Progress(u64),
    /// A record was left out.
    Skipped(&'a RecordError),
    /// Something to know, with nothing left out of the catalogue.
    Warning(&'a str),
}

/// What an import did, in products.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// New.
    pub created: u64,
    /// Changed.
    pub updated: u64,
    /// As they were.
    pub unchanged: u64,
    /// Soft-deleted.
    pub deleted: u64,
    /// Records left out.
    pub skipped: u64,
    /// Relations left out, and other things to know.
    pub warnings: u64,
}

/// Why an import did nothing.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file is at fault.
    #[error(transparent)]
    Record(RecordError),
    /// The store is.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Imports one file. Blocks.
pub fn run(
    store: &dyn CatalogStore,
    records: Records<'_>,
    options: Options,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Report, ImportError> {
    let (batches, read) = sync_channel(AHEAD);
    let (spent, done_with) = sync_channel(AHEAD);
    thread::scope(|scope| {
        // Freeing a product takes as long as writing a row of it.
        scope.spawn(move || done_with.into_iter().for_each(drop::<Vec<ProductInput>>));
        scope.spawn(move || read_ahead(records, &batches));
        let mut outcome = Ok(Report::default());
        store.transaction(&mut |transaction| {
            let mut import = Import {
                transaction,
                options,
                on_event,
                report: Report::default(),
                places: HashMap::default(),
                spent: &spent,
            };
            outcome = import.write(&read);
            let keep = outcome.is_ok() && !options.dry_run;
            Ok(if keep {
                Decision::Commit
            } else {
                Decision::Rollback
            })
        })?;
        // Lets go of a reader that waits for room.
        drop(read);
        drop(spent);
        outcome
    })
}

/// Reads, checks and hands over until the file ends or nobody wants more.
fn read_ahead(records: Records<'_>, batches: &SyncSender<Vec<RecordResult>>) {
    let mut size = FIRST_BATCH;
    let mut batch = Vec::with_capacity(size);
    let mut bytes = 0;
    for record in records {
        let record = record.and_then(checked);
        bytes += record.as_ref().map_or(0, |record| weight(&record.product));
        batch.push(record);
        if batch.len() < size && bytes < BATCH_BYTES {
            continue;
        }
        // A heavy batch takes as many places in the queue as it is worth, all but one of them empty.
        let places = std::iter::repeat_with(Vec::new).take(bytes / BATCH_BYTES);
        size = BATCH.min(2 * size);
        let full = std::mem::replace(&mut batch, Vec::with_capacity(size));
        bytes = 0;
        for batch in places.skip(1).chain([full]) {
            if batches.send(batch).is_err() {
                return;
            }
        }
    }
    // The writer has gone only after an error, which it tells itself.
    let _ = batches.send(batch);
}

fn checked(record: Record) -> RecordResult {
    let problems = validate(&record.product);
    match problems.first() {
        None => {
            // Here, since the writer has the most to do.
            if let Some(attributes) = &record.product.attributes {
                attributes.json();
            }
            Ok(record)
        }
        Some(first) => Err(invalid(&record, first, problems.len() - 1)),
    }
}

fn invalid(record: &Record, first: &Invalid, others: usize) -> RecordError {
    let handle = &record.product.handle;
    let more = match others {
        0 => String::new(),
        others => format!(" (and {others} more in this product)"),
    };
    RecordError::new(
        record.place,
        &first.pointer,
        &first.value,
        format!("{}{more}, in product {handle:?}", first.reason),
    )
}

/// One file on its way into the catalogue.
struct Import<'a> {
    transaction: &'a mut dyn CatalogTransaction,
    options: Options,
    on_event: &'a mut dyn FnMut(Event<'_>),
    report: Report,
    /// Where each handle stands in the file.
    places: HashMap<String, Place>,
    /// What was put, to be freed elsewhere.
    spent: &'a SyncSender<Vec<ProductInput>>,
}

impl Import<'_> {
    fn write(&mut self, read: &Receiver<Vec<RecordResult>>) -> Result<Report, ImportError> {
        let mut written = 0;
        for batch in read {
            let mut stretch = Stretch::default();
            for record in batch {
                if stretch.has(&record) {
                    written += self.put(std::mem::take(&mut stretch))?;
                }
                stretch.push(record);
            }
            written += self.put(stretch)?;
            (self.on_event)(Event::Progress(written));
        }
        self.delete_missing()?;
        let settled = self.transaction.settle()?;
        self.report_relations(&settled.unresolved)?;
        let Settled {
            created,
            updated,
            unchanged,
            deleted,
            ..
        } = settled;
        Ok(Report {
            created,
            updated,
            unchanged,
            deleted,
            ..self.report.clone()
        })
    }

    /// Puts what can be put and leaves out the rest; tells how many were put.
    fn put(&mut self, stretch: Stretch) -> Result<u64, ImportError> {
        let records = stretch.records.into_iter();
        let records: Vec<RecordResult> = records.map(|it| self.unless_twice(it)).collect();
        let products = records.iter().flatten().map(|record| &record.product);
        let outcomes = self.transaction.put_many(&products.collect::<Vec<_>>())?;
        let mut outcomes = outcomes.into_iter();
        let mut put = Vec::with_capacity(records.len());
        for record in records {
            let refused = match &record {
                Err(_) => None,
                Ok(_) => outcomes.next().and_then(Result::err),
            };
            match (record, refused) {
                (Ok(mut record), None) => {
                    let handle = std::mem::take(&mut record.product.handle);
                    self.places.insert(handle, record.place);
                    put.push(record.product);
                }
                (
                    Ok(record),
                    Some(PutError::Conflict {
                        field,
                        value,
                        reason,
                    }),
                ) => {
                    self.skip(RecordError::new(record.place, field, value, reason))?;
                }
                (_, Some(PutError::Store(error))) => return Err(error.into()),
                (Err(error), _) => self.skip(error)?,
            }
        }
        let count = put.len() as u64;
        // Nobody takes it once the import is over.
        let _ = self.spent.send(put);
        Ok(count)
    }

    fn unless_twice(&self, record: RecordResult) -> RecordResult {
        let record = record?;
        let handle = &record.product.handle;
        match self.places.get(handle) {
            None => Ok(record),
            Some(first) => {
                let reason = format!("appears twice; first at {first}");
                Err(RecordError::new(record.place, "handle", handle, reason))
            }
        }
    }

    /// Leaves the record out, if that is what an error does and this error allows it.
    fn skip(&mut self, error: RecordError) -> Result<(), ImportError> {
        if self.options.on_error == OnError::Stop || error.fatal {
            return Err(ImportError::Record(error));
        }
        self.report.skipped += 1;
        (self.on_event)(Event::Skipped(&error));
        Ok(())
    }

    fn delete_missing(&mut self) -> Result<(), ImportError> {
        if !self.options.delete_missing {
            return Ok(());
        }
        if self.report.skipped > 0 {
            // A skipped record is not a missing product.
            self.warn("nothing was deleted, because records were skipped");
            return Ok(());
        }
        Ok(self.transaction.delete_missing()?)
    }

    fn report_relations(&mut self, unresolved: &[UnresolvedRelation]) -> Result<(), ImportError> {
        for relation in unresolved {
            let place = self.places.get(&relation.handle).copied();
            let error = RecordError::new(
                place.unwrap_or_default(),
                "relations",
                &relation.related,
                format!(
                    "product {:?} names a product that is neither in the catalogue nor in the file",
                    relation.handle
                ),
            );
            if self.options.on_error == OnError::Stop {
                return Err(ImportError::Record(error));
            }
            self.warn(&format!("{error}; the relation was left out"));
        }
        Ok(())
    }

    fn warn(&mut self, text: &str) {
        self.report.warnings += 1;
        (self.on_event)(Event::Warning(text));
    }
}

/// Records that are put at once: products with handles of their own, and what could not be read among them.
#[derive(Default)]
struct Stretch {
    records: Vec<RecordResult>,
    handles: HashSet<String>,
}

impl Stretch {
    /// Whether the product of this record is here already. Which of the two is kept is known when the first was put.
    fn has(&self, record: &RecordResult) -> bool {
        let record = record.as_ref();
        record.is_ok_and(|record| self.handles.contains(&record.product.handle))
    }

    fn push(&mut self, record: RecordResult) {
        if let Ok(record) = &record {
            self.handles.insert(record.product.handle.clone());
        }
        self.records.push(record);
    }
}

#[cfg(test)]
mod tests;
