//! A catalogue in PostgreSQL: the same documents, and versions whoever writes and however transactions meet.

use std::time::Duration;

use serde_json::{Value, json};
use tokio_postgres::error::SqlState;

use crate::harness::{PATIENCE, Session, Shop, Writer, product, within};

/// From a commit until the running server shows it.
const PROMISE: Duration = Duration::from_secs(1);

fn shop(products: &[Value]) -> Shop {
    let shop = Shop::empty_in_postgres();
    shop.import(products);
    shop
}

fn session(shop: &Shop) -> Session {
    shop.postgres().connect()
}

#[test]
fn both_stores_have_the_same_documents() {
    let postgres = Shop::empty_in_postgres();
    let embedded = Shop::in_a_file();
    let servers = [&postgres, &embedded].map(|shop| shop.serve_with(&["--demo"], &[]));
    for id in 1..=1_000 {
        let replies = servers
            .each_ref()
            .map(|server| server.get(&format!("/products/{id}")));
        assert_eq!(replies[0].status, replies[1].status, "{id}");
        if replies[0].status == 200 {
            assert_eq!(replies[0].text(), replies[1].text());
        }
    }
    for list in [
        "?sort=title",
        "?sort=-price",
        "?sort=popular&limit=50",
        "?sort=newest",
    ] {
        let lists = servers
            .each_ref()
            .map(|server| server.get(&format!("/products{list}")).json());
        assert_eq!(lists[0]["items"], lists[1]["items"], "{list}");
    }
    drop(servers);
    assert_eq!(postgres.export(), embedded.export());
}

#[test]
fn one_transaction_makes_one_version_whoever_writes() {
    let shop = shop(&[product("lamp", "Lamp"), product("chair", "Chair")]);
    let server = shop.serve();
    server.get("/products/1").with(200);
    session(&shop)
        .batch(
            "BEGIN;
             UPDATE product SET title = 'Desk' WHERE id = 1;
             UPDATE product SET title = 'Desk Lamp' WHERE id = 1;
             UPDATE variant SET price_minor = 2499 WHERE product_id = 1;
             SAVEPOINT regret; UPDATE product SET title = 'Stool' WHERE id = 2; ROLLBACK TO regret;
             COMMIT",
        )
        .unwrap();
    let document = within(PROMISE, "the new version", || {
        let document = server.document("/products/1");
        (document["version"] == 2).then_some(document)
    });
    assert_eq!(document["title"], "Desk Lamp");
    assert_eq!(document["variants"][0]["price"]["amount_minor"], 2499);
    assert_eq!(server.document("/products/2")["version"], 1);
    let rows = "SELECT count(*) FROM catalog_outbox";
    assert_eq!(session(&shop).value::<i64>(rows), 3);
    for empty in ["product_change", "settlement_due"] {
        let rows = format!("SELECT count(*) FROM {empty}");
        assert_eq!(session(&shop).value::<i64>(&rows), 0, "{empty}");
    }
}

#[test]
fn nothing_is_missed_that_commits_late_and_nothing_waits_for_it() {
    let shop = shop(&[product("lamp", "Lamp"), product("chair", "Chair")]);
    let server = shop.serve();
    for id in 1..=2 {
        server.get(&format!("/products/{id}")).with(200);
    }
    let (early, late) = (session(&shop), session(&shop));
    // Begins first and has the lower numbers of transaction and row, but commits last.
    late.batch("BEGIN; UPDATE product SET title = 'Late' WHERE id = 1; SELECT settle_products()")
        .unwrap();
    early
        .batch("UPDATE product SET title = 'Early' WHERE id = 2")
        .unwrap();
    let shows = |id: u32, title: &str| {
        within(PROMISE, title, || {
            let document = server.document(&format!("/products/{id}"));
            (document["title"] == title).then_some(())
        });
    };
    shows(2, "Early");
    assert_eq!(server.document("/products/1")["title"], "Lamp");
    late.batch("COMMIT").unwrap();
    shows(1, "Late");
}

