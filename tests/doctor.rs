//! `doorbuster doctor`: what is well is said to be, and what is not is told with its mend.

use serde_json::Value;

use crate::harness::{
    PATIENCE, Redis, Replication, Server, Shop, doorbuster, product, run, within,
};

/// The checks of a report.
struct Checks(Vec<Value>);

impl Checks {
    fn of(shop: &Shop, server: &Server, more: &[&str], code: Option<i32>) -> Self {
        let node = format!("http://{}", server.admin);
        let arguments = [&["--json", "--node", &node][..], more].concat();
        let ended = shop.run("doctor", &arguments);
        if let Some(code) = code {
            assert_eq!(ended.code, code, "{}", ended.stdout);
        }
        let report = ended.summary();
        let worst = report["state"].as_str().unwrap();
        let expected = match ended.code {
            0 => "ok",
            2 => "warn",
            _ => "fail",
        };
        assert_eq!(worst, expected);
        Self(report["checks"].as_array().unwrap().clone())
    }

    /// The state of a check, and all that is said of it.
    fn find(&self, name: &str) -> (&str, String) {
        let mut checks = self.0.iter();
        let check = checks.find(|check| check["name"].as_str().unwrap().starts_with(name));
        let check = check.unwrap_or_else(|| panic!("{name} is not in {:?}", self.0));
        let state = check["state"].as_str().unwrap();
        let text = |member: &str| check[member].as_str().unwrap_or_default();
        assert_eq!(state == "ok", text("mend").is_empty(), "{check}");
        (state, format!("{}; {}", text("detail"), text("mend")))
    }

    #[track_caller]
    fn assert(&self, name: &str, state: &str, says: &str) {
        let (found, text) = self.find(name);
        assert!(
            found == state && text.contains(says),
            "{name}: {found}, {text}"
        );
    }
}

#[test]
fn a_file_and_a_node_are_examined() {
    let shop = Shop::in_a_file();
    shop.import(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    let checks = Checks::of(&shop, &server, &[], None);
    checks.assert("catalogue sqlite:", "ok", "current");
    checks.assert("Redis", "ok", "none is configured");
    checks.assert("node http://", "ok", "0 hits");
    checks.assert("clock of node", "ok", "ms ahead");
    checks.assert("data directory", "ok", "writable");
    checks.assert("memory", "ok", "MiB");
    checks.find("open files");
    let text = shop.run("doctor", &["--node", &format!("http://{}", server.admin)]);
    assert!(
        text.stdout
            .lines()
            .all(|line| line.starts_with("ok") || line.starts_with("warn"))
    );
    drop(server);
    let gone = ["--json", "--node", "http://127.0.0.1:1"];
    let ended = shop.run("doctor", &gone).with(2);
    assert!(
        ended.stdout.contains("look whether serve runs there"),
        "{ended:?}"
    );
    shop.run("doctor", &["--node", "x"]).with(64);
}

#[test]
fn postgres_is_examined() {
    let shop = Shop::empty_in_postgres();
    shop.import(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    let checks = Checks::of(&shop, &server, &[], Some(1));
    checks.assert("catalogue postgres:", "ok", "current");
    checks.assert("PostgreSQL", "ok", "answers in");
    checks.assert("PostgreSQL privileges", "ok", "temporary tables");
    checks.assert("PostgreSQL notifications", "ok", "LISTEN works");
    // As a server for tests it is run like that.
    checks.assert("PostgreSQL durability", "fail", "set both on");
    checks.assert("PostgreSQL connections", "ok", "the nodes take up to");
    checks.assert("PostgreSQL memory", "ok", "shared_buffers");
    checks.assert("clock of PostgreSQL", "ok", "ms ahead");

    let many = [
        "--node",
        "http://127.0.0.1:1",
        "--node",
        "http://127.0.0.1:2",
    ];
    let crowd: Vec<&str> = many.iter().cycle().take(60).copied().collect();
    let checks = Checks::of(&shop, &server, &crowd, Some(1));
    checks.assert("PostgreSQL connections", "fail", "lower catalog.pool_size");

    // One who may connect and read, and no more.
    let database = shop.postgres.as_ref().unwrap();
    let role = format!("reader_{}", std::process::id());
    let session = database.connect();
    session
        .batch(&format!(
            "CREATE ROLE {role} LOGIN;
             GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role};
             DO $$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()); END $$"
        ))
        .unwrap();
    let url = database.url().replace("shop@", &format!("{role}@"));
    let ended = {
        let mut command = doorbuster();
        command.arg("doctor").arg("--data-dir").arg(shop.data_dir());
        command.args([
            "--json",
            "--catalog-url",
            &url,
            "--node",
            "http://127.0.0.1:1",
        ]);
        run(&mut command, &[]).with(1)
    };
    let checks = Checks(ended.summary()["checks"].as_array().unwrap().clone());
    let denied: Vec<_> = checks
        .0
        .iter()
        .filter(|it| it["name"] == "PostgreSQL privileges")
        .collect();
    assert_eq!(denied.len(), 2, "{denied:?}");
    checks.assert("PostgreSQL privileges", "fail", "product_document");
    assert!(
        denied[1]["mend"]
            .as_str()
            .unwrap()
            .contains("GRANT TEMPORARY")
    );
    session
        .batch(&format!("DROP OWNED BY {role}; DROP ROLE {role}"))
        .unwrap();

    let nowhere = {
        let mut command = doorbuster();
        command.arg("doctor").arg("--data-dir").arg(shop.data_dir());
        command.args(["--catalog-url", "postgres://shop:s3cret@127.0.0.1:1/shop"]);
        run(&mut command, &[]).with(1)
    };
    assert!(nowhere.stdout.contains("FAIL  PostgreSQL: "), "{nowhere:?}");
    assert!(!nowhere.stdout.contains("s3cret"), "{nowhere:?}");
}

