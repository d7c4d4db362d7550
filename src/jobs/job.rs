//! A job: what is to be done later, as it is asked for, as it is handed to who does it, and as operators see it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The number of a job. It is never given to another one.
pub type JobId = i64;

/// What all jobs of one kind have in common, wherever they are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Two words with a dot between them, such as `review.moderate`.
    pub name: &'static str,
    /// How often one is begun before it is given up as a dead letter.
    pub max_attempts: u16,
    /// Whether those that were done are remembered for a while. Not worth its price for small work that comes in masses.
    pub keeps_done: bool,
}

/// When a job is to be done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum When {
    /// As soon as somebody is free.
    #[default]
    Now,
    /// After so long, by the clock of the store.
    In(Duration),
}

impl When {
    /// From now, in milliseconds.
    pub(super) fn delay(self) -> i64 {
        match self {
            Self::Now => 0,
            Self::In(delay) => millis(delay).max(1),
        }
    }
}

/// In milliseconds, as the stores keep times.
pub(super) fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX / 4)
}

/// A job that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// What kind of work.
    pub kind: &'static str,
    /// JSON that says what to do.
    pub payload: String,
    /// When.
    pub when: When,
    /// Lower ones come first among the jobs of one kind.
    pub priority: i32,
    /// How often it is begun at most.
    pub max_attempts: u16,
    /// Among the live jobs of the kind there is one at most with this key. It has to say all that the payload says:
    /// which of two payloads is done is not defined.
    pub unique_key: Option<String>,
    /// The id of the request it came from, and the trace context after a space; or one of them.
    pub trace: Option<String>,
}

impl NewJob {
    /// To be done as soon as somebody is free.
    pub fn new(kind: &Kind, payload: &impl Serialize) -> Result<Self, serde_json::Error> {
        Ok(Self {
            kind: kind.name,
            payload: serde_json::to_string(payload)?,
            when: When::Now,
            priority: 0,
            max_attempts: kind.max_attempts,
            unique_key: None,
            trace: None,
        })
    }

    /// To be done after so long.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.when = When::In(delay);
        self
    }

    /// Not to be done twice at once: see [`NewJob::unique_key`].
    #[must_use]
    pub fn unique(mut self, key: impl Into<String>) -> Self {
        self.unique_key = Some(key.into());
        self
    }

    /// With the context of the request that it came from.
    #[must_use]
    pub fn traced(mut self, trace: Option<String>) -> Self {
        self.trace = trace;
        self
    }
}

/// The right to end a job, until another one begins it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The job.
    pub id: JobId,
    /// Which beginning of it.
    pub fence: i64,
}

/// A job that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The right to end it.
    pub lease: Lease,
    /// JSON that says what to do.
    pub payload: String,
    /// The how manieth beginning this is, from 1.
    pub attempt: u16,
    /// How often it is begun at most.
    pub max_attempts: u16,
    /// Whether it has a key.
    pub is_unique: bool,
    /// For how long it had been ready, in milliseconds.
    pub waited: u64,
    /// The id of the request it came from, and the trace context after a space; or one of them.
    pub trace: Option<String>,
}

impl Job {
    /// What to do.
    pub fn read<'j, T: Deserialize<'j>>(&'j self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.payload)
    }

    /// True where no further beginning may follow this one.
    pub fn is_last_attempt(&self) -> bool {
        self.attempt >= self.max_attempts
    }
}

/// What becomes of a job that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is done. Whether that is remembered.
    Done {
        /// See [`Kind::keeps_done`].
        keep: bool,
    },
    /// It failed, and is begun again after so long.
    Again {
        /// From now.
        delay: Duration,
        /// Why.
        error: String,
    },
    /// It failed for good, and stays as a dead letter.
    Dead {
        /// Why.
        error: String,
    },
    /// Somebody wanted it no more.
    Cancelled,
    /// It was not done, by no fault of its own: the attempt does not count.
    Returned,
}

/// The end of one beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Of what.
    pub lease: Lease,
    /// The how manieth beginning.
    pub attempt: u16,
    /// What becomes of the job.
    pub fate: Fate,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// To be done as soon as somebody is free.
    Ready,
    /// To be done at a time that has not come.
    Scheduled,
    /// Being done.
    Running,
    /// Done.
    Done,
    /// Given up: a dead letter.
    Dead,
    /// Wanted no more.
    Cancelled,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Ready,
        Self::Scheduled,
        Self::Running,
        Self::Done,
        Self::Dead,
        Self::Cancelled,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Scheduled => "scheduled",
            Self::Running => "running",
            Self::Done => "done",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether nothing becomes of it any more.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Dead | Self::Cancelled)
    }
}

/// A job as operators see it. Times are milliseconds since 1970 in UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the columns of the table, described there")]
pub struct JobRecord {
    pub id: JobId,
    pub kind: String,
    pub state: State,
    pub priority: i32,
    pub run_at: i64,
    pub attempt: u16,
    pub max_attempts: u16,
    pub started_at: Option<i64>,
    pub ended_at: Option<i64>,
    pub worker: Option<String>,
    pub unique_key: Option<String>,
    pub payload: serde_json::Value,
    pub errors: serde_json::Value,
    pub trace: Option<String>,
    pub created_at: i64,
}

/// How the jobs of a kind stand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct KindStats {
    /// Its name.
    pub kind: String,
    /// To be done now.
    pub ready: u64,
    /// To be done later.
    pub scheduled: u64,
    /// Being done.
    pub running: u64,
    /// Dead letters.
    pub dead: u64,
    /// For how long the oldest of those that are to be done now has waited, in milliseconds.
    pub oldest_ready_ms: u64,
    /// Whether none is begun.
    pub is_paused: bool,
}

/// Which jobs are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// These alone.
    pub ids: Option<Vec<JobId>>,
    /// Of this kind.
    pub kind: Option<String>,
    /// In this state.
    pub state: Option<State>,
}

/// How long a job waits, in milliseconds, whose worker was lost at this attempt.
pub(super) fn after_a_loss(attempt: u16) -> i64 {
    /// Doubled each time, up to five minutes.
    const SECOND: i64 = 1_000;
    match attempt {
        0 | 1 => 0,
        attempt => (SECOND << (attempt - 1).min(9)).min(300 * SECOND),
    }
}

/// Longest text of an error that is kept.
const MOST_OF_AN_ERROR: usize = 1_000;

/// An entry of the history of a job's errors, as JSON.
pub(super) fn error_entry(attempt: u16, at: i64, error: &str) -> String {
    let error: String = error.chars().take(MOST_OF_AN_ERROR).collect();
    serde_json::json!({ "attempt": attempt, "at": at, "error": error }).to_string()
}
