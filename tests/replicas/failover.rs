//! The primary is lost, and a replica takes its place.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::shop::{NOTHING_KEPT, Readers, ReplicatedShop, is_said, titled};
use crate::harness::{PATIENCE, Writer, within};

const PRODUCTS: usize = 40;

/// Writes until it fails, and counts how often it was told that it is done.
fn write_until_refused(writer: &Writer<'_>, acknowledged: &AtomicU64) {
    loop {
        let next = acknowledged.load(Ordering::Acquire) + 1;
        let reply = writer.patch("/products/1", &titled(&format!("Write {next}")));
        match reply.status {
            200 => acknowledged.store(next, Ordering::Release),
            503 => {
                assert!(reply.header("retry-after").is_some(), "{reply:?}");
                return;
            }
            _ => panic!("{reply:?}"),
        }
    }
}

/// Writes go on again. Two seconds are promised, on a machine that has nothing else to do.
fn have_resumed(promoted: Instant) {
    const BOUND: Duration = Duration::from_secs(4);
    let after = promoted.elapsed();
    println!("writes resumed {after:?} after the promotion");
    assert!(after < BOUND, "{after:?}");
}

#[test]
fn a_replica_takes_the_place_of_a_killed_primary() {
    let mut shop = ReplicatedShop::start(2, PRODUCTS);
    shop.servers.synchronous(0, 1);
    let server = shop.serve(&NOTHING_KEPT);
    let writer = shop.writer(&server);
    let readers = Readers::of(PRODUCTS);
    let acknowledged = AtomicU64::new(0);
    let acknowledged = &acknowledged;
    thread::scope(|scope| {
        let _end = readers.until_dropped();
        for _ in 0..4 {
            scope.spawn(|| readers.read(&server));
        }
        let writing = scope.spawn(|| write_until_refused(&writer, acknowledged));
        readers.go_on(200);
        within(PATIENCE, "some writes", || {
            (acknowledged.load(Ordering::Acquire) > 2).then_some(())
        });
        shop.servers.kill(0);
        writing.join().unwrap();
        let acknowledged = acknowledged.load(Ordering::Acquire);
        readers.go_on(200);
        shop.servers.promote(1);
        let promoted = Instant::now();
        shop.servers.follow(2, 1);
        let written = within(PATIENCE, "a write", || {
            let reply = writer.patch("/products/2", &titled("After"));
            (reply.status == 200).then_some(reply)
        });
        have_resumed(promoted);
        let document = server.document("/products/2");
        assert_eq!(document["version"], written.json()["version"]);
        // Nothing that was acknowledged is lost; one more may have been done.
        let title = server.document("/products/1")["title"]
            .as_str()
            .unwrap()
            .to_owned();
        let kept: u64 = title.strip_prefix("Write ").unwrap().parse().unwrap();
        assert!(
            kept == acknowledged || kept == acknowledged + 1,
            "{kept} of {acknowledged}"
        );
        readers.go_on(200);
        // What an outsider writes there is seen, too.
        shop.write(1, 3, 7);
        within(PATIENCE, "the outsider's", || {
            (server.document("/products/3")["title"] == "Version 7").then_some(())
        });
    });
}

#[test]
fn what_the_synchronous_replica_does_not_have_is_not_acknowledged() {
    let shop = ReplicatedShop::start(1, 1);
    shop.servers.synchronous(0, 1);
    let server = shop.serve(&[("DOORBUSTER_LIMITS_WRITE_WAIT", "1s")]);
    let writer = shop.writer(&server);
    writer.patch("/products/1", &titled("Before")).with(200);
    shop.servers.signal(1, Signal::STOP);
    let unsure = writer.patch("/products/1", &titled("After"));
    shop.servers.signal(1, Signal::CONT);
    unsure.problem(503, "catalog-unavailable");
    assert_eq!(unsure.header("retry-after"), Some("1"));
    // It was done all the same, as that could have been.
    within(PATIENCE, "the replica has it", || {
        (server.document("/products/1")["title"] == "After").then_some(())
    });
}

#[test]
fn what_a_new_primary_has_is_not_contradicted_by_a_replica_that_has_not() {
    const MANY: usize = 10;
    let mut shop = ReplicatedShop::start(2, MANY);
    shop.servers.synchronous(0, 1);
    let server = shop.serve(&[
        NOTHING_KEPT[0],
        NOTHING_KEPT[1],
        ("DOORBUSTER_CATALOG_MAX_REPLICA_LAG", "1h"),
    ]);
    // It has what comes, and does not show it.
    shop.servers.pause(2);
    for id in 1..=MANY {
        shop.write(0, id, 2);
        within(PATIENCE, "the new version", || {
            let document = server.document(&format!("/products/{id}"));
            (document["version"] == 2).then_some(())
        });
    }
    shop.servers.kill(0);
    shop.servers.promote(1);
    // Another history: nothing that the node knew of the old one counts any more.
    is_said(
        &server,
        "the outbox has a gap: every cached product is loaded again",
        1,
    );
    for _ in 0..20 {
        for id in 1..=MANY {
            let document = server.document(&format!("/products/{id}"));
            assert_eq!(document["version"], 2, "product {id}");
        }
    }
}

#[test]
fn a_primary_that_hangs_is_left_for_the_one_that_was_promoted() {
    let shop = ReplicatedShop::start(2, PRODUCTS);
    shop.servers.synchronous(0, 1);
    let server = shop.serve(&NOTHING_KEPT);
    let writer = shop.writer(&server);
    writer.patch("/products/1", &titled("Before")).with(200);
    let readers = Readers::of(PRODUCTS);
    thread::scope(|scope| {
        let _end = readers.until_dropped();
        for _ in 0..4 {
            scope.spawn(|| readers.read(&server));
        }
        readers.go_on(100);
        shop.servers.signal(0, Signal::STOP);
        is_said(&server, "the primary is lost", 1);
        within(PATIENCE, "readiness says so", || {
            let ready = server.get("/readyz").with(200).json();
            (ready["degraded"]["primary"] == "down").then_some(())
        });
        readers.go_on(100);
        shop.servers.promote(1);
        let promoted = Instant::now();
        within(PATIENCE, "a write", || {
            let reply = writer.patch("/products/2", &titled("After"));
            (reply.status == 200).then_some(reply)
        });
        have_resumed(promoted);
        readers.go_on(100);
        assert_eq!(server.document("/products/1")["title"], "Before");
    });
    shop.servers.signal(0, Signal::CONT);
}

#[test]
fn a_demoted_primary_is_written_to_no_more() {
    let shop = ReplicatedShop::start(1, 2);
    let server = shop.serve(&[]);
    let writer = shop.writer(&server);
    writer.patch("/products/1", &titled("Before")).with(200);
    // As one that takes no writes any more says to those who are connected.
    shop.servers.sql(
        0,
        "ALTER DATABASE shop SET default_transaction_read_only = on",
    );
    let session = shop.servers.session(0, "postgres");
    session
        .batch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = 'shop' AND application_name = 'doorbuster'",
        )
        .unwrap();
    let refused = writer.patch("/products/1", &titled("Refused"));
    assert_eq!(refused.status, 503, "{refused:?}");
    server.document("/products/1");
    session
        .batch("ALTER DATABASE shop SET default_transaction_read_only = off")
        .unwrap();
    within(PATIENCE, "a write", || {
        let reply = writer.patch("/products/1", &titled("After"));
        (reply.status == 200).then_some(())
    });
}
