//! Replicas that are behind.

use std::thread;

use serde_json::json;

use super::shop::{
    ENTERS, LEAVES, NOTHING_KEPT, PROMISE, Readers, ReplicatedShop, is_said, titled,
};
use crate::harness::{product, within};

/// Longer than a new version may take to be shown.
const LAG: (&str, &str) = ("DOORBUSTER_CATALOG_MAX_REPLICA_LAG", "3s");
/// So little that hardly anything of what is read is still kept when it is read again.
const SMALL: (&str, &str) = ("DOORBUSTER_CACHE_L1_BYTES", "8KiB");
const PRODUCTS: usize = 20;

#[test]
fn a_replica_that_replays_nothing_shows_no_old_version_and_is_left() {
    let shop = ReplicatedShop::start(2, PRODUCTS);
    let server = shop.serve(&[LAG, SMALL, NOTHING_KEPT[0], NOTHING_KEPT[1]]);
    let readers = Readers::of(PRODUCTS);
    thread::scope(|scope| {
        let _end = readers.until_dropped();
        for _ in 0..3 {
            scope.spawn(|| readers.read(&server));
        }
        readers.go_on(50);
        for replica in 1..=2 {
            shop.servers.pause(replica);
        }
        // In front of which they stand still.
        shop.servers
            .sql(0, "UPDATE product SET title = 'Version 2'");
        // They are still read from, and what they say is refused.
        within(PROMISE * 2, "the new version", || {
            let document = server.document("/products/1");
            (document["version"] == 2).then_some(())
        });
        is_said(&server, LEAVES, 2);
        readers.go_on(100);
        for replica in 1..=2 {
            shop.servers.resume(replica);
        }
        is_said(&server, ENTERS, 4);
        readers.go_on(100);
    });
    for id in 1..=PRODUCTS {
        let document = server.document(&format!("/products/{id}"));
        assert_eq!(document["version"], 2);
    }
}

#[test]
fn a_node_that_starts_shows_nothing_that_was_replaced_before() {
    let shop = ReplicatedShop::start(1, 1);
    shop.servers.pause(1);
    shop.write(0, 1, 2);
    // Its replica is not too far behind for it yet, and nobody tells it of what happened.
    let server = shop.serve(&[("DOORBUSTER_CATALOG_MAX_REPLICA_LAG", "1h")]);
    assert_eq!(server.document("/products/1")["version"], 2);
}

#[test]
fn what_was_written_is_read_although_all_replicas_are_behind() {
    let shop = ReplicatedShop::start(1, 1);
    let server = shop.serve(&[("DOORBUSTER_CATALOG_MAX_REPLICA_LAG", "1h")]);
    let writer = shop.writer(&server);
    shop.servers.pause(1);
    let written = writer.patch("/products/1", &titled("Version 2"));
    let version = written.with(200).json()["version"].clone();
    assert_eq!(server.document("/products/1")["version"], version);
    let least = format!("/products/1?min_version={version}");
    assert_eq!(server.document(&least)["version"], version);
    // One that the replica has never heard of.
    let created = writer.post(&product("lamp", "Lamp")).with(201);
    let document = created.json();
    assert_eq!(server.document("/products/by-handle/lamp"), document);
    assert_eq!(server.document("/products/by-sku/lamp-1"), document);
    // Exact stock.
    let stock = json!({ "on_hand": 3 });
    let set = writer.write("PUT", "/variants/lamp-1/stock", &[], &stock);
    set.with(200);
    let path = format!("/products/{}/availability", document["id"]);
    assert_eq!(server.document(&path)["variants"][0]["available"], 3);
}

#[test]
fn check_tells_how_each_replica_stands() {
    let mut shop = ReplicatedShop::start(2, 1);
    shop.servers.kill(2);
    let (is_ok, details) = shop.check();
    assert!(!is_ok);
    assert!(details[0].starts_with("a replica, "), "{details:?}");
    assert!(
        details[1].contains("serve will read from the others"),
        "{details:?}"
    );
    shop.servers.run(2);
    shop.servers.promote(1);
    let (is_ok, details) = shop.check();
    assert!(
        !is_ok && details[0].contains("it takes writes"),
        "{details:?}"
    );
}

#[test]
fn a_direct_update_is_seen_within_a_second() {
    let shop = ReplicatedShop::start(2, 1);
    let server = shop.serve(&[]);
    for version in 2..=6 {
        server.document("/products/1");
        shop.write(0, 1, version);
        within(PROMISE, "the new version", || {
            let document = server.document("/products/1");
            (document["version"] == version).then_some(())
        });
    }
}

#[test]
fn what_is_read_at_once_is_asked_for_at_once() {
    const MANY: usize = 100;
    let shop = ReplicatedShop::start(1, MANY);
    let server = shop.serve(&[]);
    shop.servers.log_statements(1);
    let ids: Vec<_> = (1..=MANY).map(|id| id.to_string()).collect();
    let batch = server.get(&format!("/products?ids={}", ids.join(",")));
    assert_eq!(
        batch.with(200).json()["items"].as_array().unwrap().len(),
        MANY
    );
    let statements = shop.servers.logged(1, "FROM product_document");
    assert!((1..=MANY / 5).contains(&statements), "{statements}");
}
