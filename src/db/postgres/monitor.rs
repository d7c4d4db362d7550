//! Looks at each server twice a second, over a connection of its own: whether it answers, who it is, and how far it
//! has come.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};
use tokio_postgres::{Client, SimpleQueryMessage, SimpleQueryRow};

use super::connect::Servers;
use super::error::PostgresError;
use super::lag::Lsn;
use super::routing::{Routing, Server, lock};

const LOOK: &str = include_str!("../../../sql/postgres/queries/look.sql");

/// From one look to the next.
const PERIOD: Duration = Duration::from_millis(500);
/// The same for a primary that does not answer, since writers wait for it.
const ANXIOUS_PERIOD: Duration = Duration::from_millis(100);
/// Between two looks at least, however many suspect something.
const REST: Duration = Duration::from_millis(50);
/// How long a replica may take for an answer, a new connection included. Together with the silence that raises the
/// suspicion it has to be less than a read may last, so that there is time left for another server.
const REPLICA_ANSWER: Duration = Duration::from_millis(400);
/// The same for the primary: to believe it lost costs more.
const PRIMARY_ANSWER: Duration = Duration::from_secs(1);

/// What a look found.
pub(super) struct Sight {
    /// It replays what another server writes.
    pub(super) is_replica: bool,
    /// Up to where it has replayed or, as a primary, written.
    pub(super) position: Lsn,
    /// Up to where it has received or, as a primary, begun to write.
    pub(super) known: Lsn,
    /// When it was started: tells one process from all others.
    process: String,
    /// Which history a primary writes.
    timeline: u32,
}

impl Sight {
    fn read(row: &SimpleQueryRow) -> Option<Self> {
        let number = |at: usize| row.get(at)?.parse().ok();
        Some(Self {
            is_replica: row.get(0)? == "t",
            position: number(1)?,
            known: number(2)?,
            process: row.get(3)?.to_owned(),
            timeline: u32::from_str_radix(row.get(4).unwrap_or("0"), 16).ok()?,
        })
    }
}

/// Looks over a connection that is made where there is none.
struct Looker<'s> {
    servers: &'s Servers,
    client: Option<Client>,
}

impl Looker<'_> {
    async fn look(&mut self, limit: Duration) -> Result<Sight, PostgresError> {
        let sight = timeout(limit, self.look_twice()).await;
        let sight = sight.unwrap_or(Err(PostgresError::NoAnswer("to a look at it")));
        if sight.is_err() {
            self.client = None;
        }
        sight
    }

    /// An old connection may have been closed without ill will.
    async fn look_twice(&mut self) -> Result<Sight, PostgresError> {
        if let Some(client) = &self.client
            && let Ok(sight) = look(client).await
        {
            return Ok(sight);
        }
        let client = self.client.insert(self.servers.open().await?);
        look(client).await
    }
}

async fn look(client: &Client) -> Result<Sight, PostgresError> {
    let messages = client.simple_query(LOOK).await?;
    let row = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    row.and_then(Sight::read)
        .ok_or_else(|| PostgresError::Damaged("what a server says of itself".to_owned()))
}

/// How a server is, once: for people.
pub(super) async fn look_once(servers: &Servers) -> Result<Sight, PostgresError> {
    look(&servers.open().await?).await
}

async fn pause(server: &Server, period: Duration) {
    server.looked_at.send_replace(true);
    sleep(REST).await;
    tokio::select! {
        () = sleep(period.saturating_sub(REST)) => {}
        () = server.suspected.notified() => {}
    }
}

/// Watches the primary for as long as it is polled.
pub(super) async fn watch_primary(routing: Arc<Routing>) {
    let mut looker = Looker {
        servers: &routing.primary.servers,
        client: None,
    };
    loop {
        let began = Instant::now();
        let answered = routing.primary_answers();
        let period = match looker.look(PRIMARY_ANSWER).await {
            Ok(sight) if !sight.is_replica => {
                routing.see_primary(&sight, began);
                routing.primary_answered(true);
                PERIOD
            }
            seen => {
                // Nobody there may be asked again.
                looker.client = None;
                if answered {
                    let reason = seen.map_or_else(
                        |error| error.to_string(),
                        |_| "it takes no writes".to_owned(),
                    );
                    tracing::warn!(%reason, "the primary is lost");
                }
                routing.primary_answered(false);
                ANXIOUS_PERIOD
            }
        };
        if !answered && routing.primary_answers() {
            tracing::info!("the primary answers");
        }
        pause(&routing.primary, period).await;
    }
}

/// Watches a replica for as long as it is polled.
pub(super) async fn watch_replica(routing: Arc<Routing>, index: usize) {
    let replica = &routing.replicas[index];
    let mut looker = Looker {
        servers: &replica.server.servers,
        client: None,
    };
    let mut before = None;
    loop {
        let began = Instant::now();
        let seen = looker.look(REPLICA_ANSWER).await;
        let look = match seen {
            Ok(sight) => {
                let look = routing.see_replica(&sight, before, began);
                before = Some((sight.position, Instant::now()));
                look
            }
            Err(error) => Err(error.to_string()),
        };
        replica.look(look, routing.max_replica_lag);
        pause(&replica.server, PERIOD).await;
    }
}

/// The primary as it was last seen.
#[derive(Debug, Default)]
pub(super) struct PrimarySeen {
    process: String,
    timeline: u32,
    /// When the look began.
    at: Option<Instant>,
}

impl Routing {
    fn see_primary(&self, sight: &Sight, began: Instant) {
        let mut seen = lock(&self.primary_seen);
        if seen.timeline != sight.timeline {
            // The log of another primary. Where a new one came short of the old one's, its positions are lower.
            lock(&self.positions).restart();
        }
        seen.process.clone_from(&sight.process);
        seen.timeline = sight.timeline;
        seen.at = Some(began);
        self.note_position(sight.position, began);
    }

    /// Up to where a replica has come and since when it has been behind. `before`: where it was when it was looked at
    /// last, and when that was.
    fn see_replica(
        &self,
        sight: &Sight,
        before: Option<(Lsn, Instant)>,
        now: Instant,
    ) -> Result<(Lsn, Duration), String> {
        let answers = self.primary_answers();
        let seen = lock(&self.primary_seen);
        if !sight.is_replica {
            // One that was promoted, or a former primary that came back and knows nothing of the new one.
            return if seen.process == sight.process {
                Ok((Lsn::MAX, Duration::ZERO))
            } else {
                Err("it is a primary, and not the one that is written to".to_owned())
            };
        }
        let primary_seen_at = seen.at;
        drop(seen);
        if !answers {
            // What it received is all there is to be known of how far the primary had come.
            self.note_position(sight.known, now);
        }
        let newest = lock(&self.positions).newest();
        if let (Some((position, at)), Some(seen_at), Some(newest)) =
            (before, primary_seen_at, newest)
            && at < seen_at
            && position > newest
        {
            return Err("it has a history of its own".to_owned());
        }
        Ok((sight.position, self.lag(sight.position, now)))
    }
}
