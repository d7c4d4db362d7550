//! The folder of an index that several processes use: one of them writes, all read. What is in it was made
//! of something else, so what cannot be used is thrown away.

use std::fs::{self, File, TryLockError};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use tantivy::directory::MmapDirectory;
use tantivy::schema::Schema;
use tantivy::{Index, IndexReader, ReloadPolicy, TantivyError};

/// Why the index cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The folder or the lock.
    #[error("cannot use the search index at {path}: {error}; give this user access to it")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The index itself.
    #[error("the search index failed: {0}")]
    Index(#[from] TantivyError),
}

/// Where an index is kept.
#[derive(Debug, Clone)]
pub struct IndexFolder {
    path: PathBuf,
}

/// The right to write, held by one process at a time. It goes with the file handle, so a killed process
/// leaves it to another.
#[derive(Debug)]
pub struct Leadership {
    _lock: File,
}

impl IndexFolder {
    /// Creates nothing yet.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Becomes the one that writes; `None` while another process is.
    pub fn try_lead(&self) -> Result<Option<Leadership>, IndexError> {
        // Beside the folder, since the folder may be thrown away.
        let path = self.path.with_extension("lock");
        let failed = |error| self.failed(error);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        let lock = File::create(path).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Leadership { _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(self.failed(error)),
        }
    }

    /// Opens the index for reading; `None` where there is none with this schema.
    pub fn open(&self, schema: &Schema) -> Result<Option<Index>, IndexError> {
        if !self.path.is_dir() {
            return Ok(None);
        }
        let directory = MmapDirectory::open(&self.path).map_err(TantivyError::from)?;
        if !Index::exists(&directory).map_err(TantivyError::from)? {
            return Ok(None);
        }
        let index = Index::open(directory)?;
        Ok((index.schema() == *schema).then_some(index))
    }

    /// Opens the index for writing. One that cannot be read, or whose checksums are wrong, is replaced by an
    /// empty one.
    pub fn open_or_replace(&self, _: &Leadership, schema: &Schema) -> Result<Index, IndexError> {
        match self
            .open(schema)
            .and_then(|index| Ok(index.map(verified).transpose()?))
        {
            Ok(Some(index)) => return Ok(index),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "the search index is built anew"),
        }
        let failed = |error| self.failed(error);
        match fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(self.failed(error)),
            _ => fs::create_dir_all(&self.path).map_err(failed)?,
        }
        let directory = MmapDirectory::open(&self.path).map_err(TantivyError::from)?;
        Ok(Index::builder()
            .schema(schema.clone())
            .open_or_create(directory)?)
    }

    fn failed(&self, error: io::Error) -> IndexError {
        let path = self.path.clone();
        IndexError::Folder { path, error }
    }
}

/// Reads the index when it is told to, and not by a watcher of its own.
pub fn reader(index: &Index) -> Result<IndexReader, TantivyError> {
    index
        .reader_builder()
        .reload_policy(ReloadPolicy::Manual)
        .try_into()
}

fn verified(index: Index) -> Result<Index, TantivyError> {
    let verify = || {
        let damaged = index.validate_checksum()?;
        if let Some(file) = damaged.iter().next() {
            return Err(TantivyError::SystemError(format!(
                "{} is damaged",
                file.display()
            )));
        }
        // Checksums tell nothing of files that are not there.
        reader(&index).map(drop)
    };
    // The library takes the word of a file for its own lengths.
    let verdict = catch_unwind(AssertUnwindSafe(verify));
    let unreadable = |_| Err(TantivyError::SystemError("not readable".to_owned()));
    verdict.unwrap_or_else(unreadable).map(|()| index)
}
