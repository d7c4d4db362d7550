//! The file of this machine, and the thread that keeps flags up to date. It needs nothing but the file system and the
//! clock, so it works when nothing else does.
//!
//! The file is looked at by its times and its size, ten times a second, which costs a microsecond: that works on every
//! file system, for files that are replaced, linked to, or not there yet.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::board::Flags;
use super::definition::{Definition, Invalid, parse_document};
use super::trouble::Place;

/// How often the file and the clock are looked at.
const LOOK: Duration = Duration::from_millis(100);
/// Largest file.
const MAX_BYTES: u64 = 1 << 20;

/// The thread. Dropping it stops it.
#[derive(Debug)]
pub struct Keeper {
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Reads the file, and goes on looking at it. A file that is not there says nothing; one that is wrong leaves in
    /// force what is.
    pub fn start(flags: Flags, path: Option<PathBuf>) -> io::Result<Self> {
        let mut watched = path.map(Watched::new);
        if let Some(watched) = &mut watched {
            // A second look tells a file that is wrong from one that is being written.
            watched.look(&flags);
            watched.look(&flags);
        }
        let (stop, stopped) = mpsc::channel();
        let run = move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(LOOK) {
                if let Some(watched) = &mut watched {
                    watched.look(&flags);
                }
                flags.tick();
            }
        };
        let thread = Builder::new().name("flags".to_owned()).spawn(run)?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // A panic there was reported by the panic hook already.
            let _ = thread.join();
        }
    }
}

/// Reads the file as [`Keeper::start`] does.
pub(super) fn read_once(flags: &Flags, path: &Path) {
    let mut watched = Watched::new(path.to_owned());
    watched.look(flags);
    watched.look(flags);
}

/// By what a file is known to be another one, or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sight {
    modified: Option<SystemTime>,
    size: u64,
    /// Inode, and the time of the last change to it.
    identity: (u64, i64, i64),
}

impl Sight {
    fn of(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::MetadataExt;

        let metadata = fs::metadata(path)?;
        Ok(Self {
            modified: metadata.modified().ok(),
            size: metadata.len(),
            identity: (metadata.ino(), metadata.ctime(), metadata.ctime_nsec()),
        })
    }
}

/// What was last seen of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Nothing,
    Absent,
    Good(Sight),
    /// It may be written just now.
    Dubious(Sight),
    Bad(Sight),
}

struct Watched {
    path: PathBuf,
    seen: Seen,
}

impl Watched {
    fn new(path: PathBuf) -> Self {
        let seen = Seen::Nothing;
        Self { path, seen }
    }

    fn look(&mut self, flags: &Flags) {
        let sight = match Sight::of(&self.path) {
            Ok(sight) => sight,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if self.seen != Seen::Absent {
                    self.seen = Seen::Absent;
                    flags.trouble().clear(&Place::File);
                    flags.set_file(BTreeMap::new());
                }
                return;
            }
            Err(error) => return self.refuse(flags, &error.to_string()),
        };
        if matches!(self.seen, Seen::Good(seen) | Seen::Bad(seen) if seen == sight) {
            return;
        }
        match read(&self.path) {
            Ok(definitions) => {
                self.seen = Seen::Good(sight);
                flags.trouble().clear(&Place::File);
                flags.set_file(definitions);
            }
            Err(error) if self.seen == Seen::Dubious(sight) => {
                self.seen = Seen::Bad(sight);
                self.refuse(flags, &error);
            }
            Err(_) => self.seen = Seen::Dubious(sight),
        }
    }

    fn refuse(&self, flags: &Flags, error: &str) {
        let what = format!("{}: {error}", self.path.display());
        flags.trouble().note(Place::File, what);
    }
}

fn read(path: &Path) -> Result<BTreeMap<String, std::sync::Arc<Definition>>, String> {
    let text = read_bytes(path).map_err(|error| error.to_string())?;
    parse_document(&text).map_err(|error| error.to_string())
}

fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?
        .take(MAX_BYTES + 1)
        .read_to_end(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(io::Error::other(format!("larger than {MAX_BYTES} bytes")));
    }
    Ok(text)
}

/// Why the file was not changed.
#[derive(Debug, thiserror::Error)]
pub enum OverrideError {
    /// It cannot be read or written.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is, or would be, no document of flags.
    #[error("{0}; mend it first")]
    Invalid(#[from] Invalid),
}

/// Has the file say this of a flag, or nothing, and replaces it at once, so that nobody ever reads half of it. What it
/// says of others stays.
pub fn write_override(
    path: &Path,
    key: &str,
    definition: Option<&Value>,
) -> Result<(), OverrideError> {
    let mut document = match read_bytes(path) {
        Ok(text) => {
            parse_document(&text)?;
            serde_json::from_slice(&text).unwrap_or_else(|_| json!({}))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => json!({ "flags": {} }),
        Err(error) => return Err(error.into()),
    };
    if let Some(flags) = document["flags"].as_object_mut() {
        match definition {
            Some(definition) => drop(flags.insert(key.to_owned(), definition.clone())),
            None => drop(flags.shift_remove(key)),
        }
    }
    let mut text = serde_json::to_vec_pretty(&document).map_err(io::Error::other)?;
    text.push(b'\n');
    parse_document(&text)?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&text)?;
    file.as_file().sync_all()?;
    // Other users than the one who writes may run the server.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.as_file()
            .set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests;
