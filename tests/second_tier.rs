//! Servers that share a cache in Redis, as their clients see them.

use std::time::Duration;

use serde_json::json;

use crate::harness::{Redis, Reply, Server, Shop, Writer, doorbuster, product, run, within};

/// A server that reads from Redis, and is patient with it and a busy machine.
fn serve(shop: &Shop, redis: &Redis) -> Server {
    let environment = [("DOORBUSTER_REDIS_TIMEOUT", "1s")];
    let server = shop.serve_with(&["--redis-url", &redis.url()], &environment);
    server.await_redis();
    server
}

/// The tiers of `Cache-Status` (RFC 9211), the one closest to the origin first, each with what it did.
fn tiers(reply: &Reply) -> Vec<(String, String)> {
    let header = reply.header("cache-status").unwrap();
    let tier = |tier: &str| {
        let (name, rest) = tier.split_once("; ").unwrap();
        let did = rest.split("; ").next().unwrap();
        (name.to_owned(), did.to_owned())
    };
    header.split(", ").map(tier).collect()
}

fn pairs(tiers: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, did): &(&str, &str)| ((*name).to_owned(), (*did).to_owned());
    tiers.iter().map(owned).collect()
}

#[test]
fn servers_share_what_one_of_them_loaded() {
    let shop = Shop::with(&[product("lamp", "Lamp"), product("chair", "Chair")]);
    let redis = Redis::start();
    let (one, other) = (serve(&shop, &redis), serve(&shop, &redis));
    let loaded = one.get("/products/1").with(200);
    let miss = "fwd=miss";
    assert_eq!(
        tiers(&loaded),
        pairs(&[("doorbuster-l2", miss), ("doorbuster-l1", miss)])
    );
    within(Duration::from_secs(5), "the product is in Redis", || {
        let keys: usize = redis.run("EXISTS doorbuster:1:{1}");
        (keys == 1).then_some(())
    });
    let shared = other.get("/products/1").with(200);
    assert_eq!(
        tiers(&shared),
        pairs(&[("doorbuster-l2", "hit"), ("doorbuster-l1", miss)])
    );
    assert_eq!(shared.body, loaded.body);
    for header in ["etag", "cdn-cache-control"] {
        assert_eq!(shared.header(header), loaded.header(header), "{header}");
    }
    let hit = other.get("/products/1").with(200);
    assert_eq!(tiers(&hit), pairs(&[("doorbuster-l1", "hit")]));
    // Several at once: the one that came from farthest tells for all.
    let both = other.get("/products?ids=1,2").with(200);
    assert_eq!(
        tiers(&both),
        pairs(&[("doorbuster-l2", miss), ("doorbuster-l1", miss)])
    );
    one.get("/products/3").problem(404, "product-not-found");
    other.get("/products/3").problem(404, "product-not-found");
}

#[test]
fn a_write_is_seen_through_all_tiers() {
    let shop = Shop::with(&[product("lamp", "Version 1")]);
    let redis = Redis::start();
    let (one, other) = (serve(&shop, &redis), serve(&shop, &redis));
    let bare = {
        let environment = [
            ("DOORBUSTER_REDIS_TIMEOUT", "1s"),
            ("DOORBUSTER_CACHE_L1_BYTES", "0"),
        ];
        let server = shop.serve_with(&["--redis-url", &redis.url()], &environment);
        server.await_redis();
        server
    };
    let writer = Writer::new(&shop, &one);
    let mut seen = [1, 1];
    for version in 2..=40_u64 {
        let title = json!({ "title": format!("Version {version}") });
        writer.patch("/products/1", &title).with(200);
        // The server that wrote, and one that has nothing but the tier that was told.
        for server in [&one, &bare] {
            assert_eq!(server.document("/products/1")["version"], version);
        }
        within(Duration::from_secs(1), "the other server shows it", || {
            let document = other.document("/products/1");
            let shown = document["version"].as_u64().unwrap();
            assert_eq!(document["title"], format!("Version {shown}"));
            assert!(shown >= seen[0], "{shown} after {}", seen[0]);
            seen[0] = shown;
            (shown == version).then_some(())
        });
        if version % 10 == 0 {
            redis.run::<()>("FLUSHALL");
        }
    }
    writer.delete("/products/1").with(204);
    bare.get("/products/1").with(410);
    within(
        Duration::from_secs(1),
        "the other server hears of it",
        || (other.get("/products/1").status == 410).then_some(()),
    );
}

#[test]
fn what_an_outsider_writes_comes_from_the_journal() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let redis = Redis::start();
    let (one, other) = (serve(&shop, &redis), serve(&shop, &redis));
    for server in [&one, &other] {
        assert_eq!(server.document("/products/1")["title"], "Lamp");
    }
    shop.import(&[product("lamp", "Desk Lamp")]);
    for server in [&one, &other] {
        within(Duration::from_secs(1), "the new title", || {
            (server.document("/products/1")["title"] == "Desk Lamp").then_some(())
        });
    }
    // Nobody is left, and somebody writes.
    drop((one, other));
    shop.import(&[product("lamp", "Floor Lamp")]);
    let server = serve(&shop, &redis);
    assert_eq!(server.document("/products/1")["title"], "Floor Lamp");
}

#[test]
fn without_redis_the_shop_is_open() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let mut redis = Redis::start();
    redis.signal(rustix::process::Signal::STOP);
    let server = shop.serve_with(&["--redis-url", &redis.url()], &[]);
    let reply = server.get("/products/1").with(200);
    assert_eq!(tiers(&reply), pairs(&[("doorbuster-l1", "fwd=miss")]));
    let writer = Writer::new(&shop, &server);
    let title = json!({ "title": "Desk Lamp" });
    writer.patch("/products/1", &title).with(200);
    assert_eq!(server.document("/products/1")["title"], "Desk Lamp");
    redis.restart();
    server.await_redis();
    server.stop();
}

#[test]
fn check_tells_whether_redis_answers() {
    let shop = Shop::with(&[]);
    let redis = Redis::start();
    redis.run::<()>("CONFIG SET requirepass hunter2");
    let check = |url: &str| {
        let mut command = doorbuster();
        command.args([
            "check",
            "--json",
            "--listen=127.0.0.1:0",
            "--admin-listen=127.0.0.1:0",
        ]);
        command.arg("--data-dir").arg(shop.data_dir());
        let ended = run(command.args(["--redis-url", url]), &[]);
        assert!(!ended.stdout.contains("hunter"), "{}", ended.stdout);
        let report = ended.summary();
        let checks = report["checks"].as_array().unwrap().iter();
        let mut checks =
            checks.filter(|check| check["name"].as_str().unwrap().starts_with("Redis"));
        let check = checks.next().unwrap().clone();
        (
            check["ok"].as_bool().unwrap(),
            check["detail"].as_str().unwrap().to_owned(),
        )
    };
    let address = redis.address();
    let (ok, detail) = check(&format!("redis://:hunter2@{address}"));
    assert!(
        ok && detail.starts_with("Redis 7") || detail.starts_with("Redis 8"),
        "{detail}"
    );
    let (ok, detail) = check(&format!("redis://:hunter3@{address}"));
    assert!(
        !ok && detail.contains("serve will go on without it"),
        "{detail}"
    );
    drop(redis);
    let (ok, _) = check(&format!("redis://{address}"));
    assert!(!ok);
}
