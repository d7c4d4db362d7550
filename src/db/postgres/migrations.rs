//! Schema migrations: ordered and checksummed by refinery, locked by us across processes.

use refinery::Migration;
use refinery::error::Kind;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::connect::Servers;
use super::{PostgresError, describe};
use crate::db::{MigrationReport, SchemaState};

mod embedded {
    refinery::embed_migrations!("sql/postgres/migrations");
}

/// The key of the lock, one of 2⁶⁴: "doorbust" in ASCII.
const LOCK: i64 = 0x646f_6f72_6275_7374;

/// Applies what is missing. A migration already applied whose text differs from ours, or one we do not know (a newer
/// program was here), is an error, and nothing is changed.
pub(super) async fn run(primary: &Servers) -> Result<MigrationReport, PostgresError> {
    // refinery does not lock; two processes that start together would both apply. The lock belongs to a transaction
    // of another connection, so it needs no session of its own and ends with this process.
    let lock = primary.open().await?;
    lock.batch_execute(&format!(
        "BEGIN; SET LOCAL statement_timeout = 0; SELECT pg_advisory_xact_lock({LOCK})"
    ))
    .await?;
    let mut client = primary.open().await?;
    client.batch_execute("SET statement_timeout = 0").await?;
    let missing = missing(&mut client).await?;
    if !missing.is_empty() {
        embedded::migrations::runner()
            .run_async(&mut client)
            .await
            .map_err(|error| PostgresError::Migrate(reason(&error)))?;
    }
    lock.batch_execute("COMMIT").await?;
    Ok(MigrationReport {
        applied: missing,
        version: newest(),
    })
}

/// Compares an existing database with the migrations of this program, changing nothing.
pub(super) async fn state(primary: &Servers) -> Result<SchemaState, PostgresError> {
    let missing = missing(&mut primary.open().await?).await?;
    Ok(if missing.is_empty() {
        SchemaState::Current { version: newest() }
    } else {
        SchemaState::Pending { missing }
    })
}

/// Whether any migration was ever applied.
pub(super) async fn has_history(primary: &Servers) -> Result<bool, PostgresError> {
    history_of(&primary.open().await?).await
}

async fn history_of(client: &Client) -> Result<bool, PostgresError> {
    // Not prepared: through PgBouncer the statement could be missed in the next session.
    let history = "SELECT to_regclass('refinery_schema_history')";
    let answer = client.simple_query(history).await?;
    Ok(answer.iter().any(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).is_some(),
        _ => false,
    }))
}

/// Names of the migrations that were not applied. Those that were have to be ours.
async fn missing(client: &mut Client) -> Result<Vec<String>, PostgresError> {
    let known = embedded::migrations::runner();
    let applied = if history_of(client).await? {
        known
            .get_applied_migrations_async(client)
            .await
            .map_err(|error| PostgresError::Migrate(reason(&error)))?
    } else {
        Vec::new()
    };
    let stranger = applied
        .iter()
        .find(|migration| !known.get_migrations().contains(migration));
    if let Some(migration) = stranger {
        return Err(PostgresError::Migrate(format!(
            "migration {migration} is not one of this version's; use a newer doorbuster"
        )));
    }
    let mut missing: Vec<&Migration> = known
        .get_migrations()
        .iter()
        .filter(|migration| !applied.contains(migration))
        .collect();
    // They come by their names, where 10 is before 2.
    missing.sort_unstable_by_key(|migration| migration.version());
    Ok(missing.iter().map(ToString::to_string).collect())
}

/// What the database said.
fn reason(error: &refinery::Error) -> String {
    let Kind::Connection(text, source) = error.kind() else {
        return error.to_string();
    };
    match source.downcast_ref() {
        Some(error) => format!("{text}: {}", describe(error)),
        None => source.to_string(),
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
