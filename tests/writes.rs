//! Products written over HTTP, and what is read afterwards.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Reply, Server, Shop, Writer, product};

/// The answer to a write is the representation that a GET gives from now on.
#[track_caller]
fn is_current(server: &Server, reply: &Reply) -> Value {
    let document = reply.json();
    let path = format!("/products/{}", document["id"]);
    let read = server.get(&path).with(200);
    assert_eq!(read.body, reply.body);
    assert_eq!(read.header("etag"), reply.header("etag"));
    assert_eq!(reply.header("content-location"), Some(path.as_str()));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let tag = format!("\"{}-", document["version"]);
    assert!(reply.header("etag").unwrap().starts_with(&tag), "{reply:?}");
    document
}

#[test]
fn a_product_is_created_replaced_patched_and_deleted() {
    let shop = Shop::empty();
    let server = shop.serve();
    let writer = Writer::new(&shop, &server);
    server.get("/products/1").problem(404, "product-not-found");

    let mut lamp = product("lamp", "Lamp");
    lamp["vendor"] = json!("Lumen");
    lamp["tags"] = json!(["new"]);
    let created = writer.post(&lamp).with(201);
    assert_eq!(created.header("location"), Some("/products/1"));
    let document = is_current(&server, &created);
    assert_eq!(
        (&document["version"], &document["vendor"]),
        (&json!(1), &json!("Lumen"))
    );
    assert_eq!(server.document("/products/by-handle/lamp"), document);

    // What a PUT does not say is as by default, but for the stock, which others write.
    let price = json!({"amount_minor": 2499, "currency": "USD"});
    let replacement = json!({
        "handle": "desk-lamp",
        "title": "Desk Lamp",
        "variants": [{"sku": "lamp-1", "price": price}],
    });
    let replaced = writer.put("/products/1", &replacement).with(200);
    let document = is_current(&server, &replaced);
    assert_eq!(document["version"], 2);
    assert_eq!(
        (&document["vendor"], &document["tags"]),
        (&json!(""), &json!([]))
    );
    assert_eq!(document["variants"][0]["price"], price);
    assert_eq!(document["availability"], "in_stock");
    let stock = server.document("/products/1/availability");
    assert_eq!(stock["variants"][0]["on_hand"], 20);
    server
        .get("/products/by-handle/lamp")
        .problem(404, "product-not-found");

    let patch = json!({"tags": ["sale"], "seo": {"title": "A lamp"}, "vendor": "Lux"});
    let document = is_current(&server, &writer.patch("/products/1", &patch).with(200));
    assert_eq!(document["version"], 3);
    assert_eq!(document["tags"], json!(["sale"]));
    assert_eq!(document["seo"]["title"], "A lamp");
    assert_eq!(document["variants"][0]["price"], price);
    let document = is_current(
        &server,
        &writer
            .patch(
                "/products/1",
                &json!({"seo": {"title": null}, "vendor": null}),
            )
            .with(200),
    );
    assert_eq!(
        (&document["seo"]["title"], &document["vendor"]),
        (&Value::Null, &json!(""))
    );

    let deleted = writer.delete("/products/1").with(204);
    assert_eq!((deleted.body.len(), deleted.header("etag")), (0, None));
    for path in [
        "/products/1",
        "/products/by-handle/desk-lamp",
        "/products/by-sku/lamp-1",
    ] {
        for _ in ["miss", "cached"] {
            server.get(path).problem(410, "product-deleted");
        }
    }
    for reply in [
        writer.delete("/products/1"),
        writer.put("/products/1", &replacement),
        writer.patch("/products/1", &json!({})),
    ] {
        reply.problem(410, "product-deleted");
    }
    // It comes back under its id, with a higher version than it ever had.
    let back = writer.post(&replacement).with(201);
    assert_eq!(back.header("location"), Some("/products/1"));
    assert_eq!(is_current(&server, &back)["version"], 6);
}

#[test]
fn a_product_that_is_not_public_is_shown_whole_to_its_writer_alone() {
    let shop = Shop::empty();
    let server = shop.serve();
    let writer = Writer::new(&shop, &server);
    let mut draft = product("lamp", "Lamp");
    draft["status"] = json!("draft");
    draft["variants"][0]["cost"] = json!({"amount_minor": 900, "currency": "USD"});
    let created = writer.post(&draft).with(201);
    let document = created.json();
    assert_eq!(document["version"], 1);
    assert_eq!(document["variants"][0]["cost"]["amount_minor"], 900);
    assert_eq!(created.header("content-location"), None);
    server.get("/products/1").problem(404, "product-not-found");

    let tag = created.header("etag").unwrap();
    let published = json!({"status": "active"});
    let reply = writer.write("PATCH", "/products/1", &[("if-match", tag)], &published);
    let document = is_current(&server, &reply.with(200));
    assert_eq!(document["variants"][0].get("cost"), None);
    let hidden = writer
        .patch("/products/1", &json!({"published_at": null}))
        .with(200);
    assert_eq!(hidden.json()["version"], 3);
    server.get("/products/1").problem(404, "product-not-found");
}

