//! A primary and streaming replicas of it, which can be paused, stopped, killed and promoted.
//!
//! `initdb` runs once for all tests; every cluster begins as a copy of what that made, shared with it where the file
//! system can. A cold copy of the primary is a base backup, so replicas begin as copies, too.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, getuid, kill_process};
use tempfile::TempDir;

use super::postgres::{Session, programs, user_postgres};
use super::{PATIENCE, free_port, within};

/// What every server is told. Nothing survives the test, so nothing has to survive the machine.
const SETTINGS: &str = "
listen_addresses = '127.0.0.1'
fsync = off
shared_buffers = 16MB
max_connections = 200
wal_keep_size = 512MB
wal_retrieve_retry_interval = 100ms
checkpoint_timeout = 1h
";

/// The servers. The first one begins as the primary. Dropping them kills them.
pub(crate) struct Replication {
    servers: Vec<Server>,
    folder: TempDir,
}

struct Server {
    port: u16,
    process: Option<Child>,
}

impl Replication {
    /// A primary and this many replicas.
    pub(crate) fn start(replicas: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        if getuid().is_root() {
            let (uid, gid) = user_postgres();
            chown(folder.path(), Some(uid), Some(gid)).unwrap();
        }
        let server = |_| Server {
            port: free_port(),
            process: None,
        };
        let mut replication = Self {
            servers: (0..=replicas).map(server).collect(),
            folder,
        };
        let template = template();
        for index in 0..=replicas {
            copy(&template, &replication.data(index));
        }
        for index in 0..=replicas {
            if index > 0 {
                let signal = replication.data(index).join("standby.signal");
                File::create(signal).unwrap();
                replication.write_origin(index, 0);
            }
            replication.run(index);
        }
        replication
            .session(0, "postgres")
            .batch("CREATE DATABASE shop")
            .unwrap();
        for index in 1..=replicas {
            replication.await_replay(index, 0);
        }
        replication
    }

    fn data(&self, index: usize) -> PathBuf {
        self.folder.path().join(format!("data{index}"))
    }

    /// Which server a replica follows, from its next start on.
    fn write_origin(&self, index: usize, origin: usize) {
        let file = self.data(index).join("postgresql.auto.conf");
        fs::write(
            file,
            format!("primary_conninfo = '{}'\n", self.origin(index, origin)),
        )
        .unwrap();
    }

    fn origin(&self, index: usize, origin: usize) -> String {
        format!(
            "host=127.0.0.1 port={} user=shop application_name=r{index}",
            self.servers[origin].port
        )
    }

    /// Starts a server that does not run, and awaits that it answers.
    pub(crate) fn run(&mut self, index: usize) {
        let data = self.data(index);
        // One that was killed leaves it.
        let _ = fs::remove_file(data.join("postmaster.pid"));
        let mut process = self.spawn(index);
        within(PATIENCE, "the server is ready", || {
            // Processes of one that was killed may still have its memory.
            if process.try_wait().unwrap().is_some() {
                process = self.spawn(index);
            }
            std::thread::sleep(Duration::from_millis(5));
            let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
            (text.lines().nth(7)?.trim() == "ready").then_some(())
        });
        self.servers[index].process = Some(process);
    }

