//! The open connections of a worker: those that keep the server waiting are closed, and where there are too many,
//! a newcomer takes the place of the one that does least.
//!
//! The framework bounds the first head of a connection and the time between requests, and nothing else: after one
//! proper request a head, a body or the reading of an answer may take for ever. So each connection notes what it
//! does, in plain cells of its thread, and a sweep looks at them all every [`TICK`]. A request pays for a few
//! stores.

mod departures;
mod frames;
mod open_files;
mod opening;
mod parting;
mod stream;

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::{Rc, Weak};
use std::task::Waker;
use std::time::Duration;

use crate::cache::{Clock, SystemClock};

pub use departures::Departures;
pub(super) use open_files::{raise_limit, share_of_a_worker};
pub(super) use parting::Parting;
pub(super) use stream::Guarded;

use departures::Stage;

type Millis = u64;

/// Between two sweeps.
const TICK: Duration = Duration::from_millis(250);

/// A head may take this much longer than the framework allows the first one, whose end is a 408.
const GRACE: Millis = 500;

/// A reader is looked at for so long…
const READER_PATIENCE: Millis = 30_000;
/// …in which it has to take at least this, in bytes per second. The slowest telephone is ten times as fast.
const SLOWEST_READER: u64 = 256;

/// From then on a head, or a reader that is too slow, is taken for an attempt to occupy a connection, and one
/// between two requests for idle.
const SUSPECT_AFTER: Millis = 1_000;

/// How many connections are compared to find one that can be spared. With so many candidates the best of them is
/// good enough, and a flood of newcomers costs no search each…
const CANDIDATES: usize = 32;
/// …among so many places at most.
const PLACES: usize = 1_024;

thread_local! {
    /// As of the last sweep or newcomer.
    static NOW: Cell<Millis> = const { Cell::new(0) };
    static OF_THIS_WORKER: OnceCell<Rc<Connections>> = const { OnceCell::new() };
}

/// What a worker allows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Open connections.
    pub(super) connections: usize,
    /// For the head of a request.
    pub(super) head: Duration,
}

/// All connections of a worker, whichever address they came by.
pub(super) struct Connections {
    limits: Limits,
    departures: Departures,
    stage: Cell<Stage>,
    open: RefCell<Vec<Rc<Connection>>>,
    /// Where the search for one to be spared goes on.
    hand: Cell<usize>,
    is_swept: Cell<bool>,
}

/// What a connection has been doing.
#[derive(Default)]
pub(super) struct Connection {
    /// Its place among the others.
    place: Cell<usize>,
    /// Requests that are being answered.
    in_flight: Cell<u32>,
    /// Since when a head is awaited that has begun, or is the first.
    head_since: Cell<Option<Millis>>,
    /// Nothing of the first one has arrived.
    is_untouched: Cell<bool>,
    last_used: Cell<Millis>,
    written: Cell<u64>,
    /// The client takes less than there is to send.
    is_blocked: Cell<bool>,
    /// Since when it has been so at every sweep, and how much had been written then.
    blocked_since: Cell<Option<(Millis, u64)>>,
    is_condemned: Cell<bool>,
    /// What arrives need not be the beginning of a head: HTTP/2.
    is_multiplexed: Cell<bool>,
    /// Of the task that drives it.
    waker: Cell<Option<Waker>>,
}

/// How little a connection would be missed, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Use {
    /// Keeps the server waiting for a head.
    SlowHead,
    /// Keeps the server waiting to send.
    SlowReader,
    /// Between two requests for a while.
    Idle,
    /// A head may come any moment.
    Newcomer,
    /// Between two requests for a moment.
    Active,
}

impl Connections {
    fn new(limits: Limits, departures: Departures) -> Rc<Self> {
        Rc::new(Self {
            limits,
            departures,
            stage: Cell::default(),
            open: RefCell::default(),
            hand: Cell::new(0),
            is_swept: Cell::new(false),
        })
    }

    /// Those of the calling thread. What the first call says stands.
    pub(super) fn of_this_worker(limits: Limits, departures: &Departures) -> Rc<Self> {
        let begin = || {
            let all = Self::new(limits, departures.clone());
            actix_web::rt::spawn(departures::follow(Rc::downgrade(&all), departures.stages()));
            all
        };
        OF_THIS_WORKER.with(|connections| Rc::clone(connections.get_or_init(begin)))
    }

    /// Takes a stream in, and another one's place where there is none left.
    pub(super) fn admit<T>(self: &Rc<Self>, stream: T) -> Guarded<T> {
        let now = SystemClock.now();
        NOW.set(now);
        let connection = self.enter(now);
        if !self.is_swept.replace(true) {
            actix_web::rt::spawn(sweep(Rc::downgrade(self)));
        }
        Guarded::new(stream, connection, Rc::clone(self))
    }

    fn enter(&self, now: Millis) -> Rc<Connection> {
        if self.open.borrow().len() >= self.limits.connections
            && let Some(spared) = self.to_be_spared(now)
        {
            spared.condemn();
        }
        let mut open = self.open.borrow_mut();
        let connection = Rc::new(Connection::default());
        connection.place.set(open.len());
        connection.head_since.set(Some(now));
        connection.is_untouched.set(true);
        connection.last_used.set(now);
        self.departures.enter();
        open.push(Rc::clone(&connection));
        connection
    }

