//! The end of a server, so that no client sees a connection cut off.

use std::time::Duration;

use actix_web::dev::ServerHandle;
use tokio::time::sleep;

use super::{Order, notify};
use crate::http::Readiness;

/// After a listener has stopped accepting: until what it has accepted has reached the workers, who would drop it once they
/// stop, and has said what it wants.
const SETTLE: Duration = Duration::from_millis(50);

/// How long the steps may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// For load balancers to find out, and clients to leave.
    pub(super) grace: Duration,
    /// For requests in flight, after that.
    pub(super) drain: Duration,
}

/// Both listeners.
pub(super) struct Listeners {
    pub(super) public: ServerHandle,
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
        if matches!(order, Order::HandOver(_)) {
            tokio::join!(self.public.pause(), self.admin.pause());
        } else {
            readiness.drain();
        }
        sleep(times.grace).await;
        self.public.pause().await;
        sleep(SETTLE).await;
        tokio::select! {
            () = self.public.stop(true) => {}
            () = sleep(times.drain) => {
                tracing::warn!("not all requests were done in time: ending");
            }
        }
    }
}
