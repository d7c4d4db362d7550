//! What is left of answers without what is switched off: all of them valid, and saying so.

use std::time::Duration;

use serde_json::{Value, json};

use super::{is_in_force, say, switch};
use crate::harness::{Server, Shop, product, within};

fn shop() -> Shop {
    let mut lamp = product("lamp", "Lamp");
    lamp["reviews"] = json!([{ "rating": 5, "title": "Bright", "body": "Shines.", "status": "published", "author": "A" }]);
    lamp["vendor"] = "Acme".into();
    Shop::with(&[lamp, product("chair", "Chair")])
}

fn degraded(server: &Server, path: &str) -> (Value, Option<String>) {
    let reply = server.get(path).with(200);
    let header = reply.header("doorbuster-degraded").map(str::to_owned);
    (reply.json(), header)
}

const BOTH: &str = "/products/1?fields=id&include=reviews,recommendations";

#[test]
fn what_is_included_is_null_and_named_never_an_error() {
    let shop = shop();
    let server = shop.serve();
    let (whole, header) = degraded(&server, BOTH);
    assert_eq!((header, whole.get("degraded")), (None, None));
    assert!(whole["reviews"].is_object() && whole["recommendations"].is_array());

    switch(&server, "reviews", "off");
    let (body, header) = degraded(&server, BOTH);
    assert_eq!(header.as_deref(), Some("reviews"));
    let expected = json!({
        "id": 1, "reviews": null, "recommendations": whole["recommendations"], "degraded": ["reviews"],
    });
    assert_eq!(body, expected);
    // What was not asked for is not missed.
    assert_eq!(
        degraded(&server, "/products/1?include=recommendations").1,
        None
    );
    assert_eq!(degraded(&server, "/products/1").1, None);

    switch(&server, "recommendations", "off");
    let (body, header) = degraded(&server, BOTH);
    assert_eq!(header.as_deref(), Some("reviews, recommendations"));
    assert_eq!(body["degraded"], json!(["reviews", "recommendations"]));

    switch(&server, "include", "off");
    let (body, header) = degraded(&server, BOTH);
    assert_eq!(header.as_deref(), Some("include"));
    let expected = json!({
        "id": 1, "reviews": null, "recommendations": null, "degraded": ["include"],
    });
    assert_eq!(body, expected);
}

#[test]
fn a_degraded_answer_is_another_one_and_not_to_be_kept_for_long() {
    let shop = shop();
    let server = shop.serve();
    let path = "/products/1?include=reviews";
    let whole = server.get(path).with(200);
    switch(&server, "reviews", "off");
    let tag = whole.header("etag").unwrap();
    let degraded = server
        .request("GET", path, &[("if-none-match", tag)])
        .with(200);
    assert_ne!(degraded.header("etag"), Some(tag));
    let control = degraded.header("cache-control").unwrap();
    assert!(control.contains("s-maxage=3"), "{control}");
    assert_eq!(degraded.header("cdn-cache-control"), None);
    let tag = degraded.header("etag").unwrap();
    server
        .request("GET", path, &[("if-none-match", tag)])
        .with(304);
    switch(&server, "reviews", "on");
    let again = server
        .request("GET", path, &[("if-none-match", tag)])
        .with(200);
    assert_eq!(again.body, whole.body);
}

#[test]
fn what_is_switched_off_says_so_where_it_is_asked_for_alone() {
    let shop = shop();
    let server = shop.serve();
    for (feature, path) in [
        ("search", "/search?q=lamp"),
        ("reviews", "/products/1/reviews"),
    ] {
        server.get(path).with(200);
        switch(&server, feature, "off");
        let reply = server.get(path);
        reply.problem(503, "feature-off");
        assert_eq!(reply.header("doorbuster-degraded"), Some(feature));
        assert_eq!(reply.header("retry-after"), Some("10"));
    }
    // Advice that is not there is no advice, and no error.
    switch(&server, "recommendations", "off");
    let path = "/products/1/recommendations";
    let (body, header) = degraded(&server, path);
    assert_eq!(
        body,
        json!({ "items": [], "degraded": ["recommendations"] })
    );
    assert_eq!(header.as_deref(), Some("recommendations"));
    assert!(
        server
            .get(path)
            .header("cache-control")
            .unwrap()
            .contains("s-maxage=3")
    );
    server
        .get("/products/99/recommendations")
        .problem(404, "product-not-found");
    // What somebody wants is no failure: nothing is said of it in the log.
    let lines = server.program.log.lines();
    assert!(
        !lines.iter().any(|line| line.contains("request failed")),
        "{lines:?}"
    );
}

