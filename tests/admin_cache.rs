//! The listener for operators: what the tiers have of a product, what the caches did, and purging.

use serde_json::{Value, json};

use crate::harness::{PATIENCE, Redis, Reply, Server, Shop, Writer, product, within};

fn in_vendor(handle: &str, vendor: &str) -> Value {
    let mut product = product(handle, handle);
    product["vendor"] = vendor.into();
    product
}

fn inspect(server: &Server, id: i64) -> Value {
    server
        .get_admin(&format!("/admin/cache/{id}"))
        .with(200)
        .json()
}

fn purge(server: &Server, body: &Value) -> Reply {
    let headers = [("content-type", "application/json")];
    server.send_admin("POST", "/admin/cache/purge", &headers, body.to_string())
}

fn counts(server: &Server) -> Value {
    server.get_admin("/admin/cache").with(200).json()
}

/// Awaits that the outbox has told the server of a version, and the server Redis: it would tell of it again.
fn is_delivered(server: &Server, id: i64, version: u64) {
    within(PATIENCE, "the version is known everywhere", || {
        let heard = inspect(server, id)["heard"].clone();
        let mut heard = heard.as_array().unwrap().iter();
        let is_known = heard.any(|it| it["by"] == "outbox" && it["version"] == version);
        (is_known && counts(server)["l2"]["behind"] == false).then_some(())
    });
}

#[test]
fn a_product_is_shown_as_each_tier_has_it() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    // Looking is no reading.
    for _ in 0..2 {
        let cold = inspect(&server, 1);
        assert_eq!(cold["l1"], json!({ "state": "nothing" }));
        assert_eq!(cold["l2"], json!({ "state": "off" }));
        assert_eq!(cold["store"]["serves"], 1);
        assert_eq!(
            (&cold["agree"], &cold["loading"]),
            (&json!(true), &json!(false))
        );
    }
    let reply = server.get("/products/1").with(200);
    let warm = inspect(&server, 1);
    let l1 = &warm["l1"];
    assert_eq!((&l1["state"], &l1["serves"]), (&json!("fresh"), &json!(1)));
    assert_eq!(l1["etag"].as_str(), reply.header("etag"));
    assert_eq!(warm["store"]["etag"].as_str(), reply.header("etag"));
    assert_eq!(l1["bytes"], reply.body.len());
    let left = l1["fresh_left_ms"].as_i64().unwrap();
    assert!((1..=66_000).contains(&left), "{l1}");
    assert!(l1["age_ms"].as_i64().unwrap() + left <= 66_000, "{l1}");
    assert_eq!(l1["served_left_ms"], left + 600_000);

    let writer = Writer::new(&shop, &server);
    writer
        .patch("/products/1", &json!({ "title": "Desk Lamp" }))
        .with(200);
    let written = inspect(&server, 1);
    assert_eq!(written["l1"]["state"], "nothing");
    assert_eq!(
        (&written["fence"], &written["agree"]),
        (&json!(2), &json!(true))
    );
    within(PATIENCE, "the outbox has told", || {
        let heard = inspect(&server, 1)["heard"].clone();
        let heard = heard.as_array().unwrap().iter();
        // The outbox may be read between the commit and the answer: which came first is not said.
        let mut heard: Vec<_> = heard.map(|it| it["by"].as_str().unwrap()).collect();
        heard.sort_unstable();
        (heard == ["outbox", "own_write"]).then_some(())
    });
    writer.delete("/products/1").with(204);
    server.get("/products/1").problem(410, "product-deleted");
    let removed = inspect(&server, 1);
    assert_eq!(removed["l1"]["absence"], "removed");
    assert_eq!(removed["l1"]["serves"], removed["store"]["serves"]);

    server
        .get_admin("/admin/cache/x")
        .problem(400, "invalid-product-id");
    server
        .get_admin("/admin/cache/1?tier=l1")
        .problem(400, "invalid-query");
    server
        .get_admin("/admin/cache/1?tiers=l3")
        .problem(400, "invalid-query");
    assert_eq!(inspect(&server, 99)["store"]["absence"], "unknown");
    let brief = server.get_admin("/admin/cache/1?tiers=l1").with(200).json();
    assert!(brief.get("store").is_none() && brief.get("l2").is_none());
    // None of it for the public.
    for path in ["/admin/cache", "/admin/cache/1", "/admin/cache/purge"] {
        server.get(path).problem(404, "route-not-found");
    }
}