#[test]
fn a_variant_loses_what_a_put_does_not_say_but_not_its_stock() {
    let shop = Shop::empty();
    let server = shop.serve();
    let writer = Writer::new(&shop, &server);
    let mut lamp = product("lamp", "Lamp");
    lamp["images"] = json!([{"url": "a.jpg"}]);
    lamp["variants"][0]["image"] = json!(0);
    lamp["variants"][0]["weight_g"] = json!(300);
    lamp["reviews"] = json!([{"rating": 5, "body": "Bright"}]);
    writer.post(&lamp).with(201);
    let price = json!({"amount_minor": 1999, "currency": "USD"});
    let bare = json!({"handle": "lamp", "title": "Lamp", "variants": [{"price": price}]});
    writer.put("/products/1", &bare).with(200);
    let exported: Value = serde_json::from_str(&shop.export()).unwrap();
    let variant = &exported["variants"][0];
    assert_eq!((variant.get("sku"), variant.get("image")), (None, None));
    assert_eq!(variant["weight_g"], Value::Null);
    assert_eq!(variant["inventory"]["on_hand"], 20);
    assert_eq!(exported["images"], json!([]));
    assert_eq!(exported["reviews"][0]["body"], "Bright");
    assert_eq!(exported["rating"], json!({"sum": 5, "count": 1}));
    // A patch says so where it means it.
    let cleared = json!({"reviews": null, "rating": null});
    writer.patch("/products/1", &cleared).with(200);
    let exported: Value = serde_json::from_str(&shop.export()).unwrap();
    assert_eq!(exported["reviews"], json!([]));
    assert_eq!(exported["rating"], json!({"sum": 0, "count": 0}));
}

/// Not even its version: what a document says already is not written.
#[test]
fn a_put_of_an_export_line_changes_nothing_at_all() {
    let shop = Shop::empty();
    let server = shop.serve_with(&["--demo"], &[]);
    let writer = Writer::new(&shop, &server);
    let before = shop.export();
    // Every 20th: of all kinds.
    for line in before.lines().step_by(20) {
        let document: Value = serde_json::from_str(line).unwrap();
        let path = format!("/products/{}", document["id"]);
        let reply = writer.put(&path, &document).with(200);
        assert_eq!(reply.json()["version"], document["version"], "{line}");
        let reply = writer.patch(&path, &json!({})).with(200);
        assert_eq!(reply.json()["version"], document["version"], "{line}");
    }
    assert_eq!(shop.export(), before);
}

#[test]
fn a_reader_sees_each_write_at_once_whatever_is_cached() {
    for environment in [
        &[][..],
        &[("DOORBUSTER_CACHE_L1_BYTES", "0")],
        &[
            ("DOORBUSTER_CACHE_FRESH", "1ms"),
            ("DOORBUSTER_CACHE_STALE", "1h"),
        ],
    ] {
        let shop = Shop::with(&[product("lamp", "Lamp")]);
        let server = shop.serve_with(&[], environment);
        let writer = Writer::new(&shop, &server);
        let newest = AtomicU64::new(1);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while newest.load(Ordering::Acquire) < 40 {
                        let floor = newest.load(Ordering::Acquire);
                        let version = server.document("/products/1")["version"].as_u64();
                        assert!(version >= Some(floor), "{version:?} after {floor}");
                    }
                });
            }
            for version in 2..=40 {
                let patch = json!({"title": format!("Lamp {version}")});
                let reply = writer.patch("/products/1", &patch).with(200);
                assert_eq!(reply.json()["version"], version);
                newest.store(version, Ordering::Release);
                assert_eq!(server.document("/products/1")["version"], version);
            }
        });
    }
}

#[test]
fn a_version_that_is_asked_for_is_never_answered_older() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    // Two nodes on one catalogue: the other one hears of the write by the tail.
    let (here, there) = (shop.serve(), shop.serve());
    let writer = Writer::new(&shop, &here);
    there.get("/products/1").with(200);
    for version in 2..=20 {
        let title = json!({"title": format!("Lamp {version}")});
        writer.patch("/products/1", &title).with(200);
        for path in [
            "/products/1",
            "/products/by-handle/lamp",
            "/products/by-sku/lamp-1",
        ] {
            let path = format!("{path}?min_version={version}");
            assert_eq!(there.document(&path)["version"], version);
        }
    }
    assert_eq!(
        there
            .get("/products/1?min_version=1")
            .with(200)
            .cache_status()[0],
        "hit"
    );
    let begun = Instant::now();
    let early = there.get("/products/1?min_version=21");
    early.problem(503, "version-not-reached");
    assert_eq!(early.header("retry-after"), Some("1"));
    assert!(begun.elapsed() < Duration::from_secs(5));
    there
        .get("/products/7?min_version=1")
        .problem(503, "version-not-reached");
    there
        .get("/products/1?min_version=new")
        .problem(400, "invalid-query");
    // Asking too much does not keep the product from others.
    assert_eq!(there.document("/products/1")["version"], 20);
    writer.delete("/products/1").with(204);
    there
        .get("/products/1?min_version=21")
        .problem(410, "product-deleted");
}
