//! What imports over HTTP ask of the store.

use futures_util::future::BoxFuture;

use crate::products::store::StoreError;

/// How far an import has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportStatus {
    /// Its file is being sent.
    Receiving,
    /// Nobody has begun it yet.
    Waiting,
    /// It is being done.
    Running,
    /// It is done, if only in part.
    Done,
    /// Nothing was imported.
    Failed,
}

impl ImportStatus {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Receiving,
        Self::Waiting,
        Self::Running,
        Self::Done,
        Self::Failed,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Receiving => "receiving",
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    /// The status of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

/// An import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportRun {
    /// Its number.
    pub id: i64,
    /// How far it has come.
    pub status: ImportStatus,
    /// Where the file is, unless it was sent.
    pub url: Option<String>,
    /// [`Options`](super::Options) as JSON.
    pub options: String,
    /// Products that were written or found unchanged, when it was last noted.
    pub products: i64,
    /// What it did, as JSON.
    pub outcome: Option<String>,
    /// Why it did nothing.
    pub error: Option<String>,
    /// RFC 3339, UTC, milliseconds.
    pub created_at: String,
    /// RFC 3339, UTC, milliseconds.
    pub ended_at: Option<String>,
}

/// How an import ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportEnd {
    /// What it did, as JSON; `None` where it failed.
    pub outcome: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// What was left out, as JSON Lines.
    pub report: String,
}

/// Reading imports.
pub trait ImportStore {
    /// The one with this number.
    fn import_run(&self, id: i64) -> BoxFuture<'_, Result<Option<ImportRun>, StoreError>>;

    /// What it left out, as JSON Lines.
    fn import_report(&self, id: i64) -> BoxFuture<'_, Result<Option<String>, StoreError>>;

    /// A piece of its file, counted from 0.
    fn import_chunk(
        &self,
        id: i64,
        position: i64,
    ) -> BoxFuture<'_, Result<Option<Vec<u8>>, StoreError>>;
}

/// Writing imports, inside a transaction.
pub trait ImportTransaction {
    /// Begins to keep one. Returns its number.
    fn begin_import(&mut self, url: Option<&str>, options: &str) -> Result<i64, StoreError>;

    /// Keeps a piece of its file.
    fn add_import_chunk(&mut self, id: i64, position: i64, bytes: &[u8]) -> Result<(), StoreError>;

    /// Notes how far it has come, unless it has ended.
    fn note_import(
        &mut self,
        id: i64,
        status: ImportStatus,
        products: i64,
    ) -> Result<(), StoreError>;

    /// Ends it, and forgets its file.
    fn end_import(&mut self, id: i64, end: &ImportEnd) -> Result<(), StoreError>;

    /// Forgets files that were not sent to their end within a day, and imports that ended a month ago.
    fn forget_imports(&mut self) -> Result<(), StoreError>;
}
