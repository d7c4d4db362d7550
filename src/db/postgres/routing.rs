//! Which server does what: writes and fresh reads are the primary's, other reads are spread over the replicas that
//! are near enough to it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use tokio::sync::{Notify, Semaphore, SemaphorePermit, watch};
use tokio::time::sleep;

use super::connect::Servers;
use super::connection::Connection;
use super::error::PostgresError;
use super::lag::{Lsn, Positions, Rotation};
use super::load::Load;
use super::monitor::PrimarySeen;
use super::pool::{Generation, Pool, pool};
use crate::limits::overload::{RetryBudget, context};
use crate::telemetry::traces::{SpanKind, span};

/// A read that was not answered for so long has its server looked at: that may hang.
const SILENCE: Duration = Duration::from_millis(200);
/// Reads at the primary, for each connection it has for them, where there are replicas to be spared for: those that
/// wait included.
const CAP: usize = 4;
/// How often the primary is tried for one read. The first connection may be one that it closed long ago.
const PRIMARY_TRIES: u8 = 2;

/// How recent the answer of a read has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recency {
    /// It may miss what was committed within the allowed lag.
    Any,
    /// It sees everything committed, as long as the primary answers; else as much as a replica has that is in
    /// rotation.
    Newest,
    /// It sees everything committed, or there is none.
    AllCommitted,
}

/// Work on a connection that may be done again on another one: it reads, and writes nothing.
pub trait ReadWork<T>:
    for<'c> Fn(&'c mut Connection) -> BoxFuture<'c, Result<T, PostgresError>> + Send + Sync + 'static
{
}

impl<T, F> ReadWork<T> for F where
    F: for<'c> Fn(&'c mut Connection) -> BoxFuture<'c, Result<T, PostgresError>>
        + Send
        + Sync
        + 'static
{
}

/// A server to read from.
pub(super) struct Server {
    pub(super) servers: Arc<Servers>,
    pub(super) generation: Generation,
    pub(super) readers: Pool,
    /// Has its monitor look at once.
    pub(super) suspected: Notify,
    /// True from the end of the first look on, whatever that found.
    pub(super) looked_at: watch::Sender<bool>,
    pub(super) load: Load,
}

impl Server {
    pub(super) fn new(servers: Servers, pool_size: usize) -> Result<Self, PostgresError> {
        let (servers, generation) = (Arc::new(servers), Generation::new());
        Ok(Self {
            readers: pool(&servers, &generation, pool_size)?,
            servers,
            generation,
            suspected: Notify::new(),
            looked_at: watch::Sender::new(false),
            load: Load::new(),
        })
    }

    /// Returns once its monitor has looked at it.
    pub(super) async fn is_looked_at(&self) {
        // It is not closed: the sender is here.
        let _ = self.looked_at.subscribe().wait_for(|it| *it).await;
    }

    /// Does the work, unless the server is given up meanwhile.
    async fn serve<T>(&self, unnamed: bool, work: &impl ReadWork<T>) -> Result<T, PostgresError> {
        let generation = self.generation.now();
        let flight = self.load.begin();
        let answer = async {
            let object = self.readers.get().await?;
            work(&mut Connection::new(object, unnamed)).await
        };
        let given_up = async {
            tokio::select! {
                () = self.generation.ended(generation) => {}
                () = self.suspect_after_silence() => {}
            }
        };
        tokio::select! {
            outcome = answer => {
                if outcome.is_ok() {
                    flight.landed();
                }
                outcome
            }
            () = given_up => Err(PostgresError::NoAnswer("its server was given up meanwhile")),
        }
    }

    /// Never ends: what the look finds ends the generation.
    async fn suspect_after_silence(&self) {
        sleep(SILENCE).await;
        self.suspected.notify_one();
        std::future::pending::<()>().await;
    }
}

/// A server that replays what the primary writes.
pub(super) struct Replica {
    pub(super) server: Server,
    rotation: Mutex<Rotation>,
    replayed: AtomicU64,
    /// How far it was behind at the last look; `None` where it gave no answer, or was not looked at yet.
    lag: Mutex<Option<Duration>>,
}

impl Replica {
    pub(super) fn new(server: Server) -> Self {
        Self {
            server,
            rotation: Mutex::default(),
            replayed: AtomicU64::new(0),
            lag: Mutex::default(),
        }
    }

