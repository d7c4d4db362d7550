//! Writes that meet: at once, again, or with another process in the way.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Reply, Shop, Writer, product};

const KEY: (&str, &str) = (
    "idempotency-key",
    "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"",
);

#[test]
fn of_two_patches_of_one_version_exactly_one_wins() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    let writer = Writer::new(&shop, &server);
    for round in 1..=20 {
        let tag = server.get("/products/1").header("etag").unwrap().to_owned();
        let together = Barrier::new(2);
        let patch = |name: &str| {
            let patch = json!({"title": format!("{name} {round}")});
            together.wait();
            writer.write("PATCH", "/products/1", &[("if-match", &tag)], &patch)
        };
        let replies = thread::scope(|scope| {
            let both = ["one", "other"].map(|name| scope.spawn(|| patch(name)));
            both.map(|one| one.join().unwrap())
        });
        let mut statuses = replies.each_ref().map(|reply| reply.status);
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412], "{replies:?}");
        let won = replies.iter().find(|reply| reply.status == 200).unwrap();
        assert_eq!(server.document("/products/1"), won.json());
        assert_eq!(won.json()["version"], round + 1);
    }
}

#[track_caller]
fn is_replayed(first: &Reply, again: &Reply) {
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    for name in [
        "etag",
        "location",
        "content-type",
        "content-location",
        "cache-control",
    ] {
        assert_eq!(again.header(name), first.header(name), "{name}");
    }
}

#[test]
fn a_write_that_is_asked_again_is_answered_again_and_not_done_again() {
    let shop = Shop::empty();
    let server = shop.serve();
    let token = shop.token("catalog:write");
    let writer = Writer::bearing(&server, &token);
    let lamp = product("lamp", "Lamp");
    let created = writer.write("POST", "/products", &[KEY], &lamp).with(201);
    assert_eq!(created.header("idempotent-replayed"), None);
    is_replayed(&created, &writer.write("POST", "/products", &[KEY], &lamp));
    let unquoted = ("idempotency-key", KEY.1.trim_matches('"'));
    is_replayed(
        &created,
        &writer.write("POST", "/products", &[unquoted], &lamp),
    );

    // The same name for something else.
    for reply in [
        writer.write("POST", "/products", &[KEY], &product("lamp", "Other")),
        writer.write("PUT", "/products/1", &[KEY], &lamp),
        writer.write("POST", "/products?x=1", &[KEY], &lamp),
    ] {
        reply.problem(422, "idempotency-key-reused");
    }
    // Another bearer's names are others.
    let other = Writer::new(&shop, &server);
    let patch = json!({"title": "Desk Lamp"});
    let patched = other
        .write("PATCH", "/products/1", &[KEY], &patch)
        .with(200);
    assert_eq!(patched.json()["version"], 2);
    let current = patched.header("etag").unwrap();
    // The condition held when it was done.
    let headers = [KEY, ("if-match", "\"1\"")];
    is_replayed(
        &patched,
        &other.write("PATCH", "/products/1", &headers, &patch),
    );
    let delete = ("idempotency-key", "delete");
    let deleted = other.send(
        "DELETE",
        "/products/1",
        &[delete, ("if-match", current)],
        "",
    );
    deleted.clone().with(204);
    is_replayed(
        &deleted,
        &other.send("DELETE", "/products/1", &[delete], ""),
    );

    // Kept with the write: another process knows it.
    server.stop();
    let server = shop.serve();
    let writer = Writer::bearing(&server, &token);
    is_replayed(&created, &writer.write("POST", "/products", &[KEY], &lamp));
    server.get("/products/1").problem(410, "product-deleted");

    // For a day.
    let database = shop.database();
    let yesterday = "UPDATE idempotency_key SET created_at = '2020-01-01T00:00:00.000Z'";
    assert_eq!(database.execute(yesterday, []).unwrap(), 3);
    let back = writer.write("POST", "/products", &[KEY], &lamp).with(201);
    assert_eq!(back.header("idempotent-replayed"), None);
    let left = "SELECT count(*) FROM idempotency_key";
    assert_eq!(database.number(left), 1);
}

