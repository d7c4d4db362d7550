//! Counting how often products are looked at, and what follows from it.

use serde_json::{Value, json};

use crate::harness::{PATIENCE, Server, Shop, product, within};

fn shop() -> Shop {
    let mut lamp = product("lamp", "Lamp");
    let mut desk = product("desk", "Desk");
    lamp["tags"] = json!(["light", "home"]);
    desk["tags"] = json!(["home"]);
    Shop::with(&[lamp, desk])
}

fn serve(shop: &Shop, every: &str) -> Server {
    shop.serve_with(&[], &[("DOORBUSTER_CACHE_VIEW_FLUSH", every)])
}

fn views(shop: &Shop, product: u32) -> i64 {
    let sql = format!(
        "SELECT CAST(coalesce(sum(views), 0) AS bigint) FROM product_views WHERE product_id = {product}"
    );
    shop.database().number(&sql)
}

fn popular(server: &Server) -> Vec<i64> {
    ids(server, "/products?sort=popular")
}

fn ids(server: &Server, path: &str) -> Vec<i64> {
    let page = server.document(path);
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|item: &Value| item["id"].as_i64().unwrap())
        .collect()
}

#[test]
fn what_is_looked_at_becomes_popular_without_a_new_version() {
    let shop = shop();
    let server = serve(&shop, "100ms");
    // Of equal ones the newer.
    assert_eq!(popular(&server), [2, 1]);
    let tag = server.get("/products/1").header("etag").unwrap().to_owned();
    for _ in 0..120 {
        server.get("/products/1").with(200);
    }
    for path in ["/products/by-handle/lamp", "/products/1?fields=title"] {
        server.get(path).with(200);
    }
    // Neither a look at the head, nor what is not there, nor one of many in a list.
    server.request("HEAD", "/products/1", &[]).with(200);
    server.get("/products/99999").with(404);
    server.get("/products?ids=1,2").with(200);
    server
        .request("GET", "/products/1", &[("if-none-match", &tag)])
        .with(304);
    within(PATIENCE, "views are written", || {
        (views(&shop, 1) >= 124).then_some(())
    });
    assert_eq!((views(&shop, 1), views(&shop, 2)), (124, 0));
    within(PATIENCE, "the list knows", || {
        (popular(&server) == [1, 2]).then_some(())
    });
    let of_tags = "SELECT count(*) FROM product_tag WHERE product_id = 1 AND rating_count = 1";
    assert_eq!(shop.database().number(of_tags), 2);
    // What is kept stays, and nobody is told of a change.
    let reply = server.get("/products/1").with(200);
    assert_eq!(reply.header("etag").unwrap(), tag);
    assert!(reply.header("cache-status").unwrap().contains("hit"));
    let versions = "SELECT count(*) FROM catalog_outbox WHERE version > 1";
    assert_eq!(shop.database().number(versions), 0);
    // It stays popular when it changes.
    shop.import(&[json!({ "handle": "lamp", "title": "Lantern" })]);
    within(PATIENCE, "the change is there", || {
        (server.document("/products/1")["title"] == "Lantern").then_some(())
    });
    assert_eq!(popular(&server), [1, 2]);
}

#[test]
fn searches_by_popularity_heed_views_as_lists_do() {
    let mut lamp = product("lamp", "Lamp");
    lamp["rating"] = json!({ "sum": 5, "count": 1 });
    let shop = Shop::with(&[lamp, product("desk", "Desk"), product("vase", "Vase")]);
    let server = serve(&shop, "100ms");
    let search = "/search?q=&sort=popular";
    within(PATIENCE, "the index is there", || {
        (ids(&server, search) == [1, 3, 2]).then_some(())
    });
    for _ in 0..210 {
        server.get("/products/2").with(200);
    }
    within(PATIENCE, "the search knows", || {
        (ids(&server, search) == [2, 1, 3]).then_some(())
    });
    assert_eq!(popular(&server), [2, 1, 3]);
    // Page by page, too.
    let first = server.document("/search?q=&sort=popular&limit=1");
    let next = first["next"].as_str().unwrap();
    assert_eq!(first["items"][0]["id"], 2);
    let second = format!("/search?q=&sort=popular&limit=1&cursor={next}");
    assert_eq!(ids(&server, &second), [1]);
    // Where other things count they do not.
    assert_eq!(ids(&server, "/search?q=&sort=newest"), [3, 2, 1]);
}

#[test]
fn a_stop_loses_nothing_and_a_kill_what_was_not_written() {
    let shop = shop();
    let server = serve(&shop, "1h");
    for _ in 0..30 {
        server.get("/products/2").with(200);
    }
    server.stop();
    assert_eq!(views(&shop, 2), 30);
    let server = serve(&shop, "1h");
    for _ in 0..30 {
        server.get("/products/2").with(200);
    }
    // Dropped: killed.
    drop(server);
    assert_eq!(views(&shop, 2), 30);
}

#[test]
fn counts_are_halved_with_time() {
    let shop = shop();
    let server = serve(&shop, "100ms");
    let old = if crate::harness::on_postgres() {
        "now() - interval '8 days'"
    } else {
        "unixepoch() - 8 * 86400"
    };
    let insert = format!("INSERT INTO product_views VALUES (1, 1000, {old})");
    shop.database().execute(&insert, []).unwrap();
    // Written together with what is counted.
    server.get("/products/2").with(200);
    within(PATIENCE, "it is halved", || {
        (views(&shop, 1) == 500).then_some(())
    });
    let place = "SELECT rating_count FROM product_listing WHERE product_id = 1";
    assert_eq!(shop.database().number(place), 5);
}

#[test]
fn nothing_is_counted_where_nobody_wants_it() {
    let shop = shop();
    let settings = [
        ("DOORBUSTER_CACHE_COUNT_VIEWS", "false"),
        ("DOORBUSTER_CACHE_VIEW_FLUSH", "100ms"),
    ];
    let server = shop.serve_with(&[], &settings);
    server.get("/products/1").with(200);
    server.stop();
    assert_eq!(views(&shop, 1), 0);
}