    /// Takes note of a look at it: up to where it has replayed, and since when it has been behind, or why it is of no
    /// use.
    pub(super) fn look(&self, look: Result<(Lsn, Duration), String>, limit: Duration) {
        if let Ok((replayed, _)) = look {
            self.replayed.store(replayed, Ordering::Release);
        }
        let lag = look.as_ref().ok().map(|(_, lag)| *lag);
        *lock(&self.lag) = lag;
        let mut rotation = lock(&self.rotation);
        let was_in = rotation.is_in();
        let is_in = rotation.look(lag, limit);
        drop(rotation);
        let replica = self.server.servers.names();
        if is_in && !was_in {
            tracing::info!(%replica, "reading from a replica");
        } else if was_in && !is_in {
            let reason = look.map_or_else(|reason| reason, |(_, lag)| format!("{lag:?} behind"));
            tracing::warn!(%replica, %reason, "not reading from a replica");
            self.server.generation.end();
        }
    }

    /// Whether it is read from, and how far it is behind.
    pub(super) fn standing(&self) -> (bool, Option<Duration>) {
        (lock(&self.rotation).is_in(), *lock(&self.lag))
    }

    fn has(&self, floor: Lsn) -> bool {
        lock(&self.rotation).is_in() && self.replayed.load(Ordering::Acquire) >= floor
    }
}

/// What a replica must have replayed, in the history of which primary.
#[derive(Debug, Default)]
struct Floor {
    timeline: u32,
    position: Lsn,
}

/// The servers of a catalogue.
pub(super) struct Routing {
    pub(super) primary: Server,
    pub(super) writers: Pool,
    pub(super) replicas: Vec<Replica>,
    pub(super) max_replica_lag: Duration,
    pub(super) pgbouncer: bool,
    pub(super) positions: Mutex<Positions>,
    pub(super) primary_seen: Mutex<PrimarySeen>,
    /// False while the monitor gets no answer of it.
    primary_answers: AtomicBool,
    floor: Mutex<Floor>,
    spare: Semaphore,
    pub(super) retries: RetryBudget,
    dice: AtomicU64,
}

/// Where a read was tried.
#[derive(Default)]
struct Tried {
    replicas: Vec<usize>,
    primary: u8,
}

impl Tried {
    fn has(&self, place: &Place) -> bool {
        match place {
            Place::Replica(index) => self.replicas.contains(index),
            Place::Primary => self.primary > 0,
        }
    }
}

enum Place {
    Replica(usize),
    Primary,
}

impl Routing {
    pub(super) fn new(
        primary: Server,
        writers: usize,
        replicas: Vec<Replica>,
        max_replica_lag: Duration,
        pgbouncer: bool,
    ) -> Result<Self, PostgresError> {
        Ok(Self {
            writers: pool(&primary.servers, &primary.generation, writers)?,
            spare: Semaphore::new(primary.readers.status().max_size * CAP),
            retries: RetryBudget::default(),
            primary,
            replicas,
            max_replica_lag,
            pgbouncer,
            positions: Mutex::default(),
            primary_seen: Mutex::default(),
            primary_answers: AtomicBool::new(true),
            floor: Mutex::default(),
            dice: AtomicU64::new(0),
        })
    }

    /// Reads where it fits best; where that fails for the server's sake, on every other server that will do.
    ///
    /// What is left to the retry budget is to ask the same server again, and to ask another one because this one has
    /// too much to do: that may be true of all. To leave a server that is lost is free. It does nothing any more for
    /// those who go, each goes to another one once, and that one has to bear them anyway.
    pub(super) async fn read<T>(
        &self,
        recency: Recency,
        work: &impl ReadWork<T>,
    ) -> Result<T, PostgresError> {
        let mut tried = Tried::default();
        let mut failure: Option<PostgresError> = None;
        self.retries.asked();
        while let Some(place) = self.choose(recency, &tried) {
            // What fails on one server may be asked of another, but not for one who has gone.
            if let Some(failure) = &failure {
                if context::current().check().is_err() {
                    break;
                }
                let is_free = failure.is_lost() && !tried.has(&place);
                if !is_free && !self.retries.may_retry() {
                    if !failure.is_lost() {
                        break;
                    }
                    tried.primary = PRIMARY_TRIES;
                    continue;
                }
            }
            let (server, _permit) = match place {
                Place::Replica(index) => {
                    tried.replicas.push(index);
                    (&self.replicas[index].server, None)
                }
                Place::Primary => {
                    tried.primary += 1;
                    (&self.primary, self.permit()?)
                }
            };
            let is_replica = matches!(place, Place::Replica(_));
            let mut traced = span(
                if is_replica { "replica" } else { "primary" },
                SpanKind::Client,
            );
            let answer = server.serve(self.pgbouncer, work).await;
            if traced.is_recording() {
                traced.set("db.system.name", "postgresql");
                traced.set("server.address", server.servers.names());
            }
            if let Err(error) = &answer {
                traced.fail("postgresql", error);
            }
            drop(traced);
            match answer {
                Err(error) if error.is_lost() => {
                    server.suspected.notify_one();
                    failure = Some(error);
                }
                // It is overloaded, or what it replayed removed rows that the read still saw.
                Err(error) if is_replica && error.is_conflict() => failure = Some(error),
                outcome => return outcome,
            }
        }
        Err(failure.unwrap_or(PostgresError::NoAnswer("no server to read from")))
    }