#[test]
fn redis_is_shown_and_what_is_planted_there_is_told() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let redis = Redis::start();
    let environment = [("DOORBUSTER_REDIS_TIMEOUT", "1s")];
    let server = shop.serve_with(&["--redis-url", &redis.url()], &environment);
    server.await_redis();
    let reply = server.get("/products/1").with(200);
    let shown = within(PATIENCE, "the value is in Redis", || {
        let shown = inspect(&server, 1);
        (shown["l2"]["state"] == "value").then_some(shown)
    });
    assert_eq!(shown["l2"]["etag"].as_str(), reply.header("etag"));
    assert!(
        shown["l2"]["served_left_ms"].as_i64().unwrap() > 500_000,
        "{shown}"
    );
    assert_eq!(shown["agree"], true);
    redis.run::<()>("SET doorbuster:1:{1}:lease 0123456789abcdef0000000000000001 PX 60000");
    let lease = inspect(&server, 1)["l2"]["lease"].clone();
    assert_eq!(lease["node"], "0123456789abcdef");
    assert!(lease["left_ms"].as_u64().unwrap() <= 60_000);

    let old: Vec<u8> = redis.run("GET doorbuster:1:{1}");
    let writer = Writer::new(&shop, &server);
    writer
        .patch("/products/1", &json!({ "title": "Desk Lamp" }))
        .with(200);
    let fence = inspect(&server, 1);
    assert_eq!(
        (&fence["l2"]["state"], &fence["l2"]["version"]),
        (&json!("fence"), &json!(2))
    );
    assert!(fence["l2"].get("lease").is_none() && fence["l2"].get("serves").is_none());
    assert_eq!(fence["agree"], true);
    is_delivered(&server, 1, 2);
    // Somebody puts the old version back.
    let mut connection = redis.connect();
    let set = redis::cmd("SET")
        .arg("doorbuster:1:{1}")
        .arg(old)
        .exec(&mut connection);
    set.unwrap();
    let planted = inspect(&server, 1);
    assert_eq!(
        (&planted["l2"]["serves"], &planted["agree"]),
        (&json!(1), &json!(false))
    );
    let shown = shop.run(
        "cache",
        &["show", "1", "--node", &format!("http://{}", server.admin)],
    );
    assert!(shown.with(2).stdout.contains("THEY DO NOT AGREE"));
    let deleted = server
        .send_admin("DELETE", "/admin/cache/1?hard=true", &[], "")
        .with(200);
    assert_eq!(
        deleted.json(),
        json!({ "l1": 0, "l2": 1, "nodes": "all", "error": null })
    );
    assert_eq!(inspect(&server, 1)["agree"], true);
    assert_eq!(server.document("/products/1")["title"], "Desk Lamp");
    within(PATIENCE, "the fill is over", || {
        (inspect(&server, 1)["l2"]["state"] == "value").then_some(())
    });
    redis.run::<()>("SET doorbuster:1:{1} garbage");
    assert_eq!(inspect(&server, 1)["l2"]["state"], "unreadable");
    drop(redis);
    within(PATIENCE, "Redis is gone", || {
        let l2 = inspect(&server, 1)["l2"].clone();
        (l2["state"] == "unreachable").then_some(())
    });
    let half = purge(&server, &json!({ "keys": [1] })).with(200).json();
    assert_eq!(
        (&half["nodes"], half["error"].is_string()),
        (&json!("this"), true)
    );
}

