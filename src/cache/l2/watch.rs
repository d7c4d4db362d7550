//! Whether a connection to Redis still is one to the server that all others take for the master.

use std::time::Duration;

use redis::{ErrorKind, RedisError};
use tokio::time::{Instant, timeout};

use super::link::L2Error;
use super::server::{Connection, Identity, Server};

/// How often Sentinels are asked whether they have another master by now: one that was cut off from them goes on calling
/// itself one.
const RECONCILE: Duration = Duration::from_secs(5);

/// Watches over one connection.
pub(crate) struct Watch {
    identity: Identity,
    reconciled: Instant,
}

impl Watch {
    /// Over a connection to this server, which was made just now.
    pub(crate) fn over(identity: Identity) -> Self {
        Self {
            identity,
            reconciled: Instant::now(),
        }
    }

    /// Asks who answers, and from time to time whom the Sentinels name. An error says why the connection is no good any
    /// more. Takes twice the limit at most.
    pub(crate) async fn look(
        &mut self,
        server: &Server,
        connection: &Connection,
        limit: Duration,
    ) -> Result<(), L2Error> {
        if within(limit, connection.identify()).await? != self.identity {
            return Err(lost("another process answers"));
        }
        if server.has_sentinels() && self.reconciled.elapsed() >= RECONCILE {
            // Where none of them answers, the server that does is better than none.
            let named = look(server, limit).await;
            if named.is_ok_and(|identity| identity != self.identity) {
                return Err(lost("the Sentinels have another master"));
            }
            self.reconciled = Instant::now();
        }
        Ok(())
    }
}

fn lost(why: &'static str) -> L2Error {
    RedisError::from((ErrorKind::Io, why)).into()
}

pub(super) async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, RedisError>>,
) -> Result<T, L2Error> {
    let outcome = timeout(limit, work).await;
    outcome
        .map_err(|_| L2Error::DeadlineExceeded(limit))?
        .map_err(L2Error::Redis)
}

/// Connects once, and tells who answers.
pub(super) async fn look(server: &Server, limit: Duration) -> Result<Identity, L2Error> {
    within(limit, async {
        server.connect(limit).await?.identify().await
    })
    .await
}