    fn spawn(&self, index: usize) -> Child {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log(index));
        let mut command = as_postgres(&programs().join("postgres"));
        command
            .arg("-D")
            .arg(self.data(index))
            .arg("-k")
            .arg(self.folder.path());
        command.arg("-p").arg(self.servers[index].port.to_string());
        command
            .stdout(Stdio::null())
            .stderr(log.unwrap())
            .spawn()
            .unwrap()
    }

    fn log(&self, index: usize) -> PathBuf {
        self.folder.path().join(format!("log{index}"))
    }

    /// Has a server tell all statements in its log from here on.
    pub(crate) fn log_statements(&self, index: usize) {
        self.set(index, "log_statement", "all");
    }

    /// How many lines of the log of a server have these words.
    pub(crate) fn logged(&self, index: usize, words: &str) -> usize {
        let log = fs::read_to_string(self.log(index)).unwrap();
        log.lines().filter(|line| line.contains(words)).count()
    }

    /// Gives a setting of a running server a value, and awaits that new sessions have it.
    pub(crate) fn set(&self, index: usize, name: &str, value: &str) {
        let session = self.session(index, "postgres");
        session
            .batch(&format!("ALTER SYSTEM SET {name} = '{value}'"))
            .unwrap();
        session.batch("SELECT pg_reload_conf()").unwrap();
        within(PATIENCE, name, || {
            let session = self.session(index, "postgres");
            (session.value::<String>(&format!("SHOW {name}")) == value).then_some(())
        });
    }

    /// Puts a file into the folder of a server, readable by it alone.
    pub(crate) fn give(&self, index: usize, file: &Path) {
        let given = self.data(index).join(file.file_name().unwrap());
        fs::copy(file, &given).unwrap();
        if getuid().is_root() {
            let (uid, gid) = user_postgres();
            chown(&given, Some(uid), Some(gid)).unwrap();
        }
        fs::set_permissions(given, fs::Permissions::from_mode(0o600)).unwrap();
    }

    pub(crate) fn address(&self, index: usize) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.servers[index].port))
    }

    /// The URL of one server.
    pub(crate) fn url(&self, index: usize) -> String {
        format!("postgres://shop@{}/shop", self.address(index))
    }

    /// The URL of whichever server takes writes.
    pub(crate) fn any_url(&self) -> String {
        let hosts = (0..self.servers.len()).map(|index| self.address(index).to_string());
        let hosts: Vec<_> = hosts.collect();
        format!(
            "postgres://shop@{}/shop?target_session_attrs=read-write",
            hosts.join(",")
        )
    }

    /// A session, as a program has it that knows nothing of ours.
    pub(crate) fn session(&self, index: usize, database: &str) -> Session {
        Session::connect(&format!(
            "postgres://shop@{}/{database}",
            self.address(index)
        ))
    }

    pub(crate) fn sql(&self, index: usize, sql: &str) {
        self.session(index, "shop").batch(sql).unwrap();
    }

    /// Has a replica receive and not replay.
    pub(crate) fn pause(&self, index: usize) {
        self.sql(index, "SELECT pg_wal_replay_pause()");
        within(PATIENCE, "replay is paused", || {
            let state: String = self
                .session(index, "shop")
                .value("SELECT pg_get_wal_replay_pause_state()");
            (state == "paused").then_some(())
        });
    }

    pub(crate) fn resume(&self, index: usize) {
        self.sql(index, "SELECT pg_wal_replay_resume()");
    }

    /// Awaits that a replica has replayed what another server has written by now.
    pub(crate) fn await_replay(&self, index: usize, origin: usize) {
        let end: String = self
            .session(origin, "postgres")
            .value("SELECT pg_current_wal_insert_lsn()::text");
        let replayed = format!("SELECT pg_last_wal_replay_lsn() >= '{end}'::pg_lsn");
        let session = self.session(index, "postgres");
        within(PATIENCE, "the replica has replayed", || {
            session.value::<bool>(&replayed).then_some(())
        });
    }

    /// Has commits of the primary wait for a replica.
    pub(crate) fn synchronous(&self, primary: usize, replica: usize) {
        let session = self.session(primary, "postgres");
        let names = format!("ALTER SYSTEM SET synchronous_standby_names = 'r{replica}'");
        session.batch(&names).unwrap();
        session.batch("SELECT pg_reload_conf()").unwrap();
        within(PATIENCE, "the replica is synchronous", || {
            let sync = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
            (session.value::<i64>(sync) == 1).then_some(())
        });
    }

    /// Makes a replica the primary; returns when it takes writes.
    pub(crate) fn promote(&self, index: usize) {
        let promoted: bool = self
            .session(index, "postgres")
            .value("SELECT pg_promote(true, 30)");
        assert!(promoted);
    }

    /// Has a running replica follow another server.
    pub(crate) fn follow(&self, index: usize, origin: usize) {
        self.set(index, "primary_conninfo", &self.origin(index, origin));
    }

    /// Makes a killed server anew, as a replica of another one.
    pub(crate) fn rejoin(&mut self, index: usize, origin: usize) {
        fs::remove_dir_all(self.data(index)).unwrap();
        let mut backup = as_postgres(&programs().join("pg_basebackup"));
        backup.args([
            "--no-sync",
            "--checkpoint=fast",
            "--write-recovery-conf",
            "--pgdata",
        ]);
        backup
            .arg(self.data(index))
            .arg("--dbname")
            .arg(self.origin(index, origin));
        let output = backup.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        // In place of the settings of the other one.
        self.write_origin(index, origin);
        self.run(index);
    }

    /// Sends a signal to all processes of a server.
    pub(crate) fn signal(&self, index: usize, signal: Signal) {
        let Some(process) = &self.servers[index].process else {
            return;
        };
        let server = Pid::from_child(process);
        // While it stands still it starts no others, and they are known as its own.
        let _ = kill_process(server, Signal::STOP);
        let children = format!("/proc/{0}/task/{0}/children", server.as_raw_nonzero());
        let children = fs::read_to_string(children).unwrap_or_default();
        for child in children.split_whitespace() {
            // Some have ended meanwhile.
            let _ = kill_process(Pid::from_raw(child.parse().unwrap()).unwrap(), signal);
        }
        let _ = kill_process(server, signal);
    }

    /// Ends a server at once, as a fault of its machine would.
    pub(crate) fn kill(&mut self, index: usize) {
        self.signal(index, Signal::KILL);
        if let Some(mut process) = self.servers[index].process.take() {
            process.wait().unwrap();
        }
    }

    /// What a server said, for tests that fail.
    fn show_log(&self, index: usize) {
        let log = fs::read_to_string(self.log(index)).unwrap_or_default();
        eprintln!("--- log of PostgreSQL {index}\n{log}");
    }
}