#[test]
fn what_is_purged_is_loaded_again() {
    let shop = Shop::with(&[
        in_vendor("lamp", "Acme"),
        in_vendor("chair", "Acme"),
        in_vendor("table", "Ébano & Co."),
    ]);
    let server = shop.serve();
    let read_all = || (1..=3).for_each(|id| drop(server.get(&format!("/products/{id}")).with(200)));
    let states = || {
        let state = |id| {
            inspect(&server, id)["l1"]["state"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        (1..=3).map(state).collect::<Vec<_>>()
    };
    read_all();
    for (body, l1, expected) in [
        (
            json!({ "keys": [1, 99] }),
            json!(1),
            ["questioned", "fresh", "fresh"],
        ),
        (
            json!({ "keys": [1], "hard": true }),
            json!(1),
            ["nothing", "fresh", "fresh"],
        ),
        (
            json!({ "tag": "vendor-acme" }),
            json!(2),
            ["questioned", "questioned", "fresh"],
        ),
        (
            json!({ "tag": "vendor-%c3%a9bano-co", "hard": true }),
            json!(1),
            ["fresh", "fresh", "nothing"],
        ),
        (
            json!({ "tag": "product-2", "hard": true }),
            json!(1),
            ["fresh", "nothing", "fresh"],
        ),
        (json!({ "all": true }), Value::Null, ["questioned"; 3]),
        (
            json!({ "all": true, "hard": true }),
            Value::Null,
            ["nothing"; 3],
        ),
    ] {
        let report = purge(&server, &body).with(200).json();
        assert_eq!(report["l1"], l1, "{body}");
        assert_eq!(states(), expected, "{body}");
        read_all();
        within(PATIENCE, "all of it is fresh again", || {
            (states() == ["fresh"; 3]).then_some(())
        });
    }
    // What is served once more says so.
    purge(&server, &json!({ "all": true })).with(200);
    assert!(server.get("/products/1").with(200).ttl() < 0);
}

#[test]
fn only_a_purge_purges_and_no_page_may() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    server.get("/products/1").with(200);
    for body in [
        json!({}),
        json!({ "keys": [] }),
        json!({ "keys": [1], "all": true }),
        json!({ "keys": ["1"] }),
        json!({ "tag": "" }),
        json!({ "tag": "a b" }),
        json!({ "all": false }),
        json!({ "everything": true }),
        json!([1]),
    ] {
        purge(&server, &body).problem(400, "invalid-purge");
    }
    // As a form of a page sends it, or its script, to an address that it may have had rebound.
    let path = "/admin/cache/purge";
    let all = json!({ "all": true }).to_string();
    for (media_type, status) in [
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
    ] {
        let headers = [("content-type", media_type)];
        assert_eq!(
            server.send_admin("POST", path, &headers, &all).status,
            status
        );
    }
    assert_eq!(server.send_admin("POST", path, &[], &all).status, 415);
    let address = format!("http://{}", server.admin);
    for (origin, status, code) in [
        ("https://evil.example", 403, "page-refused"),
        ("null", 403, "page-refused"),
        // A page of our own has to have a session: see tests/console/access.rs.
        (address.as_str(), 401, "token-missing"),
    ] {
        let headers = [("content-type", "application/json"), ("origin", origin)];
        let reply = server.send_admin("POST", path, &headers, &all);
        reply.problem(status, code);
        let headers = [("origin", origin)];
        let reply = server.send_admin("DELETE", "/admin/cache/1", &headers, "");
        reply.problem(status, code);
        assert_eq!(reply.header("access-control-allow-origin"), None);
    }
    server.get_admin(path).problem(405, "method-not-allowed");
    let reply = server.send_admin("PUT", "/admin/cache/1", &[], "");
    reply.problem(405, "method-not-allowed");
    assert_eq!(reply.header("allow"), Some("GET, HEAD, DELETE, OPTIONS"));
    assert_eq!(inspect(&server, 1)["l1"]["state"], "fresh");
    let headers = [("content-type", "application/json; charset=utf-8")];
    server.send_admin("POST", path, &headers, &all).with(200);
    assert_eq!(inspect(&server, 1)["l1"]["state"], "questioned");
}

#[test]
fn what_the_caches_did_is_counted() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    let zero = counts(&server);
    assert_eq!(
        (&zero["l1"]["hits"], &zero["l2"]),
        (&json!(0), &Value::Null)
    );
    for _ in 0..100 {
        server.get("/products/1").with(200);
    }
    server.get("/products/9").with(404);
    server.get("/products/9").with(404);
    server.get("/products/1/reviews").with(200);
    purge(&server, &json!({ "all": true })).with(200);
    server.get("/products/1").with(200);
    let shown = counts(&server);
    // The product of the reviews was read as well.
    let expected = [
        ("hits", 100),
        ("misses", 2),
        ("absent", 1),
        ("stale", 1),
        ("entries", 1),
    ];
    for (name, count) in expected {
        assert_eq!(shown["l1"][name], count, "{name}: {shown}");
    }
    assert_eq!(shown["pages"]["misses"], 1, "{shown}");
    within(PATIENCE, "the refresh is counted", || {
        let shown = counts(&server);
        (shown["store"]["queries"] == 3 && shown["l1"]["loads"] == 3).then_some(())
    });
    let text = shop.run(
        "cache",
        &["show", "--node", &format!("http://{}", server.admin)],
    );
    let text = text.with(0).stdout;
    let mut lines = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    assert!(lines.any(|line| line == ["l1", "hits", "100"]), "{text}");
}

