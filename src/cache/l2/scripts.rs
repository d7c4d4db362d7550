//! The steps on a key that have to be one: Lua, which Redis runs as a whole. They are called by the hash that the
//! server gave them, and loaded again where it has forgotten them.

use futures_util::future::try_join_all;
use redis::{Cmd, ErrorKind, RedisResult, ServerErrorKind, Value, cmd};

use super::server::Connection;

/// A step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    Lease,
    Fill,
    Invalidate,
    Purge,
}

impl Script {
    fn text(self) -> &'static str {
        match self {
            Self::Lease => concat!(
                include_str!("lua/record.lua"),
                include_str!("lua/lease.lua")
            ),
            Self::Fill => concat!(include_str!("lua/record.lua"), include_str!("lua/fill.lua")),
            Self::Invalidate => concat!(
                include_str!("lua/record.lua"),
                include_str!("lua/invalidate.lua")
            ),
            Self::Purge => concat!(
                include_str!("lua/record.lua"),
                include_str!("lua/purge.lua")
            ),
        }
    }
}

/// The hashes of the scripts on a server.
#[derive(Debug, Clone)]
pub(super) struct Scripts {
    lease: String,
    fill: String,
    invalidate: String,
    purge: String,
}

/// The two keys of a key, in one hash slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) record: Vec<u8>,
    pub(super) lease: Vec<u8>,
}

impl Scripts {
    /// Loads them all.
    pub(super) async fn load(connection: &Connection) -> RedisResult<Self> {
        Ok(Self {
            lease: load(connection, Script::Lease).await?,
            fill: load(connection, Script::Fill).await?,
            invalidate: load(connection, Script::Invalidate).await?,
            purge: load(connection, Script::Purge).await?,
        })
    }

    /// The call of a script on a key; its arguments are to be added.
    pub(super) fn call(&self, script: Script, slot: &Slot) -> Cmd {
        let hash = match script {
            Script::Lease => &self.lease,
            Script::Fill => &self.fill,
            Script::Invalidate => &self.invalidate,
            Script::Purge => &self.purge,
        };
        let mut call = cmd("EVALSHA");
        call.arg(hash).arg(2).arg(&slot.record).arg(&slot.lease);
        call
    }
}

async fn load(connection: &Connection, script: Script) -> RedisResult<String> {
    connection.load_script(script.text()).await
}

/// Makes calls of a script, all on their way at once, and returns the answers in order. The first error is that of
/// all; what was done was done. Every script may be called again after it.
pub(super) async fn call_all(
    connection: &Connection,
    script: Script,
    calls: &[Cmd],
) -> RedisResult<Vec<Value>> {
    let all = || try_join_all(calls.iter().map(|call| connection.send(call)));
    match all().await {
        Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
            tracing::debug!(
                ?script,
                "Redis has forgotten its scripts; they are loaded again"
            );
            load(connection, script).await?;
            all().await
        }
        done => done,
    }
}
