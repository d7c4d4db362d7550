//! Opening the catalogue that the configuration names.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{CatalogConfig, CatalogUrl, Config, PostgresUrl};
use crate::db::postgres::{Options, Postgres, PostgresError};
use crate::db::sqlite::{Sqlite, SqliteError};
use crate::db::{MigrationReport, SchemaState};
use crate::flags::FlagStore;
use crate::jobs::{JobStore, PostgresJobs, SqliteJobs};
use crate::products::postgres::{self, PostgresCatalog};
use crate::products::sqlite::{self, SqliteCatalog};
use crate::products::store::CatalogStore;
use crate::products::tail::TailEvent;
use crate::tokens::TokenStore;

/// Why a catalogue cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The embedded store.
    #[error(transparent)]
    Sqlite(#[from] SqliteError),
    /// PostgreSQL.
    #[error(transparent)]
    Postgres(#[from] PostgresError),
}

/// A catalogue with a current schema, in whichever store.
#[derive(Debug, Clone)]
pub enum OpenCatalog {
    /// In the embedded store.
    Sqlite(SqliteCatalog),
    /// In PostgreSQL.
    Postgres(PostgresCatalog),
}

/// What follows the commits of a catalogue, until it is dropped.
#[derive(Debug)]
#[expect(dead_code, reason = "kept for their ends")]
pub(super) enum Tail {
    Sqlite(sqlite::Tail),
    Postgres(postgres::Tail),
}

impl OpenCatalog {
    /// Its tokens.
    pub fn tokens(&self) -> TokenStore {
        match self {
            Self::Sqlite(store) => store.database().clone().into(),
            Self::Postgres(store) => store.database().clone().into(),
        }
    }

    /// What operators have said of its flags.
    pub fn flags(&self) -> FlagStore {
        match self {
            Self::Sqlite(store) => store.database().clone().into(),
            Self::Postgres(store) => store.database().clone().into(),
        }
    }

    /// Has the servers it is on watched from here on. To be called once. Blocks for a second at most.
    pub(super) fn watch(&self) {
        if let Self::Postgres(store) = self {
            store.database().watch();
        }
    }

    /// As the rest of the program knows it.
    pub fn as_store(&self) -> &dyn CatalogStore {
        match self {
            Self::Sqlite(store) => store,
            Self::Postgres(store) => store,
        }
    }

    /// As several parts of the program share it.
    pub fn into_store(self) -> Arc<dyn CatalogStore> {
        match self {
            Self::Sqlite(store) => Arc::new(store),
            Self::Postgres(store) => Arc::new(store),
        }
    }

    /// Follows its commits from here on, and those of the last `back`, which a copy may lack.
    pub(super) fn follow(
        &self,
        back: Duration,
        on_event: impl Fn(TailEvent) + Send + Sync + 'static,
    ) -> Result<Tail, OpenError> {
        Ok(match self {
            Self::Sqlite(store) => Tail::Sqlite(sqlite::Tail::start(store.database(), on_event)?),
            Self::Postgres(store) => {
                Tail::Postgres(postgres::Tail::start(store.database(), back, on_event)?)
            }
        })
    }
}

/// Opens the catalogue the configuration names, creating it where there is none, and brings its schema up to date.
pub fn open_catalog(config: &Config) -> Result<OpenCatalog, OpenError> {
    match &config.catalog.url {
        CatalogUrl::Sqlite(path) => Ok(open_sqlite(path)?),
        CatalogUrl::Postgres(_) => {
            let database = postgres(&config.catalog)?;
            database.migrate()?;
            Ok(OpenCatalog::Postgres(PostgresCatalog::new(database)))
        }
    }
}

/// Like [`open_catalog`], but does without the primary where that is lost and a replica has a current schema: a node that
/// is started while there is no primary reads from replicas, and writes once there is one.
pub fn open_catalog_to_serve(config: &Config) -> Result<OpenCatalog, OpenError> {
    let CatalogUrl::Postgres(_) = &config.catalog.url else {
        return open_catalog(config);
    };
    let database = postgres(&config.catalog)?;
    if let Err(error) = database.migrate() {
        let is_current = |state| matches!(state, SchemaState::Current { .. });
        if !error.is_lost() || !database.schema_state_of_a_replica().is_some_and(is_current) {
            return Err(error.into());
        }
        tracing::warn!(%error, "beginning without a primary, with what replicas have");
    }
    Ok(OpenCatalog::Postgres(PostgresCatalog::new(database)))
}

/// Like [`open_catalog`], but leaves nothing behind where there is no catalogue: `None`.
pub fn open_existing_catalog(config: &Config) -> Result<Option<OpenCatalog>, OpenError> {
    let is_there = match &config.catalog.url {
        // Any other answer than "no" is for opening to explain.
        CatalogUrl::Sqlite(path) => !matches!(path.try_exists(), Ok(false)),
        CatalogUrl::Postgres(_) => postgres(&config.catalog)?.has_schema()?,
    };
    is_there.then(|| open_catalog(config)).transpose()
}

/// Opens the catalogue in an SQLite file, creating it where there is none.
pub fn open_sqlite(path: &Path) -> Result<OpenCatalog, OpenError> {
    let database = Sqlite::open(path)?;
    database.migrate()?;
    Ok(OpenCatalog::Sqlite(SqliteCatalog::new(database)))
}

/// The jobs of a catalogue. In PostgreSQL they have connections of their own, so that they take none from readers.
pub fn open_jobs(config: &Config, store: &OpenCatalog) -> Result<Arc<dyn JobStore>, OpenError> {
    match store {
        OpenCatalog::Sqlite(store) => Ok(Arc::new(SqliteJobs::new(store.database().clone()))),
        OpenCatalog::Postgres(_) => {
            let catalog = CatalogConfig {
                replicas: Vec::new(),
                pool_size: config.jobs.pool_size,
                ..config.catalog.clone()
            };
            let database = postgres(&catalog)?;
            database.watch();
            Ok(Arc::new(PostgresJobs::new(database)))
        }
    }
}

/// Brings the schema of the catalogue up to date.
pub fn migrate(config: &Config) -> Result<MigrationReport, OpenError> {
    Ok(match &config.catalog.url {
        CatalogUrl::Sqlite(path) => Sqlite::open(path)?.migrate()?,
        CatalogUrl::Postgres(_) => postgres(&config.catalog)?.migrate()?,
    })
}

/// How the schema of a catalogue in PostgreSQL stands, changing nothing.
pub fn postgres_schema(config: &CatalogConfig) -> Result<SchemaState, OpenError> {
    Ok(postgres(config)?.schema_state()?)
}

/// How a replica stands, in a few words, or why it cannot be used. Blocks.
pub fn replica_status(url: &PostgresUrl) -> Result<String, String> {
    let standing = Postgres::standing(url.reveal()).map_err(|error| {
        format!("{error}; serve will read from the others or from the primary, and keep trying")
    })?;
    if standing.is_replica {
        Ok(format!(
            "a replica, {} bytes to replay",
            standing.unreplayed
        ))
    } else {
        Err("is no replica: it takes writes; name it in catalog.url, or leave it out".to_owned())
    }
}

fn postgres(config: &CatalogConfig) -> Result<Postgres, PostgresError> {
    let url = match &config.url {
        CatalogUrl::Postgres(url) => url.reveal().to_owned(),
        CatalogUrl::Sqlite(_) => return Err(PostgresError::Url("it names a file".to_owned())),
    };
    Postgres::open(&Options {
        url,
        replicas: config
            .replicas
            .iter()
            .map(|url| url.reveal().to_owned())
            .collect(),
        max_replica_lag: config.max_replica_lag,
        pool_size: config.pool_size.get(),
        pgbouncer: config.pgbouncer,
    })
}
