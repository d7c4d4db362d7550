//! What whoever started the process is told of it, by the protocol of `sd_notify(3)`. Nothing happens where nobody asked
//! to be told.

use sd_notify::NotifyState;

/// The signal on which this process hands its sockets over: see [`Order::HandOver`](super::Order). systemd passes over
/// what it does not know; `doorbuster pm` sends it in place of SIGTERM where a new process has the sockets already.
const HANDOVER: &str = "X_HANDOVER_SIGNAL=SIGQUIT";

/// It accepts requests, and would like to get them.
pub(super) fn ready(status: &str) {
    send(&[
        NotifyState::Ready,
        NotifyState::Status(status),
        NotifyState::Custom(HANDOVER),
    ]);
}

/// It reads its configuration again; [`ready`] says that it is done.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => send(&[
            NotifyState::Reloading,
            now,
            NotifyState::Status("reading the configuration again"),
        ]),
        Err(error) => tracing::debug!(%error, "no monotonic time"),
    }
}

/// It is about to end.
pub(super) fn stopping(status: &str) {
    send(&[NotifyState::Stopping, NotifyState::Status(status)]);
}

/// What it is doing.
pub(super) fn status(status: &str) {
    send(&[NotifyState::Status(status)]);
}

/// It answers requests.
pub(super) fn alive() {
    send(&[NotifyState::Watchdog]);
}

fn send(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager takes no messages");
    }
}
