//! The primary is lost, and a replica takes its place.

use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::shop::{NOTHING_KEPT, Readers, ReplicatedShop, is_said, titled};
use crate::harness::{PATIENCE, Writer, within};

const PRODUCTS: usize = 40;

/// Writes until it fails, and says how often it was told that it is done.
fn write_until_refused(writer: &Writer<'_>) -> u64 {
    let mut acknowledged = 0;
    loop {
        let reply = writer.patch(
            "/products/1",
            &titled(&format!("Write {}", acknowledged + 1)),
        );
        match reply.status {
            200 => acknowledged += 1,
            503 => {
                assert!(reply.header("retry-after").is_some(), "{reply:?}");
                return acknowledged;
            }
            _ => panic!("{reply:?}"),
        }
    }
}

#[test]
fn a_replica_takes_the_place_of_a_killed_primary() {
    let mut shop = ReplicatedShop::start(2, PRODUCTS);
    shop.servers.synchronous(0, 1);
    let server = shop.serve(&NOTHING_KEPT);
    let writer = shop.writer(&server);
    let readers = Readers::of(PRODUCTS);
    thread::scope(|scope| {
        let _end = readers.until_dropped();
        for _ in 0..4 {
            scope.spawn(|| readers.read(&server));
        }
        let acknowledged = scope.spawn(|| write_until_refused(&writer));
        readers.go_on(200);
        shop.servers.kill(0);
        let acknowledged = acknowledged.join().unwrap();
        assert!(acknowledged > 0);
        readers.go_on(200);
        shop.servers.promote(1);
        let promoted = Instant::now();
        shop.servers.follow(2, 1);
        let written = within(PATIENCE, "a write", || {
            let reply = writer.patch("/products/2", &titled("After"));
            (reply.status == 200).then_some(reply)
        });
        println!(
            "writes resumed {:?} after the promotion",
            promoted.elapsed()
        );
        assert!(promoted.elapsed() < Duration::from_secs(10));
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
        readers.go_on(100);
        shop.servers.promote(1);
        let promoted = Instant::now();
        within(PATIENCE, "a write", || {
            let reply = writer.patch("/products/2", &titled("After"));
            (reply.status == 200).then_some(reply)
        });
        println!(
            "writes resumed {:?} after the promotion",
            promoted.elapsed()
        );
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
