//! A shop whose catalogue has replicas.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{
    Ended, PATIENCE, Replication, Server, Session, Shop, Writer, lines, product, run, within,
};

/// From a commit until every node shows it, and from when replicas may be too far behind until nobody reads from them.
pub(super) const PROMISE: Duration = Duration::from_secs(1);

/// The message of a node that begins to read from a replica, and of one that ceases to.
pub(super) const ENTERS: &str = "reading from a replica";
pub(super) const LEAVES: &str = "not reading from a replica";

/// The servers of the catalogue, and the data directory of one node.
pub(crate) struct ReplicatedShop {
    pub(crate) servers: Replication,
    shop: Shop,
    replicas: usize,
}

impl ReplicatedShop {
    /// With this many replicas and products, which all of them have.
    pub(crate) fn start(replicas: usize, products: usize) -> Self {
        let this = Self {
            servers: Replication::start(replicas),
            shop: Shop::in_a_file(),
            replicas,
        };
        let products: Vec<_> = (1..=products)
            .map(|id| product(&format!("product-{id}"), "Version 1"))
            .collect();
        let mut command = this.shop.command("import");
        command.args(["--json", "--format=jsonl", "--catalog-url"]);
        let imported = run(
            command.arg(this.servers.any_url()),
            lines(&products).as_bytes(),
        );
        imported.with(0);
        for index in 1..=replicas {
            this.servers.await_replay(index, 0);
        }
        this
    }

    fn arguments(&self) -> Vec<String> {
        let replicas = (1..=self.replicas).map(|index| self.servers.url(index));
        let replicas = replicas.map(|url| format!("--replica-url={url}"));
        let mut arguments: Vec<_> = replicas.collect();
        arguments.push(format!("--catalog-url={}", self.servers.any_url()));
        arguments
    }

    /// A node that reads from all replicas that there are.
    pub(crate) fn serve(&self, environment: &[(&str, &str)]) -> Server {
        let server = self.serve_anyhow(&self.shop, environment);
        is_said(&server, ENTERS, self.replicas);
        server
    }

    /// A node with a data directory of its own.
    pub(super) fn serve_anyhow(&self, shop: &Shop, environment: &[(&str, &str)]) -> Server {
        let arguments = self.arguments();
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        shop.serve_with(&arguments, environment)
    }

    /// How a node ends that does not start.
    pub(super) fn refuses_to_serve(&self, environment: &[(&str, &str)]) -> Ended {
        let mut command = self.shop.command("serve");
        command.args(["--listen", "127.0.0.1:0"]);
        let environment = environment.iter().copied();
        run(command.args(self.arguments()).envs(environment), &[])
    }

    /// What `check` says of each replica, and whether all is well.
    pub(super) fn check(&self) -> (bool, Vec<String>) {
        let mut command = self.shop.command("check");
        let ended = run(command.arg("--json").args(self.arguments()), &[]);
        let report: Value = serde_json::from_str(&ended.stdout).unwrap();
        let checks = report["checks"].as_array().unwrap().iter();
        let is_replica = |check: &&Value| check["name"].as_str().unwrap().starts_with("replica");
        let details = checks
            .filter(is_replica)
            .map(|check| check["detail"].as_str().unwrap());
        (report["ok"] == true, details.map(str::to_owned).collect())
    }

    pub(super) fn session(&self, index: usize) -> Session {
        self.servers.session(index, "shop")
    }

    /// Makes a version of a product as a program does that knows nothing of ours.
    pub(super) fn write(&self, index: usize, id: usize, version: u64) {
        let sql = format!("UPDATE product SET title = 'Version {version}' WHERE id = {id}");
        self.servers.sql(index, &sql);
    }

    pub(super) fn writer<'s>(&self, server: &'s Server) -> Writer<'s> {
        let url = format!("--catalog-url={}", self.servers.any_url());
        let arguments = [
            "new",
            "--name=test",
            "--scope=catalog:write,stock:write",
            &url,
        ];
        let made = self.shop.run("token", &arguments).with(0);
        Writer::bearing(server, made.stdout.trim_end())
    }
}

/// Awaits that a node has said something so often.
pub(super) fn is_said(server: &Server, message: &str, times: usize) {
    within(PATIENCE, message, || {
        let lines = server.program.log.lines();
        let says = |line: &&String| {
            let line: Option<Value> = serde_json::from_str(line).ok();
            line.is_some_and(|line| line["message"] == message)
        };
        std::thread::sleep(Duration::from_millis(5));
        (lines.iter().filter(says).count() >= times).then_some(())
    });
}

/// Every read is a load, so that it is the store that answers.
pub(super) const NOTHING_KEPT: [(&str, &str); 2] = [
    ("DOORBUSTER_CACHE_FRESH", "1ms"),
    ("DOORBUSTER_CACHE_STALE", "0s"),
];

/// What readers of a node see, and that it is right: no failure, and no version followed by an older one.
#[derive(Default)]
pub(super) struct Readers {
    is_over: AtomicBool,
    reads: AtomicU64,
    newest: Mutex<Vec<u64>>,
}

impl Readers {
    pub(super) fn of(products: usize) -> Self {
        Self {
            newest: Mutex::new(vec![0; products + 1]),
            ..Self::default()
        }
    }

    /// Reads one product after another until it is over.
    #[track_caller]
    pub(super) fn read(&self, server: &Server) {
        let products = self.newest.lock().unwrap().len() - 1;
        let mut id = 0;
        while !self.is_over.load(Ordering::Acquire) {
            id = id % products + 1;
            self.read_one(server, id);
        }
    }

    #[track_caller]
    fn read_one(&self, server: &Server, id: usize) {
        // What anybody had seen on this node before this request began.
        let floor = self.newest.lock().unwrap()[id];
        let document = server.get(&format!("/products/{id}")).with(200).json();
        let version = document["version"].as_u64().unwrap();
        assert!(version >= floor, "product {id}: {version} after {floor}");
        let newest = &mut self.newest.lock().unwrap()[id];
        *newest = version.max(*newest);
        self.reads.fetch_add(1, Ordering::Release);
    }

    /// Awaits that so many reads more have been answered.
    pub(super) fn go_on(&self, more: u64) {
        let before = self.reads.load(Ordering::Acquire);
        within(PATIENCE, "the readers go on", || {
            std::thread::sleep(Duration::from_millis(1));
            (self.reads.load(Ordering::Acquire) >= before + more || self.is_over()).then_some(())
        });
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    /// Ends them when it goes out of scope, also where an assertion fails: the scope of threads waits for them.
    pub(super) fn until_dropped(&self) -> impl Drop {
        struct End<'r>(&'r AtomicBool);
        impl Drop for End<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Release);
            }
        }
        End(&self.is_over)
    }
}

/// A change of the title alone.
pub(super) fn titled(title: &str) -> Value {
    json!({ "title": title })
}
