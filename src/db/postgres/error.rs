//! Why PostgreSQL could not do something, and what that says of the server.

use std::io;

use deadpool::managed::{PoolError, TimeoutType};
use tokio_postgres::error::SqlState;

/// Why PostgreSQL could not do something. Shows no password.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// The URL is none, or asks for what is not there.
    #[error("not a PostgreSQL URL: {0}")]
    Url(String),
    /// No connection could be made.
    #[error("cannot connect to PostgreSQL: {0}")]
    Connect(String),
    /// The server said nothing in time.
    #[error("no answer from PostgreSQL: {0}")]
    NoAnswer(&'static str),
    /// The schema is newer than this program, was edited, or a migration failed.
    #[error("cannot migrate the catalogue: {0}")]
    Migrate(String),
    /// A statement failed.
    #[error("catalogue query failed: {}", describe(.0))]
    Query(#[from] tokio_postgres::Error),
    /// Nothing could be begun in time, or another transaction was in the way. Nothing was written.
    #[error("the catalogue has more to do than it can in time")]
    Busy,
    /// What is stored cannot be what was written.
    #[error("damaged: {0}")]
    Damaged(String),
    /// The system gave no threads.
    #[error("cannot start: {0}")]
    Start(#[from] io::Error),
    /// The work ended without an answer.
    #[error("the catalogue is closed")]
    Closed,
}

/// Conditions of class 57, operator intervention, in which the server goes or is not there yet.
const GOING: [SqlState; 3] = [
    SqlState::ADMIN_SHUTDOWN,
    SqlState::CRASH_SHUTDOWN,
    SqlState::CANNOT_CONNECT_NOW,
];

/// The class of failures of connections.
const CONNECTION_EXCEPTION: &str = "08";

impl PostgresError {
    /// What the server called the failure.
    pub fn state(&self) -> Option<&SqlState> {
        match self {
            Self::Query(error) => error.code(),
            _ => None,
        }
    }

    /// True where another transaction was in the way, or time was up while it was: the same work may well succeed the
    /// next time.
    pub fn is_conflict(&self) -> bool {
        let conflicts = [
            SqlState::QUERY_CANCELED,
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::LOCK_NOT_AVAILABLE,
        ];
        matches!(self, Self::Busy) || self.state().is_some_and(|state| conflicts.contains(state))
    }

    /// True where the server or the way to it failed, and not the statement.
    pub fn is_lost(&self) -> bool {
        match self {
            Self::Connect(_) | Self::NoAnswer(_) => true,
            Self::Query(error) => {
                let source = std::error::Error::source(error);
                error.code().map_or_else(
                    || {
                        error.is_closed()
                            || source.is_some_and(<dyn std::error::Error>::is::<io::Error>)
                    },
                    |state| GOING.contains(state) || state.code().starts_with(CONNECTION_EXCEPTION),
                )
            }
            _ => false,
        }
    }

    /// True where the server that was written to takes no writes: it is not the primary any more.
    pub(super) fn is_demoted(&self) -> bool {
        self.state() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION)
    }
}

/// As the server words it; the driver's own text says "db error".
pub(super) fn describe(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(error) => {
            let detail = error.detail().map(|detail| format!(" ({detail})"));
            let detail = detail.unwrap_or_default();
            format!(
                "{}{detail}, SQLSTATE {}",
                error.message(),
                error.code().code()
            )
        }
        None => match std::error::Error::source(error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        },
    }
}

impl From<PoolError<PostgresError>> for PostgresError {
    fn from(error: PoolError<PostgresError>) -> Self {
        match error {
            PoolError::Backend(error) => error,
            PoolError::Timeout(TimeoutType::Wait) => Self::Busy,
            PoolError::Timeout(_) => Self::NoAnswer("no connection was made in time"),
            PoolError::Closed => Self::Closed,
            error => Self::Connect(error.to_string()),
        }
    }
}
