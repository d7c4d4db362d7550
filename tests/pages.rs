//! Pages of lists and of what hangs on products: kept for seconds, and never longer.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Database, PATIENCE, Server, Shop, product, within};

fn shop(count: usize) -> Shop {
    let products: Vec<Value> = (1..=count)
        .map(|number| product(&format!("lamp-{number}"), &format!("Lamp {number}")))
        .collect();
    Shop::with(&products)
}

#[test]
fn one_request_in_other_spellings_is_one_page() {
    let shop = shop(3);
    let server = shop.serve();
    for spellings in [
        &[
            "/products",
            "/products?sort=newest&limit=20",
            "/products?limit=20",
        ][..],
        &[
            "/products?tag=b&tag=a,c",
            "/products?tag=c,a&tag=b&tag=b",
            "/products?limit=20&tag=b&tag=a%2Cc",
        ],
        &["/products?category=A+%3E+B", "/products?category=A%3EB"],
        &[
            "/products?currency=usd&price_min=005",
            "/products?price_min=5&currency=USD",
        ],
        &["/products/1/reviews", "/products/1/reviews?limit=20"],
        &[
            "/products/1/recommendations?limit=20",
            "/products/1/recommendations",
        ],
        &["/products/1/availability", "/products/1/availability?"],
    ] {
        let first = server.get(spellings[0]).with(200);
        assert_eq!(first.cache_status()[0], "fwd=miss", "{}", spellings[0]);
        for path in spellings {
            let reply = server.get(path).with(200);
            assert_eq!(reply.cache_status()[0], "hit", "{path}");
            assert_eq!(reply.body, first.body, "{path}");
            assert_eq!(reply.header("etag"), first.header("etag"), "{path}");
            let (max, promise) = if path.contains("availability") {
                (
                    1,
                    "public, max-age=0, s-maxage=1, stale-while-revalidate=0, stale-if-error=0",
                )
            } else {
                (
                    4,
                    "public, max-age=0, s-maxage=3, stale-while-revalidate=1, stale-if-error=1",
                )
            };
            assert_eq!(reply.header("cache-control"), Some(promise), "{path}");
            assert_eq!(reply.header("cdn-cache-control"), None);
            let age: u64 = reply.header("age").unwrap().parse().unwrap();
            assert!(age <= max, "{path}: {age}");
        }
    }
    let distinct = [
        "/products?limit=1",
        "/products?limit=2",
        "/products?sort=title",
        "/products?sort=popular",
    ];
    for path in distinct {
        assert_eq!(
            server.get(path).with(200).cache_status()[0],
            "fwd=miss",
            "{path}"
        );
    }
}

/// From a change until `path` shows it, asking all the while, so that the page is always there to be served.
#[track_caller]
fn delay(server: &Server, path: &str, change: impl FnOnce()) -> Duration {
    let tag = server
        .get(path)
        .with(200)
        .header("etag")
        .unwrap()
        .to_owned();
    change();
    let changed = Instant::now();
    let known = [("if-none-match", &*tag)];
    within(PATIENCE, path, || {
        (server.request("GET", path, &known).status == 200).then_some(())
    });
    changed.elapsed()
}

#[test]
fn no_page_is_older_than_promised() {
    let shop = shop(2);
    let server = shop.serve();
    let database = shop.database();
    let run = |sql: &str| {
        database.execute(sql, []).unwrap();
    };
    // What is asked for without a pause is refreshed behind the answers, long before the promise ends.
    for (path, change, promise) in [
        (
            "/products?sort=title",
            "UPDATE product SET title = 'A lamp' WHERE id = 2",
            5,
        ),
        (
            "/products/1/availability",
            "UPDATE inventory SET on_hand = 19 WHERE variant_id = 1",
            2,
        ),
        (
            "/products/1/reviews",
            "INSERT INTO review (product_id, rating, status) VALUES (1, 5, 'published')",
            5,
        ),
        (
            "/products/1/recommendations",
            "INSERT INTO relation (product_id, position, related_id, kind) VALUES (1, 0, 2, 'x')",
            5,
        ),
    ] {
        let took = delay(&server, path, || run(change));
        assert!(took <= Duration::from_secs(promise), "{path}: {took:?}");
    }
}

