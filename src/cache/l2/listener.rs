//! The fast path: hears of invalidations by other nodes within milliseconds. Messages that are missed are found in
//! the store's journal all the same; still the node is told that it may have missed some, so that it asks about what
//! it has.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use redis::aio::PubSub;
use redis::{RedisError, RedisResult, Value};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::keyspace::Message;
use super::link::{L2Error, Session};
use super::tier::Tier;
use super::{L2Key, Watcher};

/// How often a silent connection is asked whether it still is one.
const PING: Duration = Duration::from_secs(1);
/// From a lost connection to the next one.
const RETRY: Duration = Duration::from_millis(100);

/// Listens for as long as it is polled.
pub(super) async fn run<K: L2Key>(tier: Arc<Tier>, watcher: Arc<dyn Watcher<K>>) {
    let mut sessions = tier.link.sessions();
    loop {
        let session = match sessions.wait_for(Option::is_some).await {
            Ok(session) => session.as_ref().map(|session| session.number),
            Err(_) => return,
        };
        let Some(session) = session else { continue };
        match listen(&tier, &*watcher, &mut sessions, session).await {
            Ok(()) => {}
            Err(error) => {
                tracing::debug!(%error, "lost the messages of other nodes");
                tier.link.suspect();
                sleep(RETRY).await;
            }
        }
    }
}

/// Until the connection is lost, or another session begins: then others publish elsewhere, perhaps.
async fn listen<K: L2Key>(
    tier: &Tier,
    watcher: &dyn Watcher<K>,
    sessions: &mut watch::Receiver<Option<Session>>,
    session: u64,
) -> Result<(), L2Error> {
    let limit = tier.options.connect_timeout;
    let subscribed = timeout(limit, subscribe(tier)).await;
    let late = |_| L2Error::DeadlineExceeded(limit);
    let (mut sink, mut messages) = subscribed.map_err(late)??.split();
    // What was published before is gone, and what comes from here on is heard.
    tier.counters.missed.add(1);
    watcher.missed();
    let is_over = |now: &Option<Session>| now.as_ref().is_none_or(|now| now.number != session);
    loop {
        tokio::select! {
            message = messages.next() => {
                let message = message.ok_or(L2Error::Down)?;
                heed(tier, watcher, message.get_payload_bytes());
            }
            () = sleep(PING) => {
                timeout(limit, sink.ping::<Value>()).await.map_err(late)??;
            }
            () = async { drop(sessions.wait_for(is_over).await) } => return Ok(()),
        }
    }
}

fn heed<K: L2Key>(tier: &Tier, watcher: &dyn Watcher<K>, message: &[u8]) {
    tier.counters.messages.add(1);
    match Message::from_bytes(message) {
        Some(Message::Invalidated(key, version)) => watcher.invalidated(&key, version),
        // It was done here before it was told.
        Some(Message::Purged { node, .. }) if node == tier.node => {}
        Some(Message::Purged { what, depth, .. }) => watcher.purged(&what, depth),
        Some(Message::Note(note)) => watcher.noted(&note),
        None => tracing::debug!("a message that is none of ours"),
    }
}

async fn subscribe(tier: &Tier) -> RedisResult<PubSub> {
    let mut last = RedisError::from((redis::ErrorKind::Io, "no server to ask for messages"));
    for server in tier.link.server().publishers().await? {
        let subscribed = async {
            let mut messages = server.get_async_pubsub().await?;
            messages.subscribe(tier.keyspace.channel()).await?;
            Ok(messages)
        };
        match subscribed.await {
            Ok(messages) => return Ok(messages),
            Err(error) => last = error,
        }
    }
    Err(last)
}
