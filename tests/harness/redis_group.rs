//! Several Redis that belong together: under Sentinels, or as a Cluster.

use std::path::Path;
use std::process::{Command, Stdio};

use super::redis::{Redis, free_port};
use super::{PATIENCE, within};

/// What they call the service.
pub(crate) const SERVICE: &str = "shop";

/// A master, a replica, and three Sentinels that watch over them.
pub(crate) struct Sentinels {
    pub(crate) master: Redis,
    pub(crate) replica: Redis,
    watchers: Vec<Redis>,
}

impl Sentinels {
    /// All of them know of each other.
    pub(crate) fn start() -> Self {
        let master = Redis::start();
        let of = master.address().port().to_string();
        let replica = Redis::start_with(&[
            "--replicaof",
            "127.0.0.1",
            &of,
            "--repl-diskless-sync-delay",
            "0",
        ]);
        within(PATIENCE, "the replica is in step", || {
            let info: String = replica.run("INFO replication");
            info.contains("master_link_status:up").then_some(())
        });
        let sentinels: Vec<_> = (0..3).map(|_| sentinel(&of)).collect();
        for sentinel in &sentinels {
            within(PATIENCE, "the sentinels know of all", || {
                let info: String = sentinel.run("INFO sentinel");
                info.contains("status=ok").then_some(())?;
                (info.contains("slaves=1") && info.contains("sentinels=3")).then_some(())
            });
        }
        Self {
            master,
            replica,
            watchers: sentinels,
        }
    }

    /// Has them make the replica the master, and the master its replica.
    pub(crate) fn fail_over(&self) {
        self.promote();
        within(PATIENCE, "they change places", || {
            is_a(&self.master, "slave").then_some(())
        });
    }

    /// Has them make the replica the master, while the master goes on calling itself one: it lets nobody tell it
    /// otherwise.
    pub(crate) fn promote_behind_the_back_of_the_master(&self) {
        self.master
            .run::<()>("ACL SETUSER default -replicaof -slaveof");
        self.promote();
        within(PATIENCE, "all Sentinels name the new one", || {
            let new = self.replica.address().port().to_string();
            let name = format!("SENTINEL GET-MASTER-ADDR-BY-NAME {SERVICE}");
            let named = |it: &Redis| it.run::<Vec<String>>(&name)[1] == new;
            self.watchers.iter().all(named).then_some(())
        });
        assert!(is_a(&self.master, "master"));
    }

    fn promote(&self) {
        let _: () = self.watchers[0].run(&format!("SENTINEL FAILOVER {SERVICE}"));
        within(PATIENCE, "the replica takes over", || {
            is_a(&self.replica, "master").then_some(())
        });
    }

    pub(crate) fn url(&self) -> String {
        let addresses = self.watchers.iter().map(|it| it.address().to_string());
        let addresses: Vec<_> = addresses.collect();
        format!("redis+sentinel://{}/{SERVICE}", addresses.join(","))
    }
}

fn is_a(redis: &Redis, role: &str) -> bool {
    let info = redis.try_run::<String>("INFO replication");
    info.is_ok_and(|info| info.contains(&format!("role:{role}")))
}

fn sentinel(master: &str) -> Redis {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sentinel.conf");
    let config = format!(
        "sentinel monitor {SERVICE} 127.0.0.1 {master} 2\n\
         sentinel down-after-milliseconds {SERVICE} 500\n\
         sentinel failover-timeout {SERVICE} 3000\n"
    );
    std::fs::write(&file, config).unwrap();
    Redis::start_from(folder, Some(&file), &["--sentinel"])
}

/// Three masters, each with a replica.
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Redis>,
}

impl Cluster {
    /// All slots are served.
    pub(crate) fn start() -> Self {
        let nodes: Vec<_> = (0..6).map(|_| node()).collect();
        let addresses = nodes.iter().map(|node| node.address().to_string());
        let created = Command::new("redis-cli")
            .args(["--cluster", "create"])
            .args(addresses)
            .args(["--cluster-replicas", "1", "--cluster-yes"])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(created.status.success(), "{created:?}");
        for node in &nodes {
            within(PATIENCE, "the cluster is complete", || {
                let info: String = node.run("CLUSTER INFO");
                let nodes: String = node.run("CLUSTER NODES");
                let in_step = node.run::<String>("INFO replication");
                (info.contains("cluster_state:ok")
                    && nodes.matches("slave").count() == 3
                    && !in_step.contains("master_link_status:down"))
                .then_some(())
            });
        }
        Self { nodes }
    }

    /// The master of a key and its replica, as places among the nodes.
    pub(crate) fn home(&self, key: &str) -> (usize, usize) {
        let slot: i64 = self.nodes[0].run(&format!("CLUSTER KEYSLOT {key}"));
        let nodes: String = self.nodes[0].run("CLUSTER NODES");
        let lines: Vec<Vec<&str>> = nodes
            .lines()
            .map(|line| line.split(' ').collect())
            .collect();
        let has_slot = |range: &&str| {
            let (from, to) = range.split_once('-').unwrap_or((range, range));
            (from.parse().unwrap_or(i64::MAX)..=to.parse().unwrap_or(-1)).contains(&slot)
        };
        let master = lines
            .iter()
            .find(|line| line[8..].iter().any(has_slot))
            .unwrap();
        let replica = lines.iter().find(|line| line[3] == master[0]).unwrap();
        let place = |line: &[&str]| {
            let address = line[1].split('@').next().unwrap();
            let is_it = |node: &Redis| node.address().to_string() == address;
            self.nodes.iter().position(is_it).unwrap()
        };
        (place(master), place(replica))
    }
}

fn node() -> Redis {
    let bus = free_port().to_string();
    Redis::start_with(&[
        "--cluster-enabled",
        "yes",
        "--cluster-port",
        &bus,
        "--cluster-node-timeout",
        "1000",
        "--cluster-replica-validity-factor",
        "0",
        "--repl-diskless-sync-delay",
        "0",
    ])
}

/// A certificate of one's own for `localhost`, and its key.
pub(crate) fn certificate(folder: &Path) -> (std::path::PathBuf, std::path::PathBuf) {
    let (certificate, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
        ])
        .args(["-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    (certificate, key)
}