#[test]
fn redis_is_examined() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let redis = Redis::start();
    let url = redis.url();
    let more = ["--redis-url", url.as_str()];
    let patient = [("DOORBUSTER_REDIS_TIMEOUT", "1s")];
    let server = shop.serve_with(&more, &patient);
    server.await_redis();
    let checks = |code| Checks::of(&shop, &server, &more, code);
    let bare = checks(None);
    bare.assert("Redis rights", "ok", "all that is needed");
    bare.assert("Redis memory", "warn", "allkeys-lru");
    bare.assert("clock of Redis", "ok", "ms ahead");
    bare.find("Redis round trip");
    redis.run::<()>("CONFIG SET maxmemory 100mb");
    checks(Some(1)).assert("Redis memory", "fail", "noeviction");
    redis.run::<()>("CONFIG SET maxmemory-policy allkeys-lru");
    checks(None).assert("Redis memory", "ok", "of 100 MiB");
    redis.run::<()>("CONFIG SET timeout 5");
    redis.run::<()>("CONFIG SET notify-keyspace-events KEA");
    let noisy = checks(None);
    noisy.assert("Redis idle connections", "warn", "after 5 s");
    noisy.assert("Redis notifications", "warn", "set it to \"\"");
    redis.run::<()>("CONFIG SET timeout 0");
    // A key of its own is all it leaves, for a second.
    let keys: Vec<String> = redis.run("KEYS *");
    assert!(
        keys.iter().all(|key| key == "doorbuster:1:mark"),
        "{keys:?}"
    );

    redis.run::<()>("ACL SETUSER poor on >s3cret ~other:* &* +@all");
    let poor = format!("redis://poor:s3cret@{}", redis.address());
    let denied = Checks::of(&shop, &server, &["--redis-url", &poor], Some(1));
    denied.assert("Redis rights", "fail", "ACL SETUSER");
    drop(redis);
    let gone = checks(Some(1));
    gone.assert("Redis", "fail", "serve goes on without it");
    gone.assert("node http://", "warn", "it does without Redis");
}

#[test]
fn replicas_are_examined() {
    let servers = Replication::start(1);
    let folder = tempfile::tempdir().unwrap();
    let (primary, replica) = (servers.url(0), servers.url(1));
    let run = |name: &str, catalog: &str, more: &[&str]| {
        let mut command = doorbuster();
        command.arg(name).arg("--data-dir").arg(folder.path());
        command
            .args(["--json", "--catalog-url", catalog])
            .args(more);
        command.env("DOORBUSTER_CATALOG_MAX_REPLICA_LAG", "1s");
        run(&mut command, &[])
    };
    run("migrate", &primary, &[]).with(0);
    let doctor = |catalog: &str, replica: &str| {
        let node = ["--node", "http://127.0.0.1:1", "--replica-url", replica];
        let report = run("doctor", catalog, &node).with(1).summary();
        Checks(report["checks"].as_array().unwrap().clone())
    };
    servers.await_replay(1, 0);
    let checks = doctor(&primary, &replica);
    let name = format!("replica {replica}");
    checks.assert(&name, "ok", "0 ms behind");
    checks.assert(&format!("{name}, connections"), "ok", "max_connections");
    checks.assert(&format!("clock of {name}"), "ok", "ms ahead");
    checks.assert("PostgreSQL durability", "fail", "set both on");
    servers.set(1, "hot_standby_feedback", "off");
    within(PATIENCE, "the setting is read", || {
        let checks = doctor(&primary, &replica);
        let reads = format!("{name}, reads");
        let mut checks = checks.0.iter();
        checks
            .any(|check| check["name"] == reads.as_str() && check["state"] == "warn")
            .then_some(())
    });
    servers.pause(1);
    servers.sql(0, "UPDATE catalog_outbox_horizon SET xid = xid");
    within(PATIENCE, "it is behind", || {
        let checks = doctor(&primary, &replica);
        let (state, said) = checks.find(&name);
        (state == "warn" && said.contains("pg_is_wal_replay_paused")).then_some(())
    });
    doctor(&primary, &primary).assert(&format!("replica {primary}"), "fail", "it takes writes");
    doctor(&replica, &replica).assert("PostgreSQL", "fail", "");
}
