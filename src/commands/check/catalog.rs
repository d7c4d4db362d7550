//! Whether the catalogue can be used.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use super::reachability::directory_status;
use crate::app;
use crate::config::{CatalogUrl, Config};
use crate::db::SchemaState;
use crate::db::sqlite::Sqlite;

/// How every SQLite file begins (<https://sqlite.org/fileformat.html#magic_header_string>).
const SQLITE_HEADER: &[u8; 16] = b"SQLite format 3\0";

/// How the catalogue is, in a few words, or why it cannot be used and the mend. Changes nothing.
pub fn catalog_status(config: &Config) -> Result<String, String> {
    match &config.catalog.url {
        CatalogUrl::Sqlite(path) => file_status(path),
        CatalogUrl::Postgres(_) => {
            schema_status(app::postgres_schema(&config.catalog).map_err(|error| error.to_string()))
        }
    }
}

fn file_status(path: &Path) -> Result<String, String> {
    let mut file = match File::options().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let directory = path.parent().unwrap_or(Path::new("."));
            return directory_status(directory)
                .map(|_| "does not exist yet, can be created".to_owned());
        }
        Err(error) => {
            return Err(format!(
                "cannot be opened to read and write: {error}; give this user access to it"
            ));
        }
    };
    let mut header = Vec::new();
    let read = file.by_ref().take(16).read_to_end(&mut header);
    match read {
        Err(error) => Err(format!("cannot be read: {error}; name a SQLite file")),
        Ok(0) => Ok("empty; serve, import or migrate will set it up".to_owned()),
        Ok(_) if header == SQLITE_HEADER => {
            schema_status(Sqlite::schema_state(path).map_err(|error| error.to_string()))
        }
        Ok(_) => Err("not a SQLite file; name another one".to_owned()),
    }
}

fn schema_status(state: Result<SchemaState, String>) -> Result<String, String> {
    match state? {
        SchemaState::Current { version } => Ok(format!("schema version {version}, current")),
        SchemaState::Pending { missing } => Ok(format!(
            "{} pending; serve, import or migrate will apply them",
            missing.join(", ")
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::{Flag, Sources};

    fn status(path: &Path) -> Result<String, String> {
        let sources = Sources {
            flags: vec![Flag {
                flag: "--catalog-url",
                setting: "catalog.url",
                value: format!("sqlite:{}", path.display()),
            }],
            ..Sources::default()
        };
        catalog_status(&Config::load(&sources).unwrap())
    }

    #[test]
    fn a_catalogue_is_a_sqlite_file_or_none_yet() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("shop.db");
        assert_eq!(status(&path).unwrap(), "does not exist yet, can be created");

        let database = rusqlite::Connection::open(&path).unwrap();
        database
            .execute_batch("CREATE TABLE t (id INTEGER)")
            .unwrap();
        assert!(status(&path).unwrap().contains(
            "V1__catalogue, V2__listing, V3__access, V4__stock, V5__popular, V6__flags, V7__jobs, \
             V8__review_submissions, V10__webhooks, V11__back_in_stock, V12__counted, V13__history \
             pending"
        ));
        Sqlite::open(&path).unwrap().migrate().unwrap();
        assert_eq!(status(&path).unwrap(), "schema version 13, current");
        database
            .execute("UPDATE refinery_schema_history SET checksum = '1'", [])
            .unwrap();
        assert!(status(&path).unwrap_err().contains("newer doorbuster"));

        fs::write(&path, "id,title\n").unwrap();
        assert!(status(&path).unwrap_err().contains("not a SQLite file"));
        fs::write(&path, "").unwrap();
        assert!(status(&path).unwrap().starts_with("empty"));
        assert!(status(root.path()).is_err());
    }
}
