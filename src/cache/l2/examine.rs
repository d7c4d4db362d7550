//! Facts about a Redis for an operator's doctor. What they mean is for others to say.

use std::time::{Duration, Instant};

use redis::{Cmd, RedisResult, Value, cmd};
use tokio::time::timeout;

use super::keyspace::Keyspace;
use super::link::L2Error;
use super::server::{Connection, Server, field};
use super::tier::unix_now;

/// Round trips that are measured.
const PINGS: u32 = 20;

/// What a Redis says of itself, and lets us do.
#[derive(Debug, Clone)]
pub struct RedisFacts {
    /// Such as `7.0.15`.
    pub version: String,
    /// Bytes it may take; 0 without a limit. `None` where it does not tell.
    pub max_memory: Option<u64>,
    /// What it does when they are taken, such as `allkeys-lru`.
    pub policy: Option<String>,
    /// Bytes it takes.
    pub used_memory: Option<u64>,
    /// After how many seconds it cuts a connection that says nothing; 0 for never. `None` where it does not tell.
    pub timeout: Option<u64>,
    /// Of what it tells subscribers beside our messages; empty for nothing.
    pub notifications: Option<String>,
    /// How far its clock is ahead of ours, in milliseconds. `None` where it does not tell.
    pub clock_ahead: Option<i64>,
    /// How long an answer takes; the longest of some.
    pub round_trip: Duration,
    /// What we must be able to do and are not allowed to, in the server's words.
    pub forbidden: Vec<String>,
    /// Keys that are kept there, ours and those of others.
    pub keys: u64,
}

/// Asks a server, and tries what the tier does with a name of its own below the prefix. Dropping it is safe.
pub async fn examine(
    server: &Server,
    prefix: &str,
    limit: Duration,
) -> Result<RedisFacts, L2Error> {
    let asking = async {
        let connection = server.connect(limit).await?;
        let identity = connection.identify().await?;
        facts(
            &connection,
            &Keyspace::new(prefix),
            identity.version.clone(),
        )
        .await
    };
    let asked = timeout(limit * 4, asking).await;
    Ok(asked.map_err(|_| L2Error::DeadlineExceeded(limit * 4))??)
}

async fn facts(
    connection: &Connection,
    keyspace: &Keyspace,
    version: String,
) -> RedisResult<RedisFacts> {
    let mut round_trip = Duration::ZERO;
    for _ in 0..PINGS {
        let began = Instant::now();
        connection.send(&cmd("PING")).await?;
        round_trip = round_trip.max(began.elapsed());
    }
    let memory = connection.info("memory").await.unwrap_or_default();
    let number = |name: &str| field(&memory, name).and_then(|value| value.parse().ok());
    let size = connection.send(&cmd("DBSIZE")).await;
    Ok(RedisFacts {
        version,
        max_memory: number("maxmemory"),
        policy: field(&memory, "maxmemory_policy").map(str::to_owned),
        used_memory: number("used_memory"),
        timeout: config(connection, "timeout")
            .await
            .and_then(|it| it.parse().ok()),
        notifications: config(connection, "notify-keyspace-events").await,
        clock_ahead: clock(connection).await,
        round_trip,
        forbidden: forbidden(connection, keyspace).await,
        keys: size.map_or(0, |size| redis::from_redis_value(size).unwrap_or(0)),
    })
}

/// A setting, where the server tells it.
async fn config(connection: &Connection, name: &str) -> Option<String> {
    let mut get = cmd("CONFIG");
    get.arg("GET").arg(name);
    let pair = connection.send(&get).await.ok()?;
    let pair: Vec<(String, String)> = redis::from_redis_value(pair).ok()?;
    pair.into_iter().next().map(|(_, value)| value)
}

async fn clock(connection: &Connection) -> Option<i64> {
    let began = Instant::now();
    let asked = unix_now().cast_signed();
    let time = connection.send(&cmd("TIME")).await.ok()?;
    let half = i64::try_from(began.elapsed().as_millis() / 2).ok()?;
    let (seconds, micros): (i64, i64) = redis::from_redis_value(time).ok()?;
    Some(seconds * 1_000 + micros / 1_000 - asked - half)
}

/// Does with a name of its own what the tier does with others.
async fn forbidden(connection: &Connection, keyspace: &Keyspace) -> Vec<String> {
    let name = keyspace.scratch();
    let channel = keyspace.channel();
    let with = |words: &[&str]| {
        let mut command: Cmd = cmd(words[0]);
        for word in &words[1..] {
            command.arg(*word);
        }
        command
    };
    let all = [
        with(&["SET", &name, "1", "PX", "1000"]),
        with(&["GET", &name]),
        with(&["MGET", &name]),
        with(&["GETRANGE", &name, "0", "1"]),
        with(&["EXISTS", &name]),
        with(&["PTTL", &name]),
        with(&["SCAN", "0", "COUNT", "1"]),
        with(&["SCRIPT", "LOAD", "return redis.call('GET', KEYS[1])"]),
        with(&["DEL", &name]),
        with(&["UNLINK", &name]),
        with(&["PUBLISH", &channel, "examined"]),
    ];
    let mut forbidden = Vec::new();
    let mut script = None;
    for command in all {
        match connection.send(&command).await {
            Err(error) => forbidden.push(error.to_string()),
            Ok(Value::BulkString(hash)) if hash.len() == 40 => script = Some(hash),
            Ok(_) => {}
        }
    }
    if let Some(hash) = script {
        let mut call = cmd("EVALSHA");
        call.arg(hash).arg(1).arg(&name);
        forbidden.extend(connection.send(&call).await.err().map(|it| it.to_string()));
    }
    forbidden
}
