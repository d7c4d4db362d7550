//! Hearing notifications, as long as the connection lasts, and making it anew.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::poll_fn;
use tokio::sync::mpsc::{self, Receiver};
use tokio::time::{Instant, timeout_at};
use tokio_postgres::{AsyncMessage, Client};

use super::connect::Servers;
use super::error::PostgresError;
use super::pool::Generation;

/// How long after a failure the connection is made anew.
const AGAIN: Duration = Duration::from_secs(1);

/// Listens to one channel. A notification is a hint: some may be missed, so whoever waits looks from time to time
/// without one.
pub struct Listener {
    /// `None` where nothing can be heard.
    servers: Option<Arc<Servers>>,
    generation: Generation,
    channel: &'static str,
    session: Option<Session>,
    not_before: Instant,
}

struct Session {
    /// Keeps the session open.
    _client: Client,
    heard: Receiver<()>,
    generation: u64,
}

impl Listener {
    pub(super) fn new(
        servers: Option<Arc<Servers>>,
        generation: Generation,
        channel: &'static str,
    ) -> Self {
        Self {
            servers,
            generation,
            channel,
            session: None,
            not_before: Instant::now(),
        }
    }

    /// Waits for a notification, at most so long; at most for `deaf` where none can be heard.
    pub async fn wait(&mut self, longest: Duration, deaf: Duration) {
        let until = Instant::now() + longest;
        if self.session.is_none() && !self.connect().await {
            tokio::time::sleep(deaf.min(longest)).await;
            return;
        }
        let Some(session) = &mut self.session else {
            return;
        };
        // Ends with its connection. One to a server that was given up may not know yet that it has ended.
        let is_over = tokio::select! {
            heard = timeout_at(until, session.heard.recv()) => matches!(heard, Ok(None)),
            () = self.generation.ended(session.generation) => true,
        };
        if is_over {
            self.session = None;
        }
    }

    /// True where it can be heard from now on.
    async fn connect(&mut self) -> bool {
        let Some(servers) = self
            .servers
            .as_ref()
            .filter(|_| Instant::now() >= self.not_before)
        else {
            return false;
        };
        self.not_before = Instant::now() + AGAIN;
        let generation = self.generation.now();
        match listen(servers, self.channel, generation).await {
            Ok(session) => {
                self.session = Some(session);
                true
            }
            Err(error) => {
                tracing::debug!("cannot listen to {}: {error}", self.channel);
                false
            }
        }
    }
}

async fn listen(
    servers: &Servers,
    channel: &str,
    generation: u64,
) -> Result<Session, PostgresError> {
    let (client, mut connection) = servers.connect().await?;
    // One that waits is enough: it stands for all that came meanwhile.
    let (hear, heard) = mpsc::channel(1);
    tokio::spawn(async move {
        while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
            if matches!(message, AsyncMessage::Notification(_)) {
                let _ = hear.try_send(());
            }
        }
    });
    client.batch_execute(&format!("LISTEN {channel}")).await?;
    Ok(Session {
        _client: client,
        heard,
        generation,
    })
}
