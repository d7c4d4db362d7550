//! Servers that hang or die, and what is left.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use doorbuster::cache::Intent;
use doorbuster::db::postgres::{Options, Postgres};
use doorbuster::products::postgres::PostgresCatalog;
use doorbuster::products::store::CatalogStore;
use rustix::process::Signal;
use serde_json::json;

use super::shop::{ENTERS, LEAVES, NOTHING_KEPT, Readers, ReplicatedShop, is_said, titled};
use crate::harness::{PATIENCE, Proxy, within};

const PRODUCTS: usize = 40;

#[test]
fn a_replica_that_hangs_is_left_and_no_read_fails() {
    let shop = ReplicatedShop::start(2, PRODUCTS);
    let server = shop.serve(&NOTHING_KEPT);
    let readers = Readers::of(PRODUCTS);
    thread::scope(|scope| {
        let _end = readers.until_dropped();
        for _ in 0..4 {
            scope.spawn(|| readers.read(&server));
        }
        readers.go_on(100);
        shop.servers.signal(1, Signal::STOP);
        is_said(&server, LEAVES, 1);
        let ready = server.get("/readyz").with(200).json();
        assert_eq!(ready["degraded"], json!({ "replicas": 1 }));
        readers.go_on(200);
        shop.servers.signal(1, Signal::CONT);
        is_said(&server, ENTERS, 3);
        readers.go_on(100);
    });
}

#[test]
fn where_all_replicas_are_killed_the_primary_is_read_from() {
    let mut shop = ReplicatedShop::start(2, PRODUCTS);
    let server = shop.serve(&NOTHING_KEPT);
    let readers = Readers::of(PRODUCTS);
    thread::scope(|scope| {
        let _end = readers.until_dropped();
        for _ in 0..4 {
            scope.spawn(|| readers.read(&server));
        }
        readers.go_on(100);
        shop.servers.kill(1);
        shop.servers.kill(2);
        readers.go_on(300);
        is_said(&server, LEAVES, 2);
        server.get("/products?sort=title").with(200);
        shop.servers.run(1);
        is_said(&server, ENTERS, 3);
        readers.go_on(100);
    });
}

#[test]
fn the_primary_is_not_asked_for_more_than_it_can_bear_in_place_of_replicas() {
    const CAP: usize = 4;
    let mut shop = ReplicatedShop::start(1, 1);
    let pool = [
        ("DOORBUSTER_CATALOG_POOL_SIZE", "1"),
        ("DOORBUSTER_CACHE_HARD_TIMEOUT", "20s"),
        // Which would let even fewer through.
        ("DOORBUSTER_LIMITS_OVERLOAD", "false"),
    ];
    let server = shop.serve(&pool);
    shop.servers.kill(1);
    is_said(&server, LEAVES, 1);
    let holder = shop.session(0);
    holder
        .batch("BEGIN; LOCK TABLE product_listing IN ACCESS EXCLUSIVE MODE")
        .unwrap();
    let list = |limit: usize| server.get(&format!("/products?limit={limit}"));
    let list = &list;
    let replies: Vec<_> = thread::scope(|scope| {
        let (tell, told) = mpsc::channel();
        let reads: Vec<_> = (1..=CAP * 2)
            .map(|limit| {
                let tell = tell.clone();
                scope.spawn(move || {
                    let reply = list(limit);
                    tell.send(()).unwrap();
                    reply
                })
            })
            .collect();
        // The first take all there is, and wait; those above are told so at once.
        for _ in 0..CAP {
            told.recv_timeout(PATIENCE).unwrap();
        }
        holder.batch("ROLLBACK").unwrap();
        reads.into_iter().map(|it| it.join().unwrap()).collect()
    });
    let answered = replies.iter().filter(|reply| reply.status == 200).count();
    // Something else of the server may have taken one.
    assert!((CAP - 1..=CAP).contains(&answered), "{answered}");
    for refused in replies.iter().filter(|reply| reply.status != 200) {
        refused.problem(503, "catalog-unavailable");
        assert_eq!(refused.header("retry-after"), Some("1"));
    }
    list(CAP * 2 + 1).with(200);
}

