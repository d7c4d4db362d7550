//! The prover: healthy nodes are proven, what is made old on purpose is found, told and dropped.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{
    Ended, PATIENCE, Proxy, Redis, Server, Shop, Writer, doorbuster, product, run, within,
};

const SECONDS: u64 = 3;
/// The command alone looks, so that it finds what there is to find.
const NO_SAMPLER: (&str, &str) = ("DOORBUSTER_CACHE_PROBES", "0");
const PATIENT: (&str, &str) = ("DOORBUSTER_REDIS_TIMEOUT", "1s");

fn admin(server: &Server) -> String {
    format!("http://{}", server.admin)
}

/// Proves these servers right while `meanwhile` goes on.
fn prove(shop: &Shop, servers: &[&Server], more: &[&str], mut meanwhile: impl FnMut()) -> Ended {
    let seconds = SECONDS.to_string();
    let mut arguments = vec!["--json", "--ages=0.1,1,1.5", "--seconds", &seconds];
    let urls: Vec<_> = servers.iter().map(|server| admin(server)).collect();
    for url in &urls {
        arguments.extend(["--node", url]);
    }
    arguments.extend(more);
    thread::scope(|scope| {
        let proving = scope.spawn(|| shop.run("prove", &arguments));
        let started = Instant::now();
        // It may need a moment to begin.
        while started.elapsed() < Duration::from_secs(SECONDS + 1) {
            meanwhile();
        }
        proving.join().unwrap()
    })
}

fn inspect(server: &Server) -> Value {
    server.get_admin("/admin/cache/1").with(200).json()
}

/// Awaits that a server has told Redis of the version, and will not do so again.
fn is_delivered(server: &Server, version: u64) {
    within(PATIENCE, "Redis has been told", || {
        let heard = inspect(server)["heard"].clone();
        let mut heard = heard.as_array().unwrap().iter();
        let is_known = heard.any(|it| it["by"] == "outbox" && it["version"] == version);
        let status = server.get_admin("/admin/cache").with(200).json();
        (is_known && status["l2"]["behind"] == false).then_some(())
    });
}

fn healthy(shop: &Shop, redis: Option<&Redis>) {
    let url = redis.map(Redis::url);
    let arguments: Vec<_> = url.iter().flat_map(|url| ["--redis-url", url]).collect();
    let servers = [(); 2].map(|()| shop.serve_with(&arguments, &[NO_SAMPLER, PATIENT]));
    if redis.is_some() {
        for server in &servers {
            server.await_redis();
        }
    }
    let writer = Writer::new(shop, &servers[0]);
    let mut number = 0;
    let ended = prove(shop, &[&servers[0], &servers[1]], &arguments, || {
        let path = format!("/products/{}", number % 3 + 1);
        let title = json!({ "title": format!("Title {number}") });
        writer.patch(&path, &title).with(200);
        for server in &servers {
            server.get(&path).with(200);
        }
        number += 1;
        thread::sleep(Duration::from_millis(20));
    });
    let report = ended.with(0).summary();
    assert_eq!(report["proven"], true, "{report:#}");
    assert!(report["sampled"].as_u64().unwrap() > 10, "{report:#}");
    for age in &report["ages"].as_array().unwrap()[1..] {
        assert_eq!(age["share"], 1.0, "{report:#}");
        assert!(age["held"].as_u64().unwrap() > 10, "{report:#}");
    }
    let witnesses = report["witnesses"].as_array().unwrap();
    assert_eq!(witnesses.len(), 2 + usize::from(redis.is_some()));
}

fn three() -> [Value; 3] {
    ["lamp", "chair", "table"].map(|handle| product(handle, handle))
}

#[test]
fn two_nodes_on_one_file_are_proven() {
    let shop = Shop::in_a_file();
    shop.import(&three());
    healthy(&shop, None);
}

#[test]
fn two_nodes_on_postgres_and_redis_are_proven() {
    let shop = Shop::empty_in_postgres();
    shop.import(&three());
    healthy(&shop, Some(&Redis::start()));
}

#[test]
fn a_version_that_somebody_put_back_into_redis_is_found_and_dropped() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let redis = Redis::start();
    let url = redis.url();
    let more = ["--redis-url", url.as_str()];
    let server = shop.serve_with(&more, &[NO_SAMPLER, PATIENT]);
    server.await_redis();
    server.get("/products/1").with(200);
    let old: Vec<u8> = within(PATIENCE, "the value is in Redis", || {
        redis.run("GET doorbuster:1:{1}")
    });
    let writer = Writer::new(&shop, &server);
    let mut version = 1;
    let ended = prove(&shop, &[&server], &more, || {
        let title = json!({ "title": format!("Title {version}") });
        writer.patch("/products/1", &title).with(200);
        version += 1;
        is_delivered(&server, version);
        let set = redis::cmd("SET")
            .arg("doorbuster:1:{1}")
            .arg(&old[..])
            .to_owned();
        set.exec(&mut redis.connect()).unwrap();
        thread::sleep(Duration::from_millis(1_200));
    });
    let report = ended.with(1).summary();
    assert_eq!(report["proven"], false);
    let violations = report["violations"].as_array().unwrap();
    let violation = &violations[0];
    assert_eq!(
        (&violation["key"], &violation["place"]),
        (&json!("1"), &json!("Redis"))
    );
    assert_eq!(violation["served"], 1);
    assert!(violation["version"].as_u64().unwrap() > 1);
    assert!(violation["age_ms"].as_u64().unwrap() >= 1_000);
    let seen = &violation["trace"]["l2"];
    assert_eq!(
        (&seen["state"], &seen["version"]),
        (&json!("value"), &json!(1))
    );
    for violation in violations {
        assert_eq!(
            (&violation["evicted"], &violation["healed"]),
            (&json!(true), &json!(true))
        );
    }
}

