//! How all connections are brought to an end before the workers stop, who would cut off what is left.
//!
//! HTTP/1.1 has no way to send a client away that asks nothing: closing its connection races with a request that is on its
//! way. So each is closed by the answer to its next request, and those alone whose clients have not asked for a while are
//! closed without one. HTTP/2 has such a way: see [`Parting`](super::Parting).

use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::sleep;

use super::{Connection, Connections, Millis};
use crate::limits::overload::Workers;

/// How often it is looked whether all have left.
const LOOK: Duration = Duration::from_millis(5);
/// For so long none may be open until all have left: one that was accepted has to be passed on to a worker, who would drop
/// it once it stops. The lateness of the workers comes on top.
const SETTLE: Duration = Duration::from_millis(50);
/// Over HTTP/2 an answer that has been handed over may yet have to be sent. Where nothing was sent for so long, there is
/// nothing left.
const QUIET: Millis = 1_000;

/// What becomes of connections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    #[default]
    Staying,
    /// Clients are told to come by another one.
    Leaving,
    /// Those whose clients ask nothing are closed.
    ClosingIdle,
}

/// The connections of all workers, as they end. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Departures {
    stage: watch::Sender<Stage>,
    open: Arc<AtomicUsize>,
    workers: Workers,
}

impl Departures {
    /// Of these workers.
    pub(in crate::http) fn new(workers: Workers) -> Self {
        Self {
            workers,
            ..Self::default()
        }
    }

    /// From now on clients of HTTP/2 are told to come by another connection.
    pub fn begin(&self) {
        self.stage.send_replace(Stage::Leaving);
    }

    /// From now on connections are closed whose clients ask nothing.
    pub fn close_idle(&self) {
        self.stage.send_replace(Stage::ClosingIdle);
    }

    /// Awaits that none is open, and none on its way from the listener to a worker. Takes that no more are accepted.
    pub async fn all_left(&self) {
        let mut none_since = None;
        loop {
            let now = Instant::now();
            if self.open.load(Ordering::Acquire) > 0 {
                none_since = None;
            } else {
                let since = *none_since.get_or_insert(now);
                if now.duration_since(since) >= SETTLE + self.workers.loop_lag() {
                    return;
                }
            }
            sleep(LOOK).await;
        }
    }

    pub(super) fn enter(&self) {
        self.open.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn leave(&self) {
        self.open.fetch_sub(1, Ordering::AcqRel);
    }

    pub(super) fn stages(&self) -> watch::Receiver<Stage> {
        self.stage.subscribe()
    }
}

/// Has the connections of a worker know how far it is.
pub(super) async fn follow(connections: Weak<Connections>, mut stages: watch::Receiver<Stage>) {
    stages.mark_changed();
    while stages.changed().await.is_ok() {
        let Some(connections) = connections.upgrade() else {
            return;
        };
        connections.stage.set(*stages.borrow_and_update());
        connections.wake_all();
    }
}

impl Connections {
    /// Has each look at what it is to do.
    pub(super) fn wake_all(&self) {
        let open: Vec<Rc<Connection>> = self.open.borrow().clone();
        for connection in open {
            connection.wake();
        }
    }

    /// Whether a connection whose client waits to be read is to be closed.
    pub(super) fn closes(&self, connection: &Connection, now: Millis) -> bool {
        self.stage.get() == Stage::ClosingIdle && connection.is_idle(now)
    }
}

impl Connection {
    /// No request is being answered, and none has begun to arrive.
    fn is_idle(&self, now: Millis) -> bool {
        let may_send = self.is_multiplexed.get()
            && (self.is_blocked.get() || now.saturating_sub(self.last_used.get()) < QUIET);
        let has_begun = self.head_since.get().is_some() && !self.is_untouched.get();
        self.in_flight.get() == 0 && !has_begun && !may_send
    }
}