#[test]
fn a_redis_that_is_down_degrades_and_no_more() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let redis = Redis::start();
    let server = shop.serve_with(
        &["--redis-url", &redis.url()],
        &[("DOORBUSTER_REDIS_TIMEOUT", "1s")],
    );
    server.await_redis();
    assert_eq!(
        server.get("/readyz").with(200).json(),
        json!({ "status": "ready" })
    );
    let l2 = counts(&server)["l2"].clone();
    assert_eq!(
        (&l2["state"], &l2["breaker"]),
        (&json!("used"), &json!("closed"))
    );
    assert!(l2["place"].is_string() && l2["run_id"].is_string(), "{l2}");
    drop(redis);
    let reply = within(PATIENCE, "it is missed", || {
        let reply = server.get("/readyz").with(200).json();
        reply.get("degraded").is_some().then_some(reply)
    });
    assert_eq!(
        reply,
        json!({ "status": "ready", "degraded": { "redis": "down" } })
    );
    assert_eq!(counts(&server)["l2"]["state"], "down");
    server.get("/products/1").with(200);
}

#[test]
fn what_is_written_through_is_in_all_tiers_before_it_is_read() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let redis = Redis::start();
    let environment = [
        ("DOORBUSTER_CACHE_WRITE_THROUGH", "true"),
        ("DOORBUSTER_REDIS_TIMEOUT", "1s"),
    ];
    let server = shop.serve_with(&["--redis-url", &redis.url()], &environment);
    server.await_redis();
    let writer = Writer::new(&shop, &server);
    for version in 2..20 {
        let title = json!({ "title": format!("Version {version}") });
        writer.patch("/products/1", &title).with(200);
        within(PATIENCE, "it is everywhere", || {
            let shown = inspect(&server, 1);
            let versions = [&shown["l1"]["serves"], &shown["l2"]["serves"]];
            (versions == [version; 2]).then_some(())
        });
    }
    assert_eq!(counts(&server)["l1"]["misses"], 0);
    let reply = server.get("/products/1").with(200);
    assert!(reply.cache_status().contains(&"hit"), "{reply:?}");
    assert_eq!(reply.json()["title"], "Version 19");
    writer.delete("/products/1").with(204);
    within(PATIENCE, "its end is everywhere", || {
        let shown = inspect(&server, 1);
        let absences = [&shown["l1"]["absence"], &shown["l2"]["absence"]];
        (absences == ["removed"; 2]).then_some(())
    });
}

#[test]
fn the_command_purges_every_node_it_is_told() {
    let shop = Shop::with(&[in_vendor("lamp", "Acme")]);
    let servers = [shop.serve(), shop.serve()];
    let urls = servers
        .each_ref()
        .map(|server| format!("http://{}", server.admin));
    for server in &servers {
        server.get("/products/1").with(200);
    }
    let nodes = ["--node", &urls[0], "--node", &urls[1]];
    let run = |arguments: &[&str]| {
        let arguments = [arguments, &nodes].concat();
        shop.run("cache", &arguments)
    };
    let purged = run(&["purge", "--tag", "vendor-acme", "--hard", "--json"])
        .with(0)
        .summary();
    for (index, server) in servers.iter().enumerate() {
        assert_eq!(purged["nodes"][index]["answer"]["l1"], 1, "{purged}");
        assert_eq!(inspect(server, 1)["l1"]["state"], "nothing");
    }
    let shown = run(&["show", "1", "--json"]).with(0).summary();
    assert_eq!(shown["nodes"][1]["answer"]["agree"], true);
    for wrong in [
        &["purge"][..],
        &["purge", "1", "--all"],
        &["show", "0"],
        &["purge", "x"],
    ] {
        run(wrong).with(64);
    }
    shop.run("cache", &["show", "--node", "web:9090"]).with(64);
    let [one, other] = servers;
    drop(other);
    let ended = run(&["purge", "1"]).with(1);
    assert!(
        ended.stdout.contains("FAILED") && ended.stdout.contains(&urls[0]),
        "{ended:?}"
    );
    assert_eq!(
        one.get_admin("/admin/cache/1").with(200).json()["l1"]["state"],
        "nothing"
    );
}