/// Its way to the store is cut where it would hear of changes, and what it has in memory is all it has.
#[test]
fn a_node_that_hears_nothing_is_found_and_mended() {
    let shop = Shop::empty_in_postgres();
    shop.import(&[product("lamp", "Lamp")]);
    let direct = shop.postgres.as_ref().unwrap().url();
    let (host, database) = direct.split_once('@').unwrap().1.split_once('/').unwrap();
    let proxy = Proxy::before(host.parse().unwrap());
    let by_proxy = format!("postgres://shop@{}/{database}", proxy.address());
    let mut command = doorbuster();
    command
        .arg("serve")
        .arg("--data-dir")
        .arg(shop.file("deaf"));
    command
        .args(["--catalog-url", &by_proxy])
        .env(NO_SAMPLER.0, NO_SAMPLER.1);
    let deaf = Server::start(&mut command);
    let healthy = shop.serve_with(&[], &[NO_SAMPLER]);
    let etag = deaf.get("/products/1").with(200);
    proxy.mute(true);
    let writer = Writer::new(&shop, &healthy);
    let mut version = 1;
    let ended = prove(&shop, &[&healthy, &deaf], &[], || {
        let title = json!({ "title": format!("Title {version}") });
        writer.patch("/products/1", &title).with(200);
        version += 1;
        healthy.get("/products/1").with(200);
        thread::sleep(Duration::from_millis(500));
    });
    let report = ended.with(1).summary();
    let violations = report["violations"].as_array().unwrap();
    assert!(
        violations.iter().all(|it| it["place"] == admin(&deaf)),
        "{report:#}"
    );
    let trace = &violations[0]["trace"];
    assert_eq!(
        trace["l1"]["etag"].as_str(),
        etag.header("etag"),
        "{report:#}"
    );
    assert_eq!(
        (&trace["l1"]["version"], &trace["heard"]),
        (&json!(1), &json!([]))
    );
    assert_eq!(trace["store"]["state"], "unreachable");
    assert_eq!(violations[0]["healed"], true, "{report:#}");
    assert_eq!(inspect(&deaf)["l1"]["state"], "nothing");
    proxy.mute(false);
}

#[test]
fn a_server_looks_at_itself_and_mends() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let redis = Redis::start();
    let url = redis.url();
    let environment = [("DOORBUSTER_CACHE_PROBES", "100"), PATIENT];
    let server = shop.serve_with(&["--redis-url", &url], &environment);
    server.await_redis();
    server.get("/products/1").with(200);
    let old: Vec<u8> = within(PATIENCE, "the value is in Redis", || {
        redis.run("GET doorbuster:1:{1}")
    });
    let sampled = || {
        let status = server.get_admin("/admin/cache").with(200).json();
        status["prover"]["sampled"].as_u64().unwrap()
    };
    let writer = Writer::new(&shop, &server);
    let mut version = 1;
    // It has begun once it has seen one.
    within(PATIENCE, "a change is sampled", || {
        let title = json!({ "title": format!("Title {version}") });
        writer.patch("/products/1", &title).with(200);
        version += 1;
        is_delivered(&server, version);
        (sampled() > 0).then_some(())
    });
    let set = redis::cmd("SET")
        .arg("doorbuster:1:{1}")
        .arg(&old[..])
        .to_owned();
    set.exec(&mut redis.connect()).unwrap();
    let told = "an old version was served after its time; it was dropped";
    server.program.log.wait_for(told, |line| {
        let is_it = line["message"] == told && line["place"] == "Redis";
        is_it.then(|| {
            assert_eq!(
                (&line["served"], &line["healed"]),
                (&json!(1), &json!(true))
            );
        })
    });
    let status = server.get_admin("/admin/cache").with(200).json();
    assert!(
        status["prover"]["violation_count"].as_u64().unwrap() > 0,
        "{status:#}"
    );
    assert_eq!(inspect(&server)["l2"]["state"], "fence");
}

#[test]
fn nothing_is_proven_where_nothing_happens_or_nobody_answers() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve_with(&[], &[NO_SAMPLER]);
    let brief = ["--seconds=1", "--ages=1", "--json"];
    let node = admin(&server);
    let ended = shop.run("prove", &[&brief[..], &["--node", &node]].concat());
    assert_eq!(
        ended.with(2).summary()["verdict"],
        "not proven: no product changed meanwhile"
    );
    let writer = Writer::new(&shop, &server);
    let gone = shop.serve_with(&[], &[NO_SAMPLER]);
    let silent = admin(&gone);
    drop(gone);
    let write = || {
        let title = json!({ "title": format!("{:?}", Instant::now()) });
        writer.patch("/products/1", &title).with(200);
        thread::sleep(Duration::from_millis(50));
    };
    let ended = prove(&shop, &[], &["--node", &silent], write);
    assert_eq!(
        ended.with(1).summary()["verdict"],
        "NOT PROVEN: no node answered"
    );
    let ended = prove(&shop, &[&server], &["--node", &silent], write);
    assert_eq!(
        ended.with(2).summary()["verdict"],
        "not proven: somebody was silent"
    );

    for wrong in [
        &["--seconds", "0"][..],
        &["--node", "web"],
        &["--ages", "0.1"],
        &["--ages", "x"],
        &["--rate", "0"],
    ] {
        shop.run("prove", wrong).with(64);
    }
    let nowhere = Shop::in_a_file();
    let ended = run(nowhere.command("prove").args(brief), &[]);
    assert!(ended.with(64).one_line().contains("there is no catalogue"));
}