/// Between the death of a primary and the look that finds it dead, and for as long as it takes no new connections though
/// it answers on those there are.
#[test]
fn reads_that_have_to_be_fresh_go_to_a_replica_however_many_find_the_primary_out_of_reach() {
    /// More than may be asked again in ten seconds.
    const MANY: usize = 300;
    let shop = ReplicatedShop::start(1, 1);
    let proxy = Proxy::before(shop.servers.address(0));
    let options = Options {
        url: format!("postgres://shop@{}/shop", proxy.address()),
        pool_size: 4,
        pgbouncer: false,
        replicas: vec![shop.servers.url(1)],
        max_replica_lag: Duration::from_hours(1),
    };
    let database = Postgres::open(&options).unwrap();
    let store = PostgresCatalog::new(database.clone());
    database.watch();
    within(PATIENCE, "the replica is read from", || {
        (database.replicas() == (1, 1)).then_some(())
    });
    proxy.refuse(true);
    for _ in 0..MANY {
        let found = database.block_on(store.documents(&[1], Intent::Fresh));
        assert!(found.unwrap()[0].is_some());
    }
    assert!(database.primary_answers());
    let retries = database.retries().counts();
    assert!(retries.refused > 0, "{retries:?}");
}

/// Longer than any deadline, with what a busy machine may add.
const BOUND: Duration = Duration::from_secs(8);

#[test]
fn without_any_server_what_is_cached_is_served_and_the_rest_refused() {
    let mut shop = ReplicatedShop::start(2, 2);
    let windows = [
        ("DOORBUSTER_CACHE_FRESH", "50ms"),
        ("DOORBUSTER_CACHE_STALE", "1h"),
    ];
    let server = shop.serve(&windows);
    let before = server.get("/products/1").with(200);
    let writer = shop.writer(&server);
    writer.patch("/products/2", &titled("Version 2")).with(200);
    let refused = || {
        for path in [
            "/products/2?min_version=9",
            "/products/by-handle/product-2",
            "/products",
        ] {
            let asked = Instant::now();
            let reply = server.get(path);
            assert!(asked.elapsed() < BOUND, "{path}: {:?}", asked.elapsed());
            assert_eq!(reply.status, 503, "{path}: {reply:?}");
            assert_eq!(reply.header("retry-after"), Some("1"));
        }
        let asked = Instant::now();
        let written = writer.patch("/products/2", &titled("Version 3"));
        assert!(asked.elapsed() < BOUND, "{:?}", asked.elapsed());
        assert_eq!(written.status, 503, "{written:?}");
        assert!(written.header("retry-after").is_some());
        let stale = within(PATIENCE, "a stale answer", || {
            let reply = server.get("/products/1").with(200);
            reply
                .cache_status()
                .contains(&"detail=stale")
                .then_some(reply)
        });
        assert_eq!(stale.body, before.body);
        assert!(stale.header("age").is_some(), "{stale:?}");
    };
    // First they hang, with all connections open.
    for index in 0..=2 {
        shop.servers.signal(index, Signal::STOP);
    }
    refused();
    // Then they are gone.
    for index in 0..=2 {
        shop.servers.kill(index);
    }
    refused();
    for index in 0..=2 {
        shop.servers.run(index);
    }
    within(PATIENCE, "a read", || {
        (server.get("/products/by-handle/product-2").status == 200).then_some(())
    });
    within(PATIENCE, "a write", || {
        let reply = writer.patch("/products/2", &titled("Version 4"));
        (reply.status == 200).then_some(())
    });
    within(PATIENCE, "a fresh answer", || {
        (server.get("/products/1").with(200).ttl() >= 0).then_some(())
    });
}
