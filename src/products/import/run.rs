//! Running an import: records are read and checked on one thread and written on another, in one
//! transaction a file.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::{Place, Record, RecordError, RecordResult, Records};
use crate::products::store::{
    CatalogStore, CatalogTransaction, Decision, PutError, Settled, StoreError, UnresolvedRelation,
};
use crate::products::validate::{Invalid, validate};
use crate::products::weight::weight;

/// Records handed over at once: enough that the threads seldom meet.
const BATCH: usize = 64;
/// Weight at which a batch is handed over however few its records are, in bytes.
const BATCH_BYTES: usize = 512 * 1024;
/// Batches read ahead of the writer. With [`BATCH_BYTES`] it bounds the memory of an import.
const AHEAD: usize = 16;

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
    thread::scope(|scope| {
        scope.spawn(move || read_ahead(records, &batches));
        let mut outcome = Ok(Report::default());
        store.transaction(&mut |transaction| {
            let mut import = Import {
                transaction,
                options,
                on_event,
                report: Report::default(),
                places: HashMap::new(),
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
        outcome
    })
}

/// Reads, checks and hands over until the file ends or nobody wants more.
fn read_ahead(records: Records<'_>, batches: &SyncSender<Vec<RecordResult>>) {
    let mut batch = Vec::with_capacity(BATCH);
    let mut bytes = 0;
    for record in records {
        let record = record.and_then(checked);
        bytes += record.as_ref().map_or(0, |record| weight(&record.product));
        batch.push(record);
        if batch.len() < BATCH && bytes < BATCH_BYTES {
            continue;
        }
        // A heavy batch takes as many places in the queue as it is worth, all but one of them empty.
        let places = std::iter::repeat_with(Vec::new).take(bytes / BATCH_BYTES);
        let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
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
        None => Ok(record),
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
}

impl Import<'_> {
    fn write(&mut self, read: &Receiver<Vec<RecordResult>>) -> Result<Report, ImportError> {
        let mut written = 0;
        for batch in read {
            for record in batch {
                match record
                    .map_err(ImportError::Record)
                    .and_then(|r| self.put(r))
                {
                    Ok(()) => written += 1,
                    Err(error) => self.skip(error)?,
                }
            }
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

    fn put(&mut self, record: Record) -> Result<(), ImportError> {
        let Record { place, product } = record;
        if let Some(first) = self.places.get(&product.handle) {
            let reason = format!("appears twice; first at {first}");
            let error = RecordError::new(place, "handle", &product.handle, reason);
            return Err(ImportError::Record(error));
        }
        self.transaction
            .put(&product)
            .map_err(|error| match error {
                PutError::Conflict {
                    field,
                    value,
                    reason,
                } => ImportError::Record(RecordError::new(place, field, value, reason)),
                PutError::Store(error) => ImportError::Store(error),
            })?;
        self.places.insert(product.handle, place);
        Ok(())
    }

    /// Leaves the record out, if that is what an error does and this error allows it.
    fn skip(&mut self, error: ImportError) -> Result<(), ImportError> {
        match error {
            ImportError::Record(record)
                if self.options.on_error == OnError::Skip && !record.fatal =>
            {
                self.report.skipped += 1;
                (self.on_event)(Event::Skipped(&record));
                Ok(())
            }
            other => Err(other),
        }
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

#[cfg(test)]
mod tests;
