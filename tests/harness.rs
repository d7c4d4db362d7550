//! The real program, as an operator starts it and a client meets it: started on free ports of the
//! loopback, with its data in a temporary folder, and stopped and reaped when it goes out of scope. Its
//! log is shown where a test fails.

mod balancers;
mod browser;
mod chunked;
mod collector;
mod curl;
mod database;
mod load;
mod log;
mod postgres;
mod program;
mod proxy;
mod raw;
mod receiver;
mod redis;
mod redis_group;
mod replication;
mod reply;
mod server;
mod shop;
mod smtp;
mod writer;

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) use balancers::{Way, balancers};
pub(crate) use browser::Browser;
pub(crate) use collector::{Collector, Seen};
pub(crate) use curl::Curl;
pub(crate) use database::Database;
pub(crate) use load::Load;
pub(crate) use postgres::{PostgresDatabase, Session};
pub(crate) use program::{Ended, Program, run};
pub(crate) use proxy::Proxy;
pub(crate) use raw::Raw;
pub(crate) use receiver::{HANGS, Message, Receiver};
pub(crate) use redis::{Redis, free_port};
pub(crate) use redis_group::{Cluster, SERVICE, Sentinels, certificate};
pub(crate) use replication::Replication;
pub(crate) use reply::Reply;
pub(crate) use server::Server;
pub(crate) use shop::{Shop, lines, on_postgres, product};
pub(crate) use smtp::{Smtp, SmtpAnswer};
pub(crate) use writer::Writer;

/// How long anything may take that takes milliseconds on an idle machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The program, with nothing of the environment of the tests.
pub(crate) fn doorbuster() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorbuster"));
    command.env_clear().stdin(Stdio::null());
    command
}

/// A file of the repository.
pub(crate) fn repository(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Tries until there is a value, without pause: each attempt asks the program something.
pub(crate) fn within<T>(limit: Duration, what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        let waited = started.elapsed();
        assert!(waited < limit, "not within {limit:?}: {what}");
        thread::yield_now();
    }
}