#[test]
fn a_page_nobody_asked_for_meanwhile_is_read_anew() {
    let shop = shop(2);
    let server = shop.serve();
    let path = "/products/1/availability";
    server.get(path).with(200);
    std::thread::sleep(Duration::from_millis(2_100));
    assert_eq!(server.get(path).with(200).cache_status()[0], "fwd=miss");
}

#[test]
fn without_a_budget_for_views_each_is_made_anew() {
    let shop = shop(2);
    let server = shop.serve_with(&[], &[("DOORBUSTER_CACHE_VIEWS_BYTES", "0")]);
    for path in [
        "/products?sort=title",
        "/products/1/availability",
        "/products/1?include=reviews",
    ] {
        for _ in 0..2 {
            let reply = server.get(path).with(200);
            assert_eq!(reply.cache_status(), ["fwd=bypass"], "{path}");
            assert_eq!(
                reply.header("cache-control"),
                Some("public, no-cache"),
                "{path}"
            );
            assert_eq!(reply.header("age"), None, "{path}");
        }
    }
    assert_eq!(
        server.get("/products/1?fields=id").with(200).text(),
        "{\"id\":1}"
    );
    let sold = "UPDATE inventory SET on_hand = 7 WHERE variant_id = 1";
    shop.database().execute(sold, []).unwrap();
    let stock = server.get("/products/1/availability").with(200).json();
    assert_eq!(stock["variants"][0]["on_hand"], 7);
}

#[test]
fn a_scan_of_pages_evicts_no_product() {
    let mut products: Vec<Value> = (1..=100)
        .map(|number| product(&format!("lamp-{number}"), "Lamp"))
        .collect();
    for product in &mut products {
        product["description_html"] = json!("x".repeat(2_000));
    }
    let shop = Shop::with(&products);
    let budgets = [
        ("DOORBUSTER_CACHE_L1_BYTES", "1MiB"),
        ("DOORBUSTER_CACHE_VIEWS_BYTES", "512KiB"),
    ];
    let server = shop.serve_with(&[], &budgets);
    let path = |id: usize| format!("/products/{id}");
    for id in 1..=100 {
        server.get(&path(id)).with(200);
    }
    // Twenty times the budget of the pages.
    for limit in 1..=100 {
        server.get(&format!("/products?limit={limit}")).with(200);
        server
            .get(&format!("/products/{limit}?fields=description_html"))
            .with(200);
    }
    for id in 1..=100 {
        assert_eq!(
            server.get(&path(id)).with(200).cache_status()[0],
            "hit",
            "{id}"
        );
    }
}

/// Every read of the lists counts for longer than any test.
fn block(database: &Database) -> String {
    let for_long = match database {
        Database::Sqlite(_) => {
            "WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
        }
        Database::Postgres(_) => "SELECT 0 FROM pg_sleep(600)",
    };
    format!(
        "ALTER TABLE product_listing RENAME TO out_of_reach;
         CREATE VIEW product_listing AS SELECT * FROM out_of_reach WHERE product_id < ({for_long});"
    )
}

const UNBLOCK: &str =
    "DROP VIEW product_listing; ALTER TABLE out_of_reach RENAME TO product_listing";

#[test]
fn a_list_that_takes_too_long_is_given_up() {
    let shop = shop(3);
    let server = shop.serve_with(&[], &[("DOORBUSTER_CACHE_HARD_TIMEOUT", "100ms")]);
    let database = shop.database();
    database.execute_batch(&block(&database)).unwrap();
    // More than there are threads for.
    for limit in 1..=6 {
        let started = Instant::now();
        let reply = server.get(&format!("/products?limit={limit}"));
        reply.problem(503, "catalog-unavailable");
        assert_eq!(reply.header("retry-after"), Some("1"));
        assert!(
            started.elapsed() < Duration::from_secs(2),
            "{:?}",
            started.elapsed()
        );
        // Products are read elsewhere.
        server.get("/products/1").with(200);
    }
    database.execute_batch(UNBLOCK).unwrap();
    // Nothing of it goes on: the threads are free.
    within(Duration::from_secs(2), "the lists are back", || {
        (server.get("/products?limit=1").status == 200).then_some(())
    });
}
