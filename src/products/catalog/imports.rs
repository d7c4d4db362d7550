//! Imports that are asked for over HTTP.

use std::time::Instant;

use super::Catalog;
use crate::products::import_runs::{ImportRun, ImportStatus, Options, run};
use crate::products::store::{CatalogTransaction, Decision, StoreError, WriteError};

impl Catalog {
    /// Begins to keep an import, whose file comes next.
    pub async fn receive_import(
        &self,
        deadline: Instant,
        options: &Options,
    ) -> Result<i64, WriteError> {
        let options = written(options)?;
        let work = move |transaction: &mut dyn CatalogTransaction| {
            let id = transaction.begin_import(None, &options)?;
            Ok((Decision::Commit, id))
        };
        self.write(deadline, work).await
    }

    /// Keeps a piece of its file.
    pub async fn receive_import_chunk(
        &self,
        deadline: Instant,
        id: i64,
        position: i64,
        bytes: Vec<u8>,
    ) -> Result<(), WriteError> {
        let work = move |transaction: &mut dyn CatalogTransaction| {
            transaction.add_import_chunk(id, position, &bytes)?;
            Ok((Decision::Commit, ()))
        };
        self.write(deadline, work).await
    }

    /// Has an import done whose file is whole.
    pub async fn begin_received_import(
        &self,
        deadline: Instant,
        id: i64,
        trace: Option<String>,
    ) -> Result<(), WriteError> {
        let work = move |transaction: &mut dyn CatalogTransaction| {
            transaction.note_import(id, ImportStatus::Waiting, 0)?;
            transaction.enqueue(&[run(id, trace)?])?;
            Ok((Decision::Commit, ()))
        };
        self.write(deadline, work).await
    }

    /// Has a file imported that is somewhere else. Returns the number of the import.
    pub async fn begin_import_from(
        &self,
        deadline: Instant,
        url: String,
        options: &Options,
        trace: Option<String>,
    ) -> Result<i64, WriteError> {
        let options = written(options)?;
        let work = move |transaction: &mut dyn CatalogTransaction| {
            let id = transaction.begin_import(Some(&url), &options)?;
            transaction.note_import(id, ImportStatus::Waiting, 0)?;
            transaction.enqueue(&[run(id, trace)?])?;
            Ok((Decision::Commit, id))
        };
        self.write(deadline, work).await
    }

    /// An import.
    pub async fn import_run(&self, id: i64) -> Result<Option<ImportRun>, StoreError> {
        self.in_time(self.store.import_run(id)).await
    }

    /// What an import left out, as JSON Lines.
    pub async fn import_report(&self, id: i64) -> Result<Option<String>, StoreError> {
        self.in_time(self.store.import_report(id)).await
    }
}

fn written(options: &Options) -> Result<String, StoreError> {
    serde_json::to_string(options).map_err(|error| StoreError::new(error.to_string()))
}
