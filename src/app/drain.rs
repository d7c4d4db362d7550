//! The end of a server, so that no client sees a connection cut off.

use std::net::{Shutdown, TcpListener};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use socket2::SockRef;
use tokio::time::sleep;

use super::{Order, notify};
use crate::http::{Departures, Readiness};

/// So long a client may ask nothing until its connection is taken for idle, and closed…
const IDLE: Duration = Duration::from_secs(1);
/// …and so long where another process serves meanwhile. A load balancer keeps connections that it has no use for at the
/// moment; the longer they are left to it, the less does the closing of one meet a request that is on its way.
const IDLE_BESIDE_OTHERS: Duration = Duration::from_secs(5);

/// How long the steps may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// For load balancers to find out, and clients to leave.
    pub(super) grace: Duration,
    /// For connections that are left, after that.
    pub(super) drain: Duration,
}

/// Both listeners.
pub(super) struct Listeners {
    pub(super) public: ServerHandle,
    /// The connections of the public one.
    pub(super) departures: Departures,
    /// The public ones that no other process has.
    pub(super) own: Vec<TcpListener>,
    pub(super) admin: ServerHandle,
}

impl Listeners {
    /// Ends the public one: it says that it is not ready, and closes each connection with an answer, which tells the
    /// client so; after the grace it accepts no more, and what is in flight is finished.
    ///
    /// On [`Order::HandOver`] it accepts no more at once, and goes on calling itself ready: the next look at readiness
    /// comes by a new connection, which the other process answers, and the service is not about to stop.
    pub(super) async fn end(&self, order: Order, readiness: &Readiness, times: Times) {
        tracing::info!("{}: draining", order.name());
        notify::stopping("draining");
        readiness.close_connections();
        self.departures.begin();
        let idle = if matches!(order, Order::HandOver(_)) {
            tokio::join!(self.public.pause(), self.admin.pause());
            IDLE_BESIDE_OTHERS
        } else {
            readiness.drain();
            IDLE
        };
        sleep(times.grace).await;
        self.public.pause().await;
        self.refuse();
        tokio::select! {
            () = self.all_leave(idle) => {}
            () = sleep(times.drain) => {
                tracing::warn!("not all connections were done in time: ending");
            }
        }
        // Not gracefully: whoever is left had time enough.
        self.public.stop(false).await;
    }

    /// Refuses new connections to who would wait in vain to be accepted: nobody else accepts from these.
    fn refuse(&self) {
        for listener in &self.own {
            if let Err(error) = SockRef::from(listener).shutdown(Shutdown::Read) {
                tracing::debug!("new connections wait, and are not refused: {error}");
            }
        }
    }

    async fn all_leave(&self, idle: Duration) {
        tokio::select! {
            () = self.departures.all_left() => return,
            () = sleep(idle) => {}
        }
        self.departures.close_idle();
        self.departures.all_left().await;
    }
}