#[test]
fn a_search_without_facets_finds_the_same() {
    let shop = shop();
    let server = shop.serve();
    let path = "/search?q=lamp&vendor=Acme";
    let whole = within(Duration::from_secs(10), "the index", || {
        let page = server.get(path).with(200).json();
        (page["total"]["value"] == 1).then_some(page)
    });
    assert!(whole["facets"].is_object());
    switch(&server, "facets", "off");
    let (page, header) = degraded(&server, path);
    assert_eq!(header.as_deref(), Some("facets"));
    assert_eq!(page["facets"], Value::Null);
    assert_eq!(page["degraded"], json!(["facets"]));
    assert_eq!(
        (&page["items"], &page["total"]),
        (&whole["items"], &whole["total"])
    );
}

#[test]
fn a_shop_that_can_only_be_read_is_read() {
    let shop = shop();
    let token = shop.token("catalog:write,stock:write");
    let server = shop.serve();
    let bearer = format!("Bearer {token}");
    let patch = |title: &str| {
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/merge-patch+json"),
        ];
        let body = json!({ "title": title }).to_string();
        server.send("PATCH", "/products/1", &headers, body)
    };
    patch("One").with(200);
    switch(&server, "writes", "off");
    let refused = patch("Two");
    let problem = refused.problem(503, "feature-off");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("nothing was done")
    );
    assert_eq!(server.document("/products/1")["title"], "One");
    switch(&server, "writes", "on");
    patch("Three").with(200);
}

#[test]
fn checkout_first_leaves_what_stands_between_a_customer_and_a_purchase() {
    let shop = shop();
    let server = shop.serve();
    switch(&server, "checkout_first", "on");
    for path in [
        "/products/1",
        "/products/by-handle/lamp",
        "/products/1/availability",
        "/products/1?include=reviews",
        "/readyz",
    ] {
        server.get(path).with(200);
    }
    for path in [
        "/products",
        "/search",
        "/categories",
        "/products/1/reviews",
        "/docs",
    ] {
        server.get(path).problem(503, "feature-off");
    }
    let flags = server.send("POST", "/ofrep/v1/evaluate/flags/checkout_first", &[], "{}");
    assert_eq!(flags.with(200).json()["value"], true);
    switch(&server, "checkout_first", "off");
    server.get("/products").with(200);
}

#[test]
fn without_brotli_another_coding_is_built() {
    let mut lamp = product("lamp", "Lamp");
    lamp["description_html"] = "<p>It shines.</p>".repeat(200).into();
    let shop = Shop::with(&[lamp]);
    let server = shop.serve();
    switch(&server, "brotli", "off");
    let any = [("accept-encoding", "br, zstd;q=0.9")];
    let reply = within(Duration::from_secs(10), "a coding", || {
        let reply = server.request("GET", "/products/1", &any).with(200);
        assert_eq!(reply.header("doorbuster-degraded"), Some("brotli"));
        reply.header("content-encoding").is_some().then_some(reply)
    });
    assert_eq!(reply.header("content-encoding"), Some("zstd"));
    // One that takes nothing else gets it all the same.
    let only = [("accept-encoding", "br, identity;q=0")];
    let reply = server.request("GET", "/products/1", &only).with(200);
    assert_eq!(reply.header("content-encoding"), Some("br"));
}

#[test]
fn without_fresh_prices_what_is_old_is_served_and_a_change_still_shows() {
    let shop = shop();
    let environment = [
        ("DOORBUSTER_CACHE_FRESH", "300ms"),
        ("DOORBUSTER_CACHE_STALE", "300ms"),
    ];
    let server = shop.serve_with(&[], &environment);
    server.get("/products/1").with(200);
    switch(&server, "fresh_prices", "off");
    let reply = within(
        Duration::from_secs(5),
        "it is older than it may get otherwise",
        || {
            let reply = server.get("/products/1").with(200);
            (reply.ttl() < 0).then_some(reply)
        },
    );
    assert_eq!(reply.header("doorbuster-degraded"), Some("fresh_prices"));
    assert!(reply.header("age").is_some());
    shop.database()
        .execute("UPDATE product SET title = 'Changed' WHERE id = 1", [])
        .unwrap();
    within(Duration::from_secs(2), "the change shows", || {
        (server.document("/products/1")["title"] == "Changed").then_some(())
    });
}

#[test]
fn an_operators_word_wins_over_the_ladder() {
    let shop = shop();
    let environment = [("DOORBUSTER_FLAGS_LADDER", "recommendations")];
    let server = shop.serve_with(&[], &environment);
    say(
        &server,
        "recommendations",
        &json!({ "variant": "on", "reason": "we need it" }),
    );
    is_in_force(&server, "recommendations", "on");
    let shown = server
        .get_admin("/admin/flags/recommendations")
        .with(200)
        .json();
    assert_eq!(shown["layer"], "database");
}
