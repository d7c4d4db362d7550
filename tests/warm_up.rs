//! What was read most is in memory before a restarted server calls itself ready.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{PATIENCE, Proxy, Server, Shop, doorbuster, product, within};

fn shop_of(products: usize) -> Shop {
    let names = (1..=products).map(|number| format!("lamp-{number}"));
    let products: Vec<Value> = names.map(|name| product(&name, &name)).collect();
    Shop::with(&products)
}

fn is_ready(server: &Server) {
    within(PATIENCE, "it is ready", || {
        (server.get("/readyz").status == 200).then_some(())
    });
}

fn counts(server: &Server) -> Value {
    server.get_admin("/admin/cache").with(200).json()["l1"].clone()
}

#[test]
fn a_restarted_server_hits_what_was_read_before() {
    let shop = shop_of(60);
    let server = shop.serve();
    // Readers like the last ones best, and have read the first ten.
    for id in 1..=10 {
        server.get(&format!("/products/{id}")).with(200);
    }
    for round in 0..100 {
        for id in 51..=60 {
            let status = server.get(&format!("/products/{id}")).with(200);
            assert!(round == 0 || status.ttl() > 0);
        }
    }
    server.stop();
    let list = fs::read_to_string(shop.data_dir().join("hot-products")).unwrap();
    let ids: Vec<i64> = list.lines().skip(1).map(|id| id.parse().unwrap()).collect();
    assert_eq!(ids.len(), 20);
    let favourites = ids[..10].iter().filter(|id| **id > 50).count();
    assert!(favourites > 7, "{ids:?}");

    // It has changed meanwhile, and one is gone.
    shop.import(&[product("lamp-60", "Changed")]);
    let database = shop.database();
    let archive = "UPDATE product SET status = 'archived' WHERE id = 59";
    database.execute(archive, []).unwrap();
    let server = shop.serve();
    server.program.log.wait_for_message("the cache is warm");
    is_ready(&server);
    for id in (1..=10).chain(51..=58).chain([60]) {
        let reply = server.get(&format!("/products/{id}")).with(200);
        assert!(reply.cache_status().contains(&"hit"), "{id}: {reply:?}");
    }
    assert_eq!(server.document("/products/60")["title"], "Changed");
    server.get("/products/59").problem(404, "product-not-found");
    server.get("/products/30").with(200);
    // One for each that was warmed and the one that was not; the one that is gone may have been settled since.
    let misses = counts(&server)["misses"].as_u64().unwrap();
    assert!((21..=22).contains(&misses), "{misses}");

    // Two of them are enough, or none.
    server.stop();
    for (most, expected) in [("2", 2), ("0", 0)] {
        let server = shop.serve_with(&[], &[("DOORBUSTER_CACHE_WARM_UP", most)]);
        is_ready(&server);
        let loads = within(PATIENCE, "they are loaded", || {
            let loads = counts(&server)["loads"].as_u64().unwrap();
            (loads >= expected).then_some(loads)
        });
        assert_eq!(loads, expected);
    }
}

/// Where the same catalogue was read elsewhere, by a host that wrote a list of its own.
#[test]
fn a_new_host_begins_with_what_was_looked_at_most_elsewhere() {
    let names = (1..=30).map(|number| format!("lamp-{number}"));
    let products: Vec<Value> = names.map(|name| product(&name, &name)).collect();
    for shop in [Shop::in_a_file(), Shop::empty_in_postgres()] {
        shop.import(&products);
        let server = shop.serve();
        for id in [7, 8, 9, 8, 9, 9] {
            server.get(&format!("/products/{id}")).with(200);
        }
        // What was counted is written.
        server.stop();
        let views = "SELECT count(*) FROM product_views WHERE views > 0";
        assert_eq!(shop.database().number(views), 3);
        fs::remove_file(shop.data_dir().join("hot-products")).unwrap();

        let server = shop.serve_with(&[], &[("DOORBUSTER_CACHE_WARM_UP", "2")]);
        is_ready(&server);
        assert_eq!(counts(&server)["loads"], 2);
        for id in [8, 9] {
            let reply = server.get(&format!("/products/{id}")).with(200);
            assert!(reply.cache_status().contains(&"hit"), "{id}: {reply:?}");
        }
        let reply = server.get("/products/7").with(200);
        assert!(!reply.cache_status().contains(&"hit"), "{reply:?}");
    }
}

#[test]
fn a_damaged_list_is_ignored_and_written_anew() {
    let shop = shop_of(3);
    shop.serve().stop();
    let list = shop.data_dir().join("hot-products");
    assert!(!list.exists(), "nothing was read");
    fs::write(&list, "hot-keys 1 0123456789abcdef\n1\n2\n").unwrap();
    let server = shop.serve();
    server.program.log.wait_for("a warning", |line| {
        (line["level"] == "WARN" && line["error"] == "it is damaged").then_some(())
    });
    server.get("/readyz").with(200);
    assert_eq!(counts(&server)["loads"], 0);
    server.get("/products/3").with(200);
    server.stop();
    let text = fs::read_to_string(&list).unwrap();
    assert!(text.ends_with("\n3\n"), "{text}");
}

/// Each answer of the database takes so long that the list could not be loaded in a minute.
#[test]
fn a_slow_store_delays_readiness_no_longer_than_was_said() {
    let shop = Shop::empty_in_postgres();
    let names = (1..=400).map(|number| format!("lamp-{number}"));
    shop.import(&names.map(|name| product(&name, &name)).collect::<Vec<_>>());
    let server = shop.serve();
    for id in 1..=400 {
        server.get(&format!("/products/{id}")).with(200);
    }
    server.stop();
    let direct = shop.postgres.as_ref().unwrap().url();
    let (host, database) = direct.split_once('@').unwrap().1.split_once('/').unwrap();
    let proxy = Proxy::before(host.parse().unwrap());
    proxy.delay(Duration::from_millis(150));
    let mut command = doorbuster();
    command.arg("serve").arg("--data-dir").arg(shop.data_dir());
    command.arg("--catalog-url");
    command.arg(format!("postgres://shop@{}/{database}", proxy.address()));
    command.env("DOORBUSTER_CACHE_WARM_UP_WAIT", "700ms");
    let server = Server::start(&mut command);
    let began = Instant::now();
    let unready = server.get("/readyz");
    assert_eq!(
        unready.problem(503, "not-ready")["detail"],
        "The cache is warming."
    );
    // Readers are served meanwhile.
    server.get("/products/400").with(200);
    within(PATIENCE, "it is ready", || {
        (server.get("/readyz").status == 200).then_some(())
    });
    let late = server.program.log.wait_for("what came of it", |line| {
        (line["message"] == "the cache is not as warm as it was").then(|| line.clone())
    });
    assert!(late["loaded"].as_u64().unwrap() < 400, "{late}");
    assert!(began.elapsed() < PATIENCE);
    // What it has is less than what the list has: the list stays.
    let before = fs::read_to_string(shop.data_dir().join("hot-products")).unwrap();
    assert_eq!(before.lines().count(), 401);
    proxy.delay(Duration::ZERO);
    assert_eq!(
        json!(server.get("/readyz").with(200).json()["status"]),
        "ready"
    );
}
