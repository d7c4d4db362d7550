//! Hearing notifications, as long as the connection lasts, and making it anew.

use std::time::Duration;

use futures_util::future::poll_fn;
use tokio::sync::mpsc::{self, Receiver};
use tokio::time::{Instant, timeout_at};
use tokio_postgres::{AsyncMessage, Client, Config, NoTls};

/// How long after a failure the connection is made anew.
const AGAIN: Duration = Duration::from_secs(1);

/// Listens to one channel. A notification is a hint: some may be missed, so whoever waits looks from time to time
/// without one.
pub struct Listener {
    /// `None` where nothing can be heard.
    config: Option<Config>,
    channel: &'static str,
    session: Option<Session>,
    not_before: Instant,
}

struct Session {
    /// Keeps the session open.
    _client: Client,
    heard: Receiver<()>,
}

impl Listener {
    pub(super) fn new(config: Option<Config>, channel: &'static str) -> Self {
        Self {
            config,
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
        // Ends with its connection.
        if let Ok(None) = timeout_at(until, session.heard.recv()).await {
            self.session = None;
        }
    }

    /// True where it can be heard from now on.
    async fn connect(&mut self) -> bool {
        let Some(config) = self
            .config
            .as_ref()
            .filter(|_| Instant::now() >= self.not_before)
        else {
            return false;
        };
        self.not_before = Instant::now() + AGAIN;
        match listen(config, self.channel).await {
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

async fn listen(config: &Config, channel: &str) -> Result<Session, tokio_postgres::Error> {
    let (client, mut connection) = config.connect(NoTls).await?;
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
    })
}
