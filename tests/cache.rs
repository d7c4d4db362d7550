//! The first cache tier, as `Cache-Status` tells of it.

use std::time::Duration;

use serde_json::json;

use crate::harness::{Shop, product, within};

#[test]
fn without_the_first_tier_the_answers_are_the_same() {
    let products = [product("lamp", "Lamp"), product("chair", "Chair")];
    let shop = Shop::with(&products);
    let cached = shop.serve();
    let bare = shop.serve_with(&[], &[("DOORBUSTER_CACHE_L1_BYTES", "0")]);
    for path in [
        "/products/1",
        "/products/by-handle/chair",
        "/products/by-sku/lamp-1",
    ] {
        let expected = cached.get(path).with(200);
        for _ in 0..2 {
            let reply = bare.get(path).with(200);
            assert_eq!(
                reply.header("cache-status"),
                Some("doorbuster-l1; fwd=bypass")
            );
            assert_eq!(reply.body, expected.body);
            for name in ["etag", "cache-control", "content-type", "content-location"] {
                assert_eq!(reply.header(name), expected.header(name), "{path}: {name}");
            }
        }
        let tag = expected.header("etag").unwrap();
        let reply = bare
            .request("GET", path, &[("if-none-match", tag)])
            .with(304);
        assert_eq!(
            reply.header("cache-status"),
            Some("doorbuster-l1; fwd=bypass")
        );
    }
    bare.get("/products/3").problem(404, "product-not-found");
    bare.get("/products/x").problem(400, "invalid-product-id");
    // What another process committed is read at once.
    shop.import(&[product("lamp", "Desk Lamp")]);
    assert_eq!(bare.document("/products/1")["title"], "Desk Lamp");
}

#[test]
fn a_stale_answer_says_so_and_is_refreshed_behind_it() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve_with(
        &[],
        &[
            ("DOORBUSTER_CACHE_FRESH", "100ms"),
            ("DOORBUSTER_CACHE_STALE", "1h"),
        ],
    );
    let first = server.get("/products/1").with(200);
    assert_eq!(first.cache_status()[0], "fwd=miss");
    for _ in 0..3 {
        let stale = within(Duration::from_secs(5), "a stale answer", || {
            let reply = server.get("/products/1").with(200);
            // Hits all the way: nobody waits for the store.
            assert_eq!(reply.cache_status()[0], "hit", "{reply:?}");
            reply
                .cache_status()
                .contains(&"detail=stale")
                .then_some(reply)
        });
        assert!(stale.ttl() < 0, "{stale:?}");
        assert_eq!(stale.body, first.body);
        within(Duration::from_secs(5), "a fresh one", || {
            let reply = server.get("/products/1").with(200);
            assert_eq!(reply.cache_status()[0], "hit", "{reply:?}");
            (reply.ttl() >= 0).then_some(())
        });
    }
}

#[test]
fn what_is_too_old_even_to_be_stale_is_loaded_again() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let windows = [
        ("DOORBUSTER_CACHE_FRESH", "50ms"),
        ("DOORBUSTER_CACHE_STALE", "0"),
    ];
    let server = shop.serve_with(&[], &windows);
    let mut misses = 0;
    within(Duration::from_secs(5), "a second miss", || {
        let reply = server.get("/products/1").with(200);
        assert!(reply.ttl() >= 0, "{reply:?}");
        misses += u32::from(reply.cache_status()[0] == "fwd=miss");
        (misses == 2).then_some(())
    });
}

#[test]
fn more_products_than_the_cache_holds_are_served_all_the_same() {
    let products: Vec<_> = (1..=200)
        .map(|number| product(&format!("p{number}"), "Lamp"))
        .collect();
    let shop = Shop::with(&products);
    let server = shop.serve_with(&[], &[("DOORBUSTER_CACHE_L1_BYTES", "16KiB")]);
    for round in 0..2 {
        for id in 1..=200 {
            let document = server.document(&format!("/products/{id}"));
            assert_eq!(document["handle"], json!(format!("p{id}")), "round {round}");
        }
    }
}