#[test]
fn transactions_that_meet_on_a_product_make_versions_one_after_another() {
    let shop = shop(&[product("lamp", "Lamp")]);
    std::thread::scope(|scope| {
        for number in 0..4 {
            let session = session(&shop);
            scope.spawn(move || {
                for round in 0..25 {
                    let sql = match number {
                        0 => format!("UPDATE product SET title = 'Lamp {round}' WHERE id = 1"),
                        1 => format!(
                            "UPDATE variant SET price_minor = {} WHERE id = 1",
                            100 + round
                        ),
                        2 => format!(
                            "INSERT INTO image (product_id, position, url) VALUES (1, {round}, 'u')"
                        ),
                        _ => format!(
                            "UPDATE inventory SET on_hand = {} WHERE variant_id = 1",
                            round % 2 * 50
                        ),
                    };
                    session.batch(&sql).unwrap();
                }
            });
        }
    });
    let session = session(&shop);
    let number = |sql: &str| session.value::<i64>(sql);
    let newest = number("SELECT version FROM product");
    assert_eq!(number("SELECT version FROM product_document"), newest);
    assert_eq!(number("SELECT count(*) FROM catalog_outbox"), newest);
    assert_eq!(
        number("SELECT count(DISTINCT version) FROM catalog_outbox"),
        newest
    );
    assert_eq!(number("SELECT max(version) FROM catalog_outbox"), newest);
    let body: String = session.value("SELECT body FROM product_document");
    let document: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(document["images"].as_array().unwrap().len(), 25);
    assert_eq!(document["title"], "Lamp 24");
    assert_eq!(document["price"]["min"]["amount_minor"], 124);
}

#[test]
fn a_sale_makes_a_version_only_where_it_crosses_a_threshold() {
    let shop = shop(&[product("lamp", "Lamp")]);
    let session = session(&shop);
    for (on_hand, version) in [(19, 1), (6, 1), (5, 2), (1, 2), (0, 3), (40, 4)] {
        let sale = format!("UPDATE inventory SET on_hand = {on_hand}");
        session.batch(&sale).unwrap();
        let made: i64 = session.value("SELECT version FROM product");
        assert_eq!(made, version, "{on_hand}");
    }
}

#[test]
fn what_would_lose_versions_is_refused() {
    let shop = shop(&[product("lamp", "Lamp")]);
    let session = session(&shop);
    for sql in [
        "DELETE FROM product",
        "TRUNCATE product CASCADE",
        "TRUNCATE variant CASCADE",
        "UPDATE product SET id = 9",
    ] {
        session.batch(sql).unwrap_err();
    }
    assert_eq!(session.value::<i64>("SELECT id FROM product"), 1);
}

#[test]
fn what_refers_to_nothing_is_refused_and_goes_with_what_it_belongs_to() {
    let shop = shop(&[product("lamp", "Lamp")]);
    let session = session(&shop);
    for sql in [
        "INSERT INTO image (product_id, position, url) VALUES (7, 0, 'u')",
        "INSERT INTO variant (product_id, position, price_minor, currency) VALUES (7, 0, 1, 'EUR')",
        "UPDATE variant SET product_id = 7",
        "INSERT INTO inventory (variant_id) VALUES (7)",
        "INSERT INTO review (product_id, rating) VALUES (7, 5)",
        "INSERT INTO relation VALUES (1, 0, 7, 'related')",
    ] {
        let error = session.batch(sql).unwrap_err();
        assert_eq!(
            error.code(),
            Some(&SqlState::FOREIGN_KEY_VIOLATION),
            "{sql}"
        );
    }
    session.batch("DELETE FROM variant").unwrap();
    assert_eq!(session.value::<i64>("SELECT count(*) FROM inventory"), 0);
    assert_eq!(session.value::<i64>("SELECT version FROM product"), 2);
}

/// Two transactions touch the same two products, and the rows of the products lie in another order than their ids. Each
/// settles when it commits: by id, so that neither holds what the other waits for.
#[test]
fn transactions_settle_the_same_products_in_the_same_order() {
    let shop = Shop::empty_in_postgres();
    for sql in [
        "INSERT INTO product (id, handle, title) VALUES (1, 'lamp', 'Lamp'), (2, 'chair', 'Chair')",
        "INSERT INTO image (product_id, position, url) VALUES (1, 0, 'u'), (2, 0, 'u')",
        "INSERT INTO variant (product_id, position, price_minor, currency)
         VALUES (1, 0, 1, 'EUR'), (2, 0, 1, 'EUR')",
        "CREATE INDEX backwards ON product (id DESC)",
        "CLUSTER product USING backwards",
        "DROP INDEX backwards",
    ] {
        session(&shop).batch(sql).unwrap();
    }
    let hold = |id: u32| {
        let holder = session(&shop);
        let sql = format!("BEGIN; SELECT FROM product WHERE id = {id} FOR NO KEY UPDATE");
        holder.batch(&sql).unwrap();
        holder
    };
    let await_waiting = |count: i64| {
        let waiting = "SELECT count(*) FROM pg_stat_activity
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let observer = session(&shop);
        within(PATIENCE, "it waits", || {
            (observer.value::<i64>(waiting) == count).then_some(())
        });
    };
    let (chair, lamp) = (hold(2), hold(1));
    std::thread::scope(|scope| {
        let commit = |sql: &'static str| {
            let session = session(&shop);
            scope.spawn(move || session.batch(&format!("{sql}; COMMIT")).unwrap())
        };
        commit("BEGIN; SET LOCAL enable_seqscan = off; UPDATE image SET alt = 'new'");
        await_waiting(1);
        commit(
            "BEGIN; SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off;
             SET LOCAL enable_tidscan = off; UPDATE variant SET price_minor = 2",
        );
        await_waiting(2);
        lamp.batch("COMMIT").unwrap();
        await_waiting(2);
        chair.batch("COMMIT").unwrap();
    });
    for id in 1..=2 {
        let version = format!("SELECT version FROM product WHERE id = {id}");
        // Three before: the product, its image, its variant.
        assert_eq!(session(&shop).value::<i64>(&version), 5);
    }
    // Numbers go on behind those that were brought.
    let stool = "INSERT INTO product (handle, title) VALUES ('stool', 'Stool')";
    session(&shop).batch(stool).unwrap();
    assert_eq!(
        session(&shop).value::<i64>("SELECT max(id) FROM product"),
        3
    );
}