    fn leave(&self, connection: &Connection) {
        let mut open = self.open.borrow_mut();
        let place = connection.place.get();
        open.swap_remove(place);
        self.departures.leave();
        if let Some(moved) = open.get(place) {
            moved.place.set(place);
        }
    }

    /// The least useful of the next few. `None` where all of them are busy: then the newcomer is one too many,
    /// which the framework's own limit, a little above ours, will make wait.
    fn to_be_spared(&self, now: Millis) -> Option<Rc<Connection>> {
        let open = self.open.borrow();
        let (before, after) = open.split_at(self.hand.get().min(open.len()));
        let mut candidates = 0;
        let mut least: Option<((Use, Millis), &Rc<Connection>)> = None;
        for connection in after.iter().chain(before).take(PLACES) {
            self.hand.set(connection.place.get() + 1);
            // Those that are closing already, and the busy, are no candidates.
            let Some(rank) = connection.rank(now) else {
                continue;
            };
            if least.as_ref().is_none_or(|(known, _)| rank < *known) {
                least = Some((rank, connection));
            }
            candidates += 1;
            if candidates == CANDIDATES {
                break;
            }
        }
        least.map(|(_, connection)| Rc::clone(connection))
    }

    /// Closes those that keep the server waiting for too long. False where there is nobody left.
    fn sweep(&self, now: Millis) -> bool {
        let head = u64::try_from(self.limits.head.as_millis()).unwrap_or(u64::MAX);
        let open = self.open.borrow();
        for connection in open.iter() {
            connection.note_blocked(now);
            if connection.waits_for_a_head(now, head.saturating_add(GRACE))
                || connection.is_read_too_slowly(now, READER_PATIENCE)
            {
                connection.condemn();
            }
            if connection.is_blocked_for(now, READER_PATIENCE) {
                // Fast enough so far: from here on anew.
                connection
                    .blocked_since
                    .set(Some((now, connection.written.get())));
            }
        }
        !open.is_empty()
    }
}

/// Sweeps until there is nobody left.
async fn sweep(connections: Weak<Connections>) {
    loop {
        tokio::time::sleep(TICK).await;
        let Some(connections) = connections.upgrade() else {
            return;
        };
        let now = SystemClock.now();
        NOW.set(now);
        if !connections.sweep(now) {
            connections.is_swept.set(false);
            return;
        }
        if connections.stage.get() == Stage::ClosingIdle {
            connections.wake_all();
        }
    }
}

impl Connection {
    /// A request has come. It is in flight until the result is dropped.
    pub(super) fn begin(self: &Rc<Self>) -> InFlight {
        self.head_since.set(None);
        self.in_flight.set(self.in_flight.get() + 1);
        InFlight(Rc::clone(self))
    }

    /// The handshake that comes before the first request is done.
    fn is_encrypted_now(&self) {
        self.is_untouched.set(true);
    }

    /// The protocol has requests side by side, and the framework bounds what it waits for.
    fn has_many_requests_at_once(&self) {
        self.is_multiplexed.set(true);
        self.head_since.set(None);
    }

    fn condemn(&self) {
        self.is_condemned.set(true);
        self.wake();
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn waits_for_a_head(&self, now: Millis, limit: Millis) -> bool {
        let since = self.head_since.get();
        since.is_some_and(|since| now.saturating_sub(since) > limit)
    }

    fn note_blocked(&self, now: Millis) {
        if !self.is_blocked.get() {
            self.blocked_since.set(None);
        } else if self.blocked_since.get().is_none() {
            self.blocked_since.set(Some((now, self.written.get())));
        }
    }

    fn is_blocked_for(&self, now: Millis, time: Millis) -> bool {
        let since = self.blocked_since.get();
        since.is_some_and(|(since, _)| now.saturating_sub(since) >= time)
    }

    /// Whether it has been blocked for this long, and took too little meanwhile.
    fn is_read_too_slowly(&self, now: Millis, time: Millis) -> bool {
        self.is_blocked_for(now, time)
            && self.blocked_since.get().is_some_and(|(since, before)| {
                let expected = now.saturating_sub(since) / 1_000 * SLOWEST_READER;
                self.written.get() - before < expected
            })
    }

    /// What it is good for, and since when. `None` for one that must not be closed: a request is being answered.
    fn rank(&self, now: Millis) -> Option<(Use, Millis)> {
        if self.is_condemned.get() {
            return None;
        }
        if self.is_blocked.get() {
            let is_slow = self.is_read_too_slowly(now, SUSPECT_AFTER);
            return is_slow.then(|| (Use::SlowReader, self.last_used.get()));
        }
        if self.in_flight.get() > 0 {
            return None;
        }
        let last_used = self.last_used.get();
        let is_over = |since: Millis| now.saturating_sub(since) > SUSPECT_AFTER;
        Some(match self.head_since.get() {
            Some(since) if is_over(since) => (Use::SlowHead, since),
            Some(since) => (Use::Newcomer, since),
            None if is_over(last_used) => (Use::Idle, last_used),
            None => (Use::Active, last_used),
        })
    }
}

/// A request that is being answered.
pub(super) struct InFlight(Rc<Connection>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.set(self.0.in_flight.get() - 1);
        self.0.last_used.set(NOW.get());
    }
}

#[cfg(test)]
mod tests;
