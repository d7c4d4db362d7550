//! Schema migrations: ordered and checksummed by refinery, locked by us across processes.

use std::fs::File;
use std::path::{Path, PathBuf};

use refinery::Migration;
use refinery::error::Kind;
use rusqlite::Connection;

use super::{Access, SqliteError, open};
use crate::db::{MigrationReport, SchemaState};

mod embedded {
    refinery::embed_migrations!("sql/sqlite/migrations");
}

/// Applies what is missing. A migration already applied whose text differs from ours, or one we do not
/// know (a newer program was here), is an error, and nothing is changed.
pub(super) fn run(path: &Path) -> Result<MigrationReport, SqliteError> {
    let failed = |reason: String| SqliteError::Migrate {
        path: path.to_owned(),
        reason,
    };
    let mut connection = open(path, Access::ReadWrite)?;
    // refinery does not lock; two processes that start together would both apply. The lock goes with
    // the file handle, so a killed process leaves none behind.
    let lock = File::create(lock_path(path)).map_err(|error| failed(error.to_string()))?;
    lock.lock().map_err(|error| failed(error.to_string()))?;
    applied(&mut connection, path)?;
    let report = embedded::migrations::runner()
        .run(&mut connection)
        .map_err(|error| failed(reason(&error)))?;
    Ok(MigrationReport {
        applied: report
            .applied_migrations()
            .iter()
            .map(ToString::to_string)
            .collect(),
        version: newest(),
    })
}

/// Compares an existing file with the migrations of this program, changing nothing.
pub(super) fn state(path: &Path) -> Result<SchemaState, SqliteError> {
    let mut connection = open(path, Access::ReadOnly)?;
    let applied = applied(&mut connection, path)?;
    let known = embedded::migrations::runner();
    let mut missing: Vec<&Migration> = known
        .get_migrations()
        .iter()
        .filter(|migration| !applied.contains(migration))
        .collect();
    // They come by their names, where 10 is before 2.
    missing.sort_unstable_by_key(|migration| migration.version());
    let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
    Ok(if missing.is_empty() {
        SchemaState::Current { version: newest() }
    } else {
        SchemaState::Pending { missing }
    })
}

/// The migrations that were applied, all of which have to be ours.
fn applied(connection: &mut Connection, path: &Path) -> Result<Vec<Migration>, SqliteError> {
    let failed = |reason: String| SqliteError::Migrate {
        path: path.to_owned(),
        reason,
    };
    if !connection.table_exists(None, "refinery_schema_history")? {
        return Ok(Vec::new());
    }
    let known = embedded::migrations::runner();
    let applied = known
        .get_applied_migrations(connection)
        .map_err(|error| failed(reason(&error)))?;
    let stranger = applied
        .iter()
        .find(|migration| !known.get_migrations().contains(migration));
    match stranger {
        Some(migration) => Err(failed(format!(
            "migration {migration} is not one of this version's; use a newer doorbuster"
        ))),
        None => Ok(applied),
    }
}

/// What the database said; as `rusqlite` words it, a whole migration would be part of it.
fn reason(error: &refinery::Error) -> String {
    let Kind::Connection(_, source) = error.kind() else {
        return error.to_string();
    };
    match source.downcast_ref() {
        Some(rusqlite::Error::SqlInputError { msg, .. }) => {
            format!("{msg}; another program's file? name another one")
        }
        _ => source.to_string(),
    }
}

fn newest() -> i32 {
    embedded::migrations::runner()
        .get_migrations()
        .iter()
        .map(Migration::version)
        .max()
        .unwrap_or(0)
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".migrate-lock");
    name.into()
}
