//! Following what the database says, by whichever node it was written.
//!
//! In PostgreSQL a notification wakes the nodes, as does a note that comes by way of Redis, which passes a PgBouncer; a
//! look several times a second makes up for those that are missed. The embedded store is asked whether anything was
//! committed at all.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use futures_util::FutureExt;
use rusqlite::Connection;
use tokio::sync::Notify;
use tokio::task;
use tokio::time::{sleep, timeout};

use super::board::Flags;
use super::store::{FlagStore, FlagStoreError};
use super::trouble::Place;
use super::{postgres, sqlite};
use crate::db::postgres::{Listener, Postgres, PostgresError, Recency};
use crate::db::sqlite::{Access, open};

/// What nodes tell each other where one has said something.
pub const FLAGS_NOTE: &str = "flags";

/// How often the embedded store is asked.
const LOOK: Duration = Duration::from_millis(100);
/// How long at most between two looks at PostgreSQL while notifications are heard, and while they are not.
const LISTENING: Duration = Duration::from_millis(500);
const DEAF: Duration = Duration::from_millis(250);
/// How long a look may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// From a failure to the next look.
const AGAIN: Duration = Duration::from_millis(250);

/// What follows. Dropping it stops it.
#[derive(Debug)]
pub struct Follower {
    wake: Arc<Notify>,
    following: Following,
}

#[derive(Debug)]
enum Following {
    Thread(Option<mpsc::Sender<()>>, Option<JoinHandle<()>>),
    Task(task::JoinHandle<()>),
}

impl Follower {
    /// Reads what the database says now, and goes on. Where the primary gives no answer it is what a replica says, and
    /// where none does, what is built in stays in force until one does. Blocks for a short time.
    pub fn start(store: &FlagStore, flags: Flags) -> std::io::Result<Self> {
        let wake = Arc::<Notify>::default();
        let following = match store {
            FlagStore::Sqlite(database) => {
                let path = database.path().to_owned();
                let mut look = Look {
                    path,
                    connection: None,
                    data_version: None,
                };
                look.take(&flags);
                let (stop, stopped) = mpsc::channel();
                let run = move || {
                    while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(LOOK) {
                        look.take(&flags);
                    }
                };
                let thread = thread::Builder::new()
                    .name("flags-tail".to_owned())
                    .spawn(run)?;
                Following::Thread(Some(stop), Some(thread))
            }
            FlagStore::Postgres(database) => {
                let listener = database.listen("flag");
                let of = database.clone();
                database.block_on(async {
                    if !take(&of, &flags).await {
                        take_from_a_replica(&of, &flags).await;
                    }
                });
                let run = run(of, listener, flags, Arc::clone(&wake));
                Following::Task(database.spawn(run))
            }
        };
        Ok(Self { wake, following })
    }

    /// What is to be called where another node has said something.
    pub fn waker(&self) -> impl Fn() + Send + Sync + use<> {
        let wake = Arc::clone(&self.wake);
        move || wake.notify_one()
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        match &mut self.following {
            Following::Thread(stop, thread) => {
                *stop = None;
                if let Some(thread) = thread.take() {
                    // A panic there was reported by the panic hook already.
                    let _ = thread.join();
                }
            }
            Following::Task(task) => task.abort(),
        }
    }
}

/// How the embedded store was last seen.
struct Look {
    path: PathBuf,
    connection: Option<Connection>,
    /// `PRAGMA data_version`: moves when another connection commits.
    data_version: Option<i64>,
}

impl Look {
    fn take(&mut self, flags: &Flags) {
        if let Err(error) = self.try_take(flags) {
            // A new connection next time: the file may be another one by then.
            self.connection = None;
            self.data_version = None;
            flags.trouble().note(Place::Database, error.to_string());
        }
    }

    fn try_take(&mut self, flags: &Flags) -> Result<(), FlagStoreError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => open(&self.path, Access::ReadOnly)?,
        };
        let connection = self.connection.insert(connection);
        let version = connection.pragma_query_value(None, "data_version", |row| row.get(0))?;
        if self.data_version != Some(version) {
            flags.set_database(&sqlite::current(connection)?);
            self.data_version = Some(version);
        }
        Ok(())
    }
}

async fn run(database: Postgres, mut listener: Listener, flags: Flags, wake: Arc<Notify>) {
    loop {
        tokio::select! {
            () = listener.wait(LISTENING, DEAF) => {}
            () = wake.notified() => {}
        }
        if !take(&database, &flags).await {
            sleep(AGAIN).await;
        }
    }
}

/// Only to begin with: later on what was read from the primary is newer than what a replica may have.
async fn take_from_a_replica(database: &Postgres, flags: &Flags) {
    let read = database.read(Recency::Newest, |connection| {
        postgres::current(connection).boxed()
    });
    // Why not is noted already: what the primary said.
    if let Ok(Ok(said)) = timeout(PATIENCE, read).await {
        flags.set_database(&said);
    }
}

/// False where there was no answer.
async fn take(database: &Postgres, flags: &Flags) -> bool {
    let read = async {
        let mut connection = database.read_fresh().await?;
        postgres::current(&mut connection).await
    };
    // One that hangs will be given up.
    let lost = database.primary_lost();
    let read = tokio::select! {
        read = timeout(PATIENCE, read) => {
            read.unwrap_or(Err(PostgresError::NoAnswer("to a look at the flags")))
        }
        () = lost => Err(PostgresError::NoAnswer("to a look at the flags")),
    };
    match read {
        Ok(said) => {
            flags.set_database(&said);
            true
        }
        Err(error) => {
            flags.trouble().note(Place::Database, error.to_string());
            false
        }
    }
}
