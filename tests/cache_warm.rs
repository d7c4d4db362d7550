//! Loading products into the caches before somebody asks for them.

use serde_json::{Value, json};

use crate::harness::{PATIENCE, Redis, Reply, Server, Shop, on_postgres, product, within};

fn shop() -> Shop {
    Shop::with(&["lamp", "desk", "vase"].map(|handle| product(handle, handle)))
}

fn url(server: &Server) -> String {
    format!("http://{}", server.admin)
}

fn warm(server: &Server, body: &Value) -> Reply {
    let headers = [("content-type", "application/json")];
    server.send_admin("POST", "/admin/cache/warm", &headers, body.to_string())
}

/// What a tier has of a product.
fn state(server: &Server, id: i64, tier: &str) -> String {
    let shown = server.get_admin(&format!("/admin/cache/{id}")).with(200);
    shown.json()[tier]["state"].as_str().unwrap().to_owned()
}

fn in_memory(server: &Server) -> Vec<i64> {
    let ids = 1..=3;
    ids.filter(|id| state(server, *id, "l1") == "fresh")
        .collect()
}

#[test]
fn what_is_named_is_in_memory_and_in_redis_before_it_is_asked_for() {
    let shop = shop();
    let redis = Redis::start();
    let server = shop.serve_with(
        &["--redis-url", &redis.url()],
        &[("DOORBUSTER_REDIS_TIMEOUT", "1s")],
    );
    server.await_redis();
    let ended = shop.run("cache", &["warm", "3", "1", "3", "--node", &url(&server)]);
    assert_eq!(
        ended.with(0).stdout,
        "2 products are in the caches\n",
        "each once"
    );
    assert_eq!(in_memory(&server), [1, 3]);
    for id in [1, 3] {
        within(PATIENCE, "Redis has it", || {
            (state(&server, id, "l2") == "value").then_some(())
        });
        let reply = server.get(&format!("/products/{id}")).with(200);
        assert!(reply.cache_status().contains(&"hit"), "{reply:?}");
    }
    assert_eq!(state(&server, 2, "l2"), "nothing");
}

#[test]
fn what_was_looked_at_most_is_chosen_by_number() {
    let shop = shop();
    let server = shop.serve();
    let none = shop.run("cache", &["warm", "--top=5", "--node", &url(&server)]);
    assert!(none.with(2).stdout.starts_with("nothing was loaded"));
    let now = if on_postgres() {
        "now()"
    } else {
        "unixepoch()"
    };
    let views =
        format!("INSERT INTO product_views VALUES (1, 5, {now}), (2, 50, {now}), (3, 0, {now})");
    shop.database().execute(&views, []).unwrap();
    for (top, expected) in [("1", &[2][..]), ("3", &[1, 2])] {
        let arguments = ["warm", "--json", "--top", top, "--node", &url(&server)];
        let told = shop.run("cache", &arguments).with(0).summary();
        assert_eq!(told["products"], expected.len());
        assert_eq!(told["undone"], json!([]));
        assert_eq!(in_memory(&server), expected);
    }
}

#[test]
fn one_server_has_the_others_do_it_and_says_which_did_not() {
    let shop = shop();
    let other = shop.serve_with(&[], &[("DOORBUSTER_JOBS_SERVE", "false")]);
    let server = shop.serve_with(&[], &[("DOORBUSTER_CACHE_PEERS", &url(&other))]);
    // Whoever does no jobs has nobody it could tell.
    let refused = warm(&other, &json!({ "keys": [1] })).problem(400, "invalid-warm-up");
    assert!(refused["detail"].as_str().unwrap().contains("jobs.serve"));
    let told = warm(&server, &json!({ "keys": [1, 2], "reason": "the sale" })).with(202);
    let job = told.json()["jobs"][0].as_i64().unwrap();
    within(PATIENCE, "the job is done", || {
        let shown = server.get_admin(&format!("/admin/jobs/{job}")).with(200);
        (shown.json()["state"] == "done").then_some(())
    });
    for server in [&server, &other] {
        assert_eq!(in_memory(server), [1, 2]);
    }
    // By itself, at once.
    let here = warm(&other, &json!({ "keys": [3], "here": true })).with(200);
    assert_eq!(
        here.json(),
        json!({ "loaded": 1, "failed": 0, "is_late": false })
    );
    assert_eq!(in_memory(&other), [1, 2, 3]);
    assert_eq!(in_memory(&server), [1, 2]);
    let gone = url(&other);
    drop(other);
    let arguments = ["warm", "3", "--no-wait", "--json", "--node", &url(&server)];
    let told = shop.run("cache", &arguments).with(0).summary();
    let path = format!("/admin/jobs/{}", told["jobs"][0]);
    let error = within(PATIENCE, "it is to be tried again", || {
        let shown = server.get_admin(&path).with(200).json();
        shown["errors"][0]["error"].as_str().map(str::to_owned)
    });
    assert!(error.contains(&gone), "{error}");
    assert_eq!(in_memory(&server), [1, 2, 3]);
}

#[test]
fn what_makes_no_sense_is_refused_and_nothing_is_loaded() {
    let shop = shop();
    let server = shop.serve();
    for (body, expected) in [
        (json!({}), "name one of keys and top"),
        (json!({ "keys": [1], "top": 1 }), "name one of keys and top"),
        (
            json!({ "keys": [] }),
            "keys: name from 1 to 10000 product ids",
        ),
        (json!({ "keys": [1, -4] }), "keys: -4 is no product id"),
        (json!({ "keys": ["lamp"] }), "invalid type"),
        (
            json!({ "keys": [1, 99, 7] }),
            "keys: there is no public product 99, 7; send",
        ),
        (
            json!({ "keys": (2..=30).collect::<Vec<_>>() }),
            "4, 5, 6, 7, 8, 9, 10, 11, 12, 13 and 17 others; send",
        ),
        (json!({ "top": 0 }), "top: ask for 1 to 100000 products"),
        (json!({ "top": 1, "more": 1 }), "unknown field"),
    ] {
        let refused = warm(&server, &body).problem(400, "invalid-warm-up");
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.contains(expected), "{detail}");
    }
    server
        .get_admin("/admin/cache/warm")
        .problem(405, "method-not-allowed");
    let node = ["--node", &url(&server)];
    for wrong in [
        &["warm"][..],
        &["warm", "0"],
        &["warm", "lamp"],
        &["warm", "1", "--top=1"],
        &["warm", "--top=0"],
    ] {
        shop.run("cache", &[wrong, &node[..]].concat()).with(64);
    }
    shop.run("cache", &["warm", "1", "--node", "web:9090"])
        .with(64);
    let unknown = shop.run("cache", &[&["warm", "99"], &node[..]].concat());
    assert!(
        unknown
            .with(1)
            .stderr
            .contains("there is no public product 99")
    );
    assert_eq!(in_memory(&server), [0; 0]);
    let jobs = "SELECT count(*) FROM job WHERE kind = 'cache.warm'";
    assert_eq!(shop.database().number(jobs), 0);
    // Where nothing is kept there is nothing to be warm.
    let bare = shop.serve_with(&[], &[("DOORBUSTER_CACHE_L1_BYTES", "0")]);
    let refused = warm(&bare, &json!({ "keys": [1] })).problem(400, "invalid-warm-up");
    assert!(refused["detail"].as_str().unwrap().contains("l1_bytes"));
}
