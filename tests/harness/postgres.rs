//! A PostgreSQL cluster, and databases of it.
//!
//! `scripts/test` starts one cluster for all tests and names it in `TEST_POSTGRES`; a test that is run alone starts
//! its own. The server refuses to run as root, so then it runs as the user `postgres`.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::process::{Pid, Signal, getuid, kill_process, test_kill_process};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, NoTls};

use super::{PATIENCE, doorbuster, free_port, run, within};

/// A database of an empty catalogue, made once for each cluster: to copy it is faster than to migrate.
const TEMPLATE: &str = "empty_catalogue";

/// A database, dropped when it goes out of scope.
pub(crate) struct PostgresDatabase {
    name: String,
    /// In front of the cluster, where programs are to go through one.
    bouncer: Option<PgBouncer>,
    cluster: Cluster,
}

impl PostgresDatabase {
    /// With an empty catalogue.
    pub(crate) fn new() -> Self {
        let cluster = Cluster::shared_or_own();
        make_template(&cluster);
        let database = Self::create(cluster, &format!("TEMPLATE {TEMPLATE}"));
        // What each catalogue has of its own.
        let secret = "UPDATE secret SET value = sha256(gen_random_uuid()::text::bytea)";
        database.connect().batch(secret).unwrap();
        database
    }

    /// With an empty catalogue, on a server that nobody else uses.
    pub(crate) fn in_a_cluster_of_its_own() -> Self {
        let cluster = Cluster::start();
        make_template(&cluster);
        Self::create(cluster, &format!("TEMPLATE {TEMPLATE}"))
    }

    /// What the server of its own has logged.
    pub(crate) fn log(&self) -> String {
        let (folder, _) = self.cluster.own.as_ref().expect("a cluster of its own");
        fs::read_to_string(folder.path().join("log")).unwrap()
    }

    /// With nothing in it.
    pub(crate) fn blank() -> Self {
        Self::create(Cluster::shared_or_own(), "")
    }

    fn create(cluster: Cluster, how: &str) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);

        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{number}", std::process::id());
        Session::connect(&cluster.url("postgres"))
            .batch(&format!("CREATE DATABASE {name} {how}"))
            .unwrap();
        Self {
            name,
            bouncer: None,
            cluster,
        }
    }

    /// With a PgBouncer that programs go through.
    pub(crate) fn behind_pgbouncer() -> Self {
        let mut database = Self::new();
        database.bouncer = Some(PgBouncer::start(&database.cluster));
        database
    }

    pub(crate) fn is_behind_pgbouncer(&self) -> bool {
        self.bouncer.is_some()
    }

    pub(crate) fn url(&self) -> String {
        match &self.bouncer {
            Some(bouncer) => bouncer.url(&self.name),
            None => self.cluster.url(&self.name),
        }
    }

    /// A session, as a program has it that knows nothing of ours.
    pub(crate) fn connect(&self) -> Session {
        Session::connect(&self.cluster.url(&self.name))
    }
}

impl Drop for PostgresDatabase {
    fn drop(&mut self) {
        let sql = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        // A cluster of its own goes with all it has.
        let _ = Session::connect(&self.cluster.url("postgres")).batch(&sql);
    }
}

/// Makes the template where no other test has.
fn make_template(cluster: &Cluster) {
    let session = Session::connect(&cluster.url("postgres"));
    session.batch("SELECT pg_advisory_lock(1)").unwrap();
    let there = format!("SELECT count(*) FROM pg_database WHERE datname = '{TEMPLATE}'");
    if session.value::<i64>(&there) > 0 {
        return;
    }
    let unfinished = format!("{TEMPLATE}_{}", std::process::id());
    let create = format!("CREATE DATABASE {unfinished}");
    session.batch(&create).unwrap();
    let mut migrate = doorbuster();
    migrate.args(["migrate", "--catalog-url", &cluster.url(&unfinished)]);
    run(&mut migrate, &[]).with(0);
    let finish = format!("ALTER DATABASE {unfinished} RENAME TO {TEMPLATE}");
    session.batch(&finish).unwrap();
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

    /// The first column.
    pub(crate) fn values<T: for<'r> tokio_postgres::types::FromSql<'r>>(
        &self,
        sql: &str,
    ) -> Vec<T> {
        let rows = self.runtime.block_on(self.client.query(sql, &[]));
        rows.unwrap().iter().map(|row| row.get(0)).collect()
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
        // Twenty processes of workers, with as many each as they may have.
        server.args(["-c", "max_connections=400"]);
        let server = server.arg("-p").arg(port.to_string());
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let child = server.stdout(Stdio::null()).stderr(log).spawn();
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

/// A PgBouncer in transaction mode, with fewer sessions than its clients have connections.
struct PgBouncer {
    base: String,
    child: Child,
    _folder: TempDir,
}

impl PgBouncer {
    fn start(cluster: &Cluster) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let (_, server_port) = cluster.base.rsplit_once(':').unwrap();
        let users = folder.path().join("users");
        fs::write(&users, "\"shop\" \"\"\n").unwrap();
        let settings = folder.path().join("settings");
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={server_port}\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = trust\nauth_file = {}\npool_mode = transaction\ndefault_pool_size = 3\n",
            users.display()
        );
        fs::write(&settings, text).unwrap();
        if getuid().is_root() {
            let (uid, gid) = user_postgres();
            for path in [folder.path(), &users, &settings] {
                chown(path, Some(uid), Some(gid)).unwrap();
            }
        }
        let mut program = as_postgres(Path::new("/usr/sbin/pgbouncer"));
        program.arg(&settings).stderr(Stdio::null());
        let child = program.spawn().expect("install pgbouncer: scripts/setup");
        within(PATIENCE, "PgBouncer listens", || {
            TcpStream::connect(("127.0.0.1", port)).ok()
        });
        Self {
            base: format!("postgres://shop@127.0.0.1:{port}"),
            child,
            _folder: folder,
        }
    }

    fn url(&self, database: &str) -> String {
        format!("{}/{database}", self.base)
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        // `setpriv` became the program.
        let _ = self.child.kill();
        let _ = self.child.wait();
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
