//! Where a supervisor keeps what is its own: a folder that nobody else may enter.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Only the user.
const PRIVATE_FOLDER: u32 = 0o700;

/// The folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home(PathBuf);

impl Home {
    /// Makes the folder where there is none, and keeps others out.
    pub fn open(path: &Path) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        for folder in [path.clone(), path.join("logs"), path.join("notify")] {
            DirBuilder::new()
                .recursive(true)
                .mode(PRIVATE_FOLDER)
                .create(&folder)?;
        }
        fs::set_permissions(&path, Permissions::from_mode(PRIVATE_FOLDER))?;
        Ok(Self(path))
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where the daemon takes orders.
    pub fn control_socket(&self) -> PathBuf {
        self.0.join("control.sock")
    }

    /// What the daemon says of itself.
    pub fn daemon_log(&self) -> PathBuf {
        self.0.join("daemon.log")
    }

    /// Held by the daemon.
    pub(super) fn lock(&self) -> PathBuf {
        self.0.join("daemon.lock")
    }

    /// What runs, for the next daemon where this one is killed.
    pub(super) fn state(&self) -> PathBuf {
        self.0.join("state.json")
    }

    /// What `save` writes and `resurrect` reads.
    pub fn saved(&self) -> PathBuf {
        self.0.join("saved.json")
    }

    /// Where a log goes unless a process file says otherwise.
    pub(super) fn log(&self, process: &str, stream: &str) -> PathBuf {
        self.0.join("logs").join(format!("{process}-{stream}.log"))
    }

    /// Where a worker sends its notifications: a place that no other one has had.
    pub(super) fn notify_socket(&self) -> PathBuf {
        static NEXT: AtomicU64 = AtomicU64::new(0);

        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{number}", std::process::id());
        self.0.join("notify").join(name)
    }
}

/// Replaces a file as a whole, readable by its user alone.
pub(super) fn write_privately(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    file.persist(path)?;
    Ok(())
}