    /// Where there are replicas, the primary is not let down by what they cannot do any more.
    fn permit(&self) -> Result<Option<SemaphorePermit<'_>>, PostgresError> {
        if self.replicas.is_empty() {
            return Ok(None);
        }
        let permit = self.spare.try_acquire();
        permit.map(Some).map_err(|_| PostgresError::Busy)
    }

    fn choose(&self, recency: Recency, tried: &Tried) -> Option<Place> {
        let primary = || (tried.primary < PRIMARY_TRIES).then_some(Place::Primary);
        match recency {
            Recency::Any => self.cheapest(tried).map(Place::Replica).or_else(primary),
            Recency::AllCommitted => primary(),
            Recency::Newest if self.primary_answers() => {
                primary().or_else(|| self.farthest(tried).map(Place::Replica))
            }
            Recency::Newest => self.farthest(tried).map(Place::Replica).or_else(primary),
        }
    }

    fn candidates(&self, tried: &Tried) -> Vec<usize> {
        let floor = lock(&self.floor).position;
        let has =
            |index: &usize| !tried.replicas.contains(index) && self.replicas[*index].has(floor);
        (0..self.replicas.len()).filter(has).collect()
    }

    /// The better of two, drawn by lot (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing"): the
    /// best of all would draw everybody at once.
    fn cheapest(&self, tried: &Tried) -> Option<usize> {
        let mut candidates = self.candidates(tried);
        let mut draw = || {
            let at = self.roll(candidates.len())?;
            Some(candidates.swap_remove(at))
        };
        let one = draw()?;
        let Some(other) = draw() else {
            return Some(one);
        };
        let cost = |index: usize| self.replicas[index].server.load.cost();
        Some(if cost(other) < cost(one) { other } else { one })
    }

    /// The replica that was last known to have replayed most.
    fn farthest(&self, tried: &Tried) -> Option<usize> {
        let replayed = |index: &usize| self.replicas[*index].replayed.load(Ordering::Acquire);
        self.candidates(tried).into_iter().max_by_key(replayed)
    }

    /// A number below this one, if there is any, by splitmix64 (Steele, Lea, Flood).
    fn roll(&self, below: usize) -> Option<usize> {
        const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.dice.fetch_add(GOLDEN, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        usize::try_from(z.checked_rem(below as u64)?).ok()
    }

    /// How many replicas are read from.
    pub(super) fn replicas_in_use(&self) -> usize {
        let is_in = |replica: &&Replica| lock(&replica.rotation).is_in();
        self.replicas.iter().filter(is_in).count()
    }

    pub(super) fn primary_answers(&self) -> bool {
        self.primary_answers.load(Ordering::Acquire)
    }

    /// Takes note of whether it does. The first time it does not, its connections are given up.
    pub(super) fn primary_answered(&self, answers: bool) {
        let did = self.primary_answers.swap(answers, Ordering::AcqRel);
        if did && !answers {
            self.primary.generation.end();
        }
    }

    /// Gives the connections to the primary up, unless that was done since this generation: it is gone, or another
    /// server is the primary now.
    pub(super) fn lose_primary(&self, generation: u64) {
        if self.primary.generation.now() == generation {
            self.primary.generation.end();
        }
        self.primary.suspected.notify_one();
    }

    /// Reads from replicas see everything up to this position of this timeline from here on.
    pub(super) fn require(&self, timeline: u32, position: Lsn) {
        let mut floor = lock(&self.floor);
        if timeline > floor.timeline {
            *floor = Floor { timeline, position };
        } else if timeline == floor.timeline {
            floor.position = floor.position.max(position);
        }
    }

    pub(super) fn note_position(&self, position: Lsn, now: Instant) {
        lock(&self.positions).note(position, now);
    }

    pub(super) fn lag(&self, replayed: Lsn, now: Instant) -> Duration {
        lock(&self.positions).lag(replayed, now)
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