#[test]
fn a_migration_of_another_version_is_left_alone() {
    let shop = shop(&[product("lamp", "Lamp")]);
    session(&shop)
        .batch(
            "INSERT INTO refinery_schema_history
             SELECT 99, 'later', applied_on, '1' FROM refinery_schema_history LIMIT 1",
        )
        .unwrap();
    let ended = shop.run("migrate", &[]).with(1);
    assert!(ended.stderr.contains("use a newer doorbuster"), "{ended:?}");
}

#[test]
fn processes_that_start_together_migrate_once() {
    let shop = Shop::blank_in_postgres();
    let applied: Vec<usize> = std::thread::scope(|scope| {
        let migrate = || shop.run("migrate", &["--json"]).with(0).summary();
        let runs: Vec<_> = (0..4).map(|_| scope.spawn(migrate)).collect();
        let reports = runs.into_iter().map(|run| run.join().unwrap());
        reports
            .map(|report| report["applied"].as_array().unwrap().len())
            .collect()
    });
    assert_eq!(
        applied.iter().filter(|count| **count > 0).count(),
        1,
        "{applied:?}"
    );
}

#[test]
fn a_pooler_that_keeps_no_statements_is_served_by_unnamed_ones() {
    let shop = shop(&[product("lamp", "Lamp")]);
    let server = shop.serve_with(&[], &[("DOORBUSTER_CATALOG_PGBOUNCER", "true")]);
    server.get("/products/1").with(200);
    assert_eq!(
        server.get("/products?sort=price").with(200).json()["items"][0]["id"],
        json!(1)
    );
    let prepared = "SELECT count(*) FROM pg_stat_activity
                    WHERE application_name = 'doorbuster' AND datname = current_database()";
    assert!(session(&shop).value::<i64>(prepared) > 0);
    // Without notifications, too, what an outsider writes is seen.
    session(&shop)
        .batch("UPDATE product SET title = 'Desk Lamp'")
        .unwrap();
    within(PROMISE, "the new title", || {
        (server.document("/products/1")["title"] == "Desk Lamp").then_some(())
    });
}

#[test]
fn everything_passes_through_pgbouncer_in_transaction_mode() {
    let shop = Shop::empty_behind_pgbouncer();
    let lamps: Vec<Value> = (0..300)
        .map(|number| product(&format!("lamp-{number}"), &format!("Lamp {number}")))
        .collect();
    assert_eq!(shop.import(&lamps)["created"], 300);
    assert_eq!(shop.import(&lamps)["unchanged"], 300);
    assert_eq!(shop.export().lines().count(), 300);
    // More connections than there are sessions, each of which serves all of them.
    let server = shop.serve_with(&[], &[("DOORBUSTER_CACHE_L1_BYTES", "0")]);
    let writer = Writer::new(&shop, &server);
    std::thread::scope(|scope| {
        for reader in 0..8 {
            let server = &server;
            scope.spawn(move || {
                for id in 1..=40 {
                    server.get(&format!("/products/{id}")).with(200);
                    server
                        .get(&format!("/products?sort=title&limit={id}"))
                        .with(200);
                    server
                        .get(&format!("/products/by-sku/lamp-{}-1", id + reader))
                        .with(200);
                }
            });
        }
        for version in 2..=30 {
            let title = format!("Lamp of version {version}");
            let reply = writer
                .patch("/products/7", &json!({ "title": title }))
                .with(200);
            assert_eq!(reply.json()["version"], version);
        }
    });
    session(&shop)
        .batch("UPDATE product SET title = 'Desk Lamp' WHERE id = 1")
        .unwrap();
    within(PROMISE, "the new title", || {
        (server.document("/products/1")["title"] == "Desk Lamp").then_some(())
    });
}
