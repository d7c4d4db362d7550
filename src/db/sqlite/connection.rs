//! Opening connections with the settings every one of them needs.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::SqliteError;

/// How long a writer waits for another process (an import, say) to finish its transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// What a connection may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// SELECT only.
    ReadOnly,
    /// Everything.
    ReadWrite,
}

/// Opens the file, creating it and its folder where missing.
pub fn open(path: &Path, access: Access) -> Result<Connection, SqliteError> {
    let failed = |reason: String| SqliteError::Open {
        path: path.to_owned(),
        reason,
    };
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(|error| failed(no_folder(folder, &error)))?;
    }
    // Connections stay on one thread at a time, so SQLite's own mutexes would only cost.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags(path, flags).map_err(|error| failed(no_file(&error)))?;
    configure(&connection, access).map_err(|error| failed(no_file(&error)))?;
    Ok(connection)
}

fn no_folder(folder: &Path, error: &io::Error) -> String {
    let folder = folder.display();
    match error.kind() {
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory => {
            format!("{folder} is not a directory; name another path")
        }
        _ => format!("{folder} cannot be created: {error}; give this user access to it"),
    }
}

fn no_file(error: &rusqlite::Error) -> String {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => "not a SQLite file; name another one".to_owned(),
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            let access =
                "name a file that this user may read and write, in a directory it may write";
            format!("{error}; {access}")
        }
        _ => error.to_string(),
    }
}

/// Keeps changes in a write-ahead log. For the one switch that makes a new database have one, SQLite does not wait as
/// the busy timeout says: of two that begin at once one is told at once that the database is locked.
fn use_write_ahead_log(connection: &Connection) -> rusqlite::Result<()> {
    const PAUSE: Duration = Duration::from_millis(5);
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        let switched = connection.pragma_update(None, "journal_mode", "WAL");
        let is_busy = switched
            .as_ref()
            .is_err_and(|error| error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy));
        if !is_busy || Instant::now() >= deadline {
            return switched;
        }
        thread::sleep(PAUSE);
    }
}

fn configure(connection: &Connection, access: Access) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // Without this guarantee SQLite compiles a statement anew whenever a bound value changes that could
    // change the plan, which took ten times as long as running it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(64);
    // Only a new, empty database takes a page size: 8 KiB holds three typical documents, where 4 KiB
    // would hold one and waste the rest.
    connection.pragma_update(None, "page_size", 8192)?;
    use_write_ahead_log(connection)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    match access {
        // A reader is opened read-write and restrained here, because only a read-write connection may
        // recover the WAL after a crash.
        Access::ReadOnly => {
            connection.pragma_update(None, "cache_size", -8 * 1024)?;
            connection.pragma_update(None, "query_only", true)
        }
        // In WAL mode NORMAL keeps the file sound through power loss; the last transactions may be lost
        // with the power, never with the process. A catalogue can be imported again.
        Access::ReadWrite => {
            connection.pragma_update(None, "cache_size", -64 * 1024)?;
            // What this program writes was checked before it came here. The constraints are for what others
            // write; heeding them here, too, parsed each JSON column again, a tenth of an import.
            connection.pragma_update(None, "ignore_check_constraints", true)?;
            // A savepoint keeps each page it changes; beyond 64 KiB it would do so in a file.
            connection.pragma_update(None, "temp_store", "MEMORY")?;
            // A large import leaves a log of its own size, which would stay for good.
            connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
            connection.pragma_update(None, "synchronous", "NORMAL")
        }
    }
}
