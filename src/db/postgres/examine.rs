//! Facts about a server for an operator's doctor. What they mean is for others to say.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio::runtime::Builder;
use tokio_postgres::Client;

use super::connect::Servers;
use super::{PostgresError, describe, parse_url};

const EXAMINE: &str = include_str!("../../../sql/postgres/queries/examine.sql");
const SETTINGS: &str = "SELECT name, setting FROM pg_settings WHERE name = ANY($1)";

/// How long a server may take for all of it.
const PATIENCE: Duration = Duration::from_secs(10);
/// Settings that are asked for.
const ASKED: [&str; 10] = [
    "fsync",
    "full_page_writes",
    "hot_standby_feedback",
    "max_connections",
    "max_standby_streaming_delay",
    "shared_buffers",
    "superuser_reserved_connections",
    "synchronous_commit",
    "synchronous_standby_names",
    "wal_level",
];

/// What a server says of itself.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Such as `15.18`.
    pub version: String,
    /// It replays what another server writes.
    pub is_replica: bool,
    /// How far its clock is ahead of ours, in milliseconds; half a round trip is not known.
    pub clock_ahead: i64,
    /// How long a query takes there and back.
    pub round_trip: Duration,
    /// Whether this user may make temporary tables.
    pub may_make_temporary_tables: bool,
    /// Whether this user may ask which history of the data this is.
    pub may_ask_for_history: bool,
    /// Tables that this user may not read and write.
    pub forbidden_tables: Vec<String>,
    /// Connections of others.
    pub connections_of_others: i64,
    /// Bytes of the database.
    pub size: i64,
    /// Milliseconds since the last transaction that was replayed, where there is more to replay.
    pub lag: Option<i64>,
    /// Servers that replay what this one writes.
    pub replicas: i64,
    /// Why LISTEN cannot be used, if it cannot.
    pub listen: Result<(), String>,
    /// Settings by name.
    pub settings: BTreeMap<String, String>,
}

impl Facts {
    /// A setting; empty where the server has none of that name.
    pub fn setting(&self, name: &str) -> &str {
        self.settings.get(name).map_or("", String::as_str)
    }

    /// A setting that is a number.
    pub fn number(&self, name: &str) -> i64 {
        self.setting(name).parse().unwrap_or(0)
    }
}

/// Asks the server of a URL. Blocks.
pub fn examine(url: &str) -> Result<Facts, PostgresError> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let servers = Servers::new(parse_url(url)?, None)?;
    runtime.block_on(async {
        let asking = async { facts(&servers.open().await?).await };
        let late = |_| PostgresError::NoAnswer("to what the doctor asks");
        tokio::time::timeout(PATIENCE, asking).await.map_err(late)?
    })
}

async fn facts(client: &Client) -> Result<Facts, PostgresError> {
    // Once for the plan, and once for the clock.
    client.query_one(EXAMINE, &[]).await?;
    let (asked, began) = (unix_millis(), Instant::now());
    let row = client.query_one(EXAMINE, &[]).await?;
    let round_trip = began.elapsed();
    let answered_at: i64 = row.try_get(2)?;
    let half = i64::try_from(round_trip.as_millis() / 2).unwrap_or(0);
    let has_more: bool = row.try_get(9)?;
    let settings = client.query(SETTINGS, &[&&ASKED[..]]).await?;
    let settings = settings
        .iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
    let settings: Result<_, tokio_postgres::Error> = settings.collect();
    let listen = client
        .batch_execute("LISTEN catalog_outbox; UNLISTEN catalog_outbox")
        .await;
    Ok(Facts {
        version: row.try_get(0)?,
        is_replica: row.try_get(1)?,
        clock_ahead: answered_at - asked - half,
        round_trip,
        may_make_temporary_tables: row.try_get(3)?,
        may_ask_for_history: row.try_get(4)?,
        forbidden_tables: row.try_get(5)?,
        connections_of_others: row.try_get(6)?,
        size: row.try_get(7)?,
        lag: has_more.then(|| row.try_get(8)).transpose()?,
        replicas: row.try_get(10)?,
        listen: listen.map_err(|error| describe(&error)),
        settings: settings?,
    })
}

fn unix_millis() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |now| i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
}