impl Drop for Replication {
    fn drop(&mut self) {
        for index in 0..self.servers.len() {
            self.kill(index);
            if std::thread::panicking() {
                self.show_log(index);
            }
        }
    }
}

/// Runs a server as the user `postgres` where we are root, which it refuses. It ends with the thread that starts it,
/// however that ends.
fn as_postgres(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    if getuid().is_root() {
        let (uid, gid) = user_postgres();
        command.args([
            format!("--reuid={uid}"),
            format!("--regid={gid}"),
            "--clear-groups".to_owned(),
        ]);
    }
    command.arg("--pdeathsig=QUIT").arg("--").arg(program);
    command.current_dir("/").stdin(Stdio::null());
    command
}

/// A cluster that was initialized and never started, made by the first test that needs it.
fn template() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    fs::create_dir_all(folder).unwrap();
    let version = programs();
    let version = version.parent().and_then(Path::file_name).unwrap();
    let template = folder.join(format!("postgres-{}", version.display()));
    let lock = File::create(folder.join("postgres.lock")).unwrap();
    lock.lock().unwrap();
    if !template.exists() {
        let made = tempfile::tempdir().unwrap();
        if getuid().is_root() {
            let (uid, gid) = user_postgres();
            chown(made.path(), Some(uid), Some(gid)).unwrap();
        }
        let data = made.path().join("data");
        let mut initdb = as_postgres(&programs().join("initdb"));
        initdb.args(["--auth=trust", "--username=shop", "--no-sync"]);
        initdb.args(["--wal-segsize=1", "--pgdata"]);
        let output = initdb.arg(&data).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let settings = data.join("postgresql.conf");
        fs::write(&settings, fs::read_to_string(&settings).unwrap() + SETTINGS).unwrap();
        let unfinished = folder.join("postgres-unfinished");
        let _ = fs::remove_dir_all(&unfinished);
        copy(&data, &unfinished);
        fs::rename(unfinished, &template).unwrap();
    }
    template
}

fn copy(from: &Path, to: &Path) {
    let mut command = Command::new("cp");
    command
        .args(["--archive", "--reflink=auto"])
        .arg(from)
        .arg(to);
    assert!(command.status().unwrap().success());
}
