//! A running server and what others commit meanwhile: the new version within a second, and never an old
//! one after it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Database, Server, Shop, product, within};

/// From the end of an import, or of another commit, until every answer shows it.
const PROMISE: Duration = Duration::from_secs(1);

/// Imports of one product, one after another.
const VERSIONS: u64 = 20;

fn version(document: &Value) -> u64 {
    document["version"].as_u64().unwrap()
}

#[test]
fn no_reader_sees_an_old_version_after_anyone_saw_the_new_one() {
    read_while_versions_come(&[]);
}

#[test]
fn nor_where_every_other_answer_starts_a_refresh() {
    let windows = [
        ("DOORBUSTER_CACHE_FRESH", "1ms"),
        ("DOORBUSTER_CACHE_STALE", "1h"),
    ];
    read_while_versions_come(&windows);
}

#[test]
fn nor_without_a_cache() {
    read_while_versions_come(&[("DOORBUSTER_CACHE_L1_BYTES", "0")]);
}

fn read_while_versions_come(environment: &[(&str, &str)]) {
    let shop = Shop::with(&[product("lamp", "Version 1")]);
    let server = shop.serve_with(&[], environment);
    let newest_seen = AtomicU64::new(1);
    let is_over = AtomicBool::new(false);
    let answers = AtomicU64::new(0);
    let paths = [
        "/products/1",
        "/products/1",
        "/products/by-handle/lamp",
        "/products/by-sku/lamp-1",
        "/products/1?fields=title,version",
        "/products/1?fields=version,title&include=reviews",
    ];

    thread::scope(|scope| {
        // Also where an assertion below fails: the scope waits for the readers.
        let _stopped = OnDrop(|| is_over.store(true, Ordering::Release));
        for path in paths {
            let (server, is_over, newest_seen, answers) =
                (&server, &is_over, &newest_seen, &answers);
            scope.spawn(move || {
                while !is_over.load(Ordering::Acquire) {
                    // What anyone had seen before this request began.
                    let floor = newest_seen.load(Ordering::Acquire);
                    let reply = server.get(path).with(200);
                    let document = reply.json();
                    let version = version(&document);
                    assert!(version >= floor, "{version} after {floor}: {reply:?}");
                    assert_eq!(document["title"], format!("Version {version}"));
                    let tag = reply.header("etag").unwrap();
                    assert!(tag.starts_with(&format!("\"{version}-")), "{tag}");
                    newest_seen.fetch_max(version, Ordering::AcqRel);
                    answers.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        scope.spawn(|| {
            while !is_over.load(Ordering::Acquire) {
                let floor = newest_seen.load(Ordering::Acquire);
                let accept = [("accept", "application/ld+json")];
                let reply = server.request("GET", "/products/1", &accept).with(200);
                let json_ld = reply.json();
                let name = json_ld["name"].as_str().unwrap();
                let version = name.strip_prefix("Version ").unwrap().parse().unwrap();
                assert!(version >= floor, "{version} after {floor}: {reply:?}");
                newest_seen.fetch_max(version, Ordering::AcqRel);
            }
        });
        for number in 2..=VERSIONS {
            let before = answers.load(Ordering::Relaxed);
            let summary = shop.import(&[product("lamp", &format!("Version {number}"))]);
            assert_eq!(summary["updated"], 1);
            within(PROMISE, "the new version", || {
                (newest_seen.load(Ordering::Acquire) == number).then_some(())
            });
            assert!(answers.load(Ordering::Relaxed) > before, "nobody reads");
        }
    });
    server.stop();
}

struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[test]
fn a_new_product_appears_although_its_absence_was_cached() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve_with(&[], &[("DOORBUSTER_CACHE_NEGATIVE", "1h")]);
    let paths = [
        "/products/7",
        "/products/by-handle/chair",
        "/products/by-sku/chair-1",
    ];
    for path in paths.iter().chain(&paths) {
        server.get(path).problem(404, "product-not-found");
    }
    let mut chair = product("chair", "Chair");
    chair["id"] = json!(7);
    assert_eq!(shop.import(&[chair])["created"], 1);
    for path in paths {
        within(PROMISE, path, || {
            let reply = server.get(path);
            (reply.status == 200).then(|| assert_eq!(reply.json()["id"], 7))
        });
        server.get(path).with(200);
    }
}

#[test]
fn an_import_that_changes_nothing_is_not_noticed() {
    let products = [product("lamp", "Lamp"), product("chair", "Chair")];
    let shop = Shop::with(&products);
    let server = shop.serve();
    let before = server.get("/products/1").with(200);
    let summary = shop.import(&products);
    assert_eq!(
        (&summary["unchanged"], &summary["updated"]),
        (&json!(2), &json!(0))
    );
    // The change of the other product comes after it in the outbox.
    shop.import(&[product("chair", "Armchair")]);
    see(&server, "/products/2", |document| {
        document["title"] == "Armchair"
    });
    let after = server.get("/products/1").with(200);
    assert_eq!(after.header("etag"), before.header("etag"));
    assert_eq!(after.cache_status()[0], "hit");
}

/// Awaits a document that is as it should be.
fn see(server: &Server, path: &str, is_right: impl Fn(&Value) -> bool) -> Value {
    within(PROMISE, path, || {
        let reply = server.get(path);
        let document = (reply.status == 200).then(|| reply.json())?;
        is_right(&document).then_some(document)
    })
}

fn write(database: &Database, sql: &str) {
    assert_eq!(database.execute(sql, []).unwrap(), 1, "{sql}");
}

#[test]
fn what_an_outsider_writes_becomes_a_version() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    let database = shop.database();
    let old = server.get("/products/1").with(200);

    write(&database, "UPDATE product SET title = 'Desk Lamp'");
    let renamed = see(&server, "/products/1", |document| {
        document["title"] == "Desk Lamp"
    });
    assert_eq!(version(&renamed), 2);
    assert!(renamed["updated_at"].as_str() > old.json()["updated_at"].as_str());
    let tag = old.header("etag").unwrap();
    let conditional = server.request("GET", "/products/1", &[("if-none-match", tag)]);
    assert_eq!(conditional.with(200).json(), renamed);

    write(&database, "UPDATE variant SET price_minor = 2499");
    let dearer = see(&server, "/products/1", |document| version(document) == 3);
    let price = json!({ "amount_minor": 2499, "currency": "USD" });
    assert_eq!(dearer["price"], json!({ "min": price, "max": price }));
    assert_eq!(dearer["variants"][0]["price"], price);

    write(&database, "UPDATE product SET handle = 'desk-lamp'");
    see(&server, "/products/by-handle/desk-lamp", |document| {
        version(document) == 4
    });
    server
        .get("/products/by-handle/lamp")
        .problem(404, "product-not-found");

    write(&database, "UPDATE product SET status = 'archived'");
    within(PROMISE, "the product is archived", || {
        (server.get("/products/1").status == 404).then_some(())
    });
    write(&database, "UPDATE product SET status = 'active'");
    see(&server, "/products/1", |document| version(document) == 6);
}

#[test]
fn a_name_that_moves_to_another_product_leads_there() {
    let shop = Shop::with(&[product("lamp", "Lamp"), product("chair", "Chair")]);
    let server = shop.serve();
    let database = shop.database();
    let leads_to = |path: &str, id: u64| {
        see(&server, path, |document| document["id"] == id);
        // Again, from what is remembered.
        assert_eq!(server.document(path)["id"], id);
    };
    let (handle, sku) = ("/products/by-handle/lamp", "/products/by-sku/lamp-1");
    leads_to(handle, 1);
    leads_to(sku, 1);

    write(
        &database,
        "UPDATE product SET handle = 'old-lamp' WHERE id = 1",
    );
    write(&database, "UPDATE product SET handle = 'lamp' WHERE id = 2");
    write(
        &database,
        "UPDATE variant SET sku = 'old' WHERE sku = 'lamp-1'",
    );
    write(
        &database,
        "UPDATE variant SET sku = 'lamp-1' WHERE sku = 'chair-1'",
    );
    leads_to(handle, 2);
    leads_to(sku, 2);

    // Away from one that nobody sees any more.
    write(
        &database,
        "UPDATE product SET handle = 'chair', status = 'archived' WHERE id = 2",
    );
    write(&database, "UPDATE product SET handle = 'lamp' WHERE id = 1");
    leads_to(handle, 1);
    within(PROMISE, "the archived one is gone", || {
        (server.get(sku).status == 404).then_some(())
    });
}

#[test]
fn a_sale_is_a_version_only_where_it_crosses_a_threshold() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    let database = shop.database();
    let mut expected = 1;
    // Twenty at first; five and fewer are low.
    for (sale, availability, is_crossing) in [
        ("on_hand = 19", "in_stock", false),
        ("reserved = 13", "in_stock", false),
        ("on_hand = 18", "low_stock", true),
        ("on_hand = 14", "low_stock", false),
        ("on_hand = 13", "out_of_stock", true),
        ("reserved = 50", "out_of_stock", false),
        ("on_hand = 100", "in_stock", true),
    ] {
        write(&database, &format!("UPDATE inventory SET {sale}"));
        // A change of the title says that the tail has been past the sale, and is one version itself.
        write(&database, &format!("UPDATE product SET title = '{sale}'"));
        let title = json!(sale);
        let document = see(&server, "/products/1", |document| {
            document["title"] == title
        });
        expected += 1;
        // Where both commits are seen at once, they are one version.
        let allowed = expected..=expected + u64::from(is_crossing);
        assert!(allowed.contains(&version(&document)), "{sale}: {document}");
        expected = version(&document);
        assert_eq!(document["availability"], availability, "{sale}");
        assert_eq!(
            document["variants"][0]["availability"], availability,
            "{sale}"
        );
    }
    // Crossings alone.
    for (on_hand, availability) in [(55, "low_stock"), (50, "out_of_stock"), (56, "in_stock")] {
        write(
            &database,
            &format!("UPDATE inventory SET on_hand = {on_hand}"),
        );
        let document = see(&server, "/products/1", |it| {
            it["availability"] == availability
        });
        expected += 1;
        assert_eq!(version(&document), expected);
    }
}