#[test]
fn what_was_refused_may_be_asked_again_under_its_key() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    let writer = Writer::new(&shop, &server);
    let bed = product("lamp", "Bed");
    writer
        .write("POST", "/products", &[KEY], &bed)
        .problem(409, "product-conflict");
    writer
        .write("POST", "/products", &[KEY], &json!({}))
        .pointers(422, "invalid-product");
    writer
        .write("POST", "/products", &[KEY], &product("bed", "Bed"))
        .with(201);
    let long = "k".repeat(256);
    for bad in ["", "a b", &long] {
        let key = ("idempotency-key", bad);
        let reply = writer.write("POST", "/products", &[key], &product("sofa", "Sofa"));
        reply.problem(400, "invalid-idempotency-key");
    }
}

#[test]
fn a_second_request_with_the_key_of_one_in_flight_is_told_to_wait() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve_with(&[], &[("DOORBUSTER_LIMITS_WRITE_WAIT", "30s")]);
    let writer = Writer::new(&shop, &server);
    let patch = json!({"title": "Desk Lamp"});
    let outsider = shop.database();
    outsider.block_writes();
    let ask = || writer.write("PATCH", "/products/1", &[KEY], &patch);
    thread::scope(|scope| {
        let both = [scope.spawn(ask), scope.spawn(ask)];
        // One waits for the outsider; the other is told that it does.
        crate::harness::within(Duration::from_secs(20), "one is told", || {
            both.iter()
                .any(thread::ScopedJoinHandle::is_finished)
                .then_some(())
        });
        outsider.let_write();
        let mut replies = both.map(|one| one.join().unwrap());
        replies.sort_by_key(|reply| reply.status);
        assert_eq!(replies[0].clone().with(200).json()["version"], 2);
        replies[1].problem(409, "request-in-flight");
        assert_eq!(replies[1].header("retry-after"), Some("1"));
        is_replayed(&replies[0], &ask());
    });
}

#[test]
fn where_another_process_writes_for_long_writes_are_told_so_and_reads_go_on() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve_with(&[], &[("DOORBUSTER_LIMITS_WRITE_WAIT", "300ms")]);
    let writer = Writer::new(&shop, &server);
    // So that the first use of the token has been written down, which waits as long as it takes.
    crate::harness::within(Duration::from_secs(20), "a write is done", || {
        (writer.patch("/products/1", &json!({})).status == 200).then_some(())
    });
    let outsider = shop.database();
    outsider.block_writes();
    let begun = Instant::now();
    thread::scope(|scope| {
        let patch = |number: u64| json!({"title": format!("Lamp {number}")});
        let writer = &writer;
        let asked: Vec<_> = (0..8)
            .map(|number| scope.spawn(move || writer.patch("/products/1", &patch(number))))
            .collect();
        let mut reads = 0;
        while begun.elapsed() < Duration::from_millis(300) {
            let started = Instant::now();
            server.get("/products/1").with(200);
            server.get("/products/7").with(404);
            assert!(
                started.elapsed() < Duration::from_millis(250),
                "a read waits"
            );
            reads += 1;
        }
        assert!(reads > 10, "{reads}");
        for write in asked {
            let reply = write.join().unwrap();
            reply.problem(503, "catalog-busy");
            assert_eq!(reply.header("retry-after"), Some("1"));
        }
    });
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    outsider.let_write();
    // None of them was done after all.
    let document = server.document("/products/1");
    assert_eq!(
        (&document["version"], &document["title"]),
        (&json!(1), &json!("Lamp"))
    );
    let reply = writer
        .patch("/products/1", &json!({"title": "Desk Lamp"}))
        .with(200);
    assert_eq!(reply.json()["version"], Value::from(2));
}
