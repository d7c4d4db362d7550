//! A PostgreSQL cluster, and databases of it.
//!
//! `scripts/test` starts one cluster for all tests and names it in `TEST_POSTGRES`; a test that is run alone starts
//! its own. The server refuses to run as root, so then it runs as the user `postgres`.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::process::{Pid, Signal, getuid, kill_process, test_kill_process};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, NoTls};

use super::{PATIENCE, within};

/// An empty database, dropped when it goes out of scope.
pub(crate) struct PostgresDatabase {
    name: String,
    cluster: Cluster,
}

impl PostgresDatabase {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);

        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{number}", std::process::id());
        let cluster = Cluster::shared_or_own();
        let sql = format!("CREATE DATABASE {name}");
        Session::connect(&cluster.url("postgres"))
            .batch(&sql)
            .unwrap();
        Self { name, cluster }
    }

    pub(crate) fn url(&self) -> String {
        self.cluster.url(&self.name)
    }

    /// A session, as a program has it that knows nothing of ours.
    pub(crate) fn connect(&self) -> Session {
        Session::connect(&self.url())
    }
}

impl Drop for PostgresDatabase {
    fn drop(&mut self) {
        let sql = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        // A cluster of its own goes with all it has.
        let _ = Session::connect(&self.cluster.url("postgres")).batch(&sql);
    }
}

/// A session that blocks.
pub(crate) struct Session {
    runtime: Runtime,
    client: Client,
}

impl Session {
    pub(super) fn connect(url: &str) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let connecting = tokio_postgres::connect(url, NoTls);
        let (client, connection) = runtime.block_on(connecting).unwrap();
        runtime.spawn(connection);
        Self { runtime, client }
    }

    pub(crate) fn batch(&self, sql: &str) -> Result<(), tokio_postgres::Error> {
        self.runtime.block_on(self.client.batch_execute(sql))
    }

    pub(crate) fn execute(&self, sql: &str) -> Result<u64, tokio_postgres::Error> {
        self.runtime.block_on(self.client.execute(sql, &[]))
    }

    /// The first column of the first row.
    pub(crate) fn value<T: for<'r> tokio_postgres::types::FromSql<'r>>(&self, sql: &str) -> T {
        let row = self.runtime.block_on(self.client.query_one(sql, &[]));
        row.unwrap().get(0)
    }
}

/// Where the servers are; `scripts/setup` puts one there.
pub(super) fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").expect("install postgresql: scripts/setup");
    let mut versions: Vec<PathBuf> = versions.map(|entry| entry.unwrap().path()).collect();
    versions.sort();
    versions.pop().unwrap().join("bin")
}

/// Uid and gid of the user `postgres`.
pub(super) fn user_postgres() -> (u32, u32) {
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let line = users.lines().find(|line| line.starts_with("postgres:"));
    let fields: Vec<&str> = line.unwrap().split(':').collect();
    (fields[2].parse().unwrap(), fields[3].parse().unwrap())
}

struct Cluster {
    /// Up to the name of the database.
    base: String,
    /// Of one that ends here.
    own: Option<(TempDir, Pid)>,
}

impl Cluster {
    fn shared_or_own() -> Self {
        match std::env::var("TEST_POSTGRES") {
            Ok(base) => Self { base, own: None },
            Err(_) => Self::start(),
        }
    }

    fn url(&self, database: &str) -> String {
        format!("{}/{database}", self.base)
    }

    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        if getuid().is_root() {
            let (uid, gid) = user_postgres();
            chown(folder.path(), Some(uid), Some(gid)).unwrap();
        }
        let data = folder.path().join("data");
        let mut initdb = as_postgres(&programs().join("initdb"));
        initdb.args(["--auth=trust", "--username=shop", "--no-sync", "--pgdata"]);
        let output = initdb.arg(&data).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        // Free now; nobody else asks for it within a moment.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let mut server = as_postgres(&programs().join("postgres"));
        server.arg("-D").arg(&data).arg("-k").arg(folder.path());
        server.args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]);
        let server = server.arg("-p").arg(port.to_string());
        let child = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        drop(child.unwrap());
        // `setpriv` becomes the server, so the file names the child.
        let pid = within(PATIENCE, "the server is ready", || {
            let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
            let ready = text.lines().nth(7)?.trim() == "ready";
            let pid = text.lines().next()?.parse().ok()?;
            ready.then(|| Pid::from_raw(pid).unwrap())
        });
        Self {
            base: format!("postgres://shop@127.0.0.1:{port}"),
            own: Some((folder, pid)),
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some((_folder, pid)) = &self.own {
            // At once, without a checkpoint.
            kill_process(*pid, Signal::QUIT).unwrap();
            let _ = rustix::process::waitpid(Some(*pid), rustix::process::WaitOptions::empty());
            let _ = test_kill_process(*pid);
        }
    }
}

fn as_postgres(program: &Path) -> Command {
    let mut command = if getuid().is_root() {
        let (uid, gid) = user_postgres();
        let mut command = Command::new("setpriv");
        command.args([
            format!("--reuid={uid}"),
            format!("--regid={gid}"),
            "--clear-groups".to_owned(),
            "--".to_owned(),
        ]);
        command.arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir("/").stdin(Stdio::null());
    command
}
