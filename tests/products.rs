//! Reading products: by id, handle and sku, in full and conditionally.

use serde_json::{Value, json};

use crate::harness::{Server, Shop, product};

const MEMBERS: [&str; 20] = [
    "id",
    "handle",
    "title",
    "description_html",
    "vendor",
    "product_type",
    "category",
    "tags",
    "status",
    "options",
    "price",
    "availability",
    "rating",
    "images",
    "variants",
    "attributes",
    "seo",
    "version",
    "created_at",
    "updated_at",
];
const VARIANT_MEMBERS: [&str; 8] = [
    "id",
    "sku",
    "barcode",
    "options",
    "price",
    "compare_at_price",
    "availability",
    "weight_g",
];

fn members(object: &Value) -> Vec<&str> {
    object
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn the_demo_shop_answers_as_documented() {
    let shop = Shop::empty();
    let server = shop.serve_with(&["--demo"], &[]);

    let first = server.get("/products/456").with(200);
    let miss = first.cache_status();
    assert_eq!(miss[..2], ["fwd=miss", "stored"]);
    // A minute, ± 10 %.
    assert!((54..=66).contains(&first.ttl()), "{first:?}");
    assert_eq!(first.header("content-type"), Some("application/json"));
    assert_eq!(first.header("cache-control"), Some("public, no-cache"));
    let tag = first.header("etag").unwrap();
    assert!(
        tag.len() > 2 && tag.starts_with('"') && tag.ends_with('"'),
        "{tag}"
    );
    assert!(!first.header("x-request-id").unwrap().is_empty());

    let document = first.json();
    assert_eq!(document["id"], 456);
    assert_eq!(members(&document), MEMBERS);
    assert_eq!(members(&document["variants"][0]), VARIANT_MEMBERS);
    assert_eq!(
        members(&document["images"][0]),
        ["url", "alt", "width", "height"]
    );
    // Compact: as long as its values demand.
    assert_eq!(first.text(), document.to_string());

    let second = server.get("/products/456").with(200);
    assert_eq!(second.cache_status()[0], "hit");
    assert!(
        second.ttl() > 0 && second.ttl() <= first.ttl(),
        "{second:?}"
    );
    assert_eq!(second.header("etag"), Some(tag));
    assert_eq!(second.body, first.body);
    assert_ne!(second.header("x-request-id"), first.header("x-request-id"));

    for id in [1, 1000] {
        assert_eq!(server.document(&format!("/products/{id}"))["id"], id);
    }
    let unknown = server.get("/products/1001");
    unknown.problem(404, "product-not-found");
    assert_eq!(unknown.cache_status()[0], "fwd=miss");
    let known_to_be_unknown = server.get("/products/1001");
    assert_eq!(known_to_be_unknown.cache_status()[0], "hit");
    server.stop();

    // A catalogue that has products is left alone, and keeps what it has over a restart.
    let server = shop.serve_with(&["--demo"], &[]);
    assert_eq!(server.get("/products/456").with(200).body, first.body);
    server.stop();
}

#[test]
fn a_client_that_has_the_version_is_told_so() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    let full = server.get("/products/1").with(200);
    let tag = full.header("etag").unwrap();
    let ask = |path: &str, tags: &str| server.request("GET", path, &[("if-none-match", tags)]);

    for tags in [
        tag,
        "*",
        &format!("W/{tag}"),
        &format!("\"other\", {tag}"),
        &format!("\"a,b\",W/{tag} , \"c\""),
    ] {
        for path in [
            "/products/1",
            "/products/by-handle/lamp",
            "/products/by-sku/lamp-1",
        ] {
            let reply = ask(path, tags);
            assert_eq!((reply.status, reply.text()), (304, ""), "{tags}");
            // RFC 9110 §15.4.5: what a 200 would say of these.
            for name in ["etag", "cache-control"] {
                assert_eq!(reply.header(name), full.header(name), "{tags}");
            }
            assert_eq!(reply.header("content-type"), None);
            assert_eq!(reply.cache_status()[0], "hit");
        }
    }
    for tags in ["\"other\"", "W/\"1-0\"", tag.trim_matches('"'), ""] {
        assert_eq!(ask("/products/1", tags).with(200).body, full.body, "{tags}");
    }
    // There is nothing to be had for an unknown product, whatever the client holds.
    ask("/products/2", "*").problem(404, "product-not-found");

    // Nothing of a body follows the head, on a connection that goes on.
    let mut connection = server.connect();
    for _ in 0..2 {
        connection.send(format!(
            "GET /products/1 HTTP/1.1\r\nhost: shop\r\nif-none-match: {tag}\r\n\r\n"
        ));
        assert_eq!(connection.head().status, 304);
    }
}

#[test]
fn a_product_is_found_by_handle_and_by_sku() {
    let mut odd = product("blåbär-果物", "Blueberries");
    odd["variants"] = json!([
        variant("A B-1"),
        variant("50%+#?&=;:@'\"<>"),
        variant("ÅÄÖ-ßé"),
        variant("a/b\\c"),
        variant("."),
        variant(".."),
    ]);
    odd["options"] = json!([{ "name": "Sku", "values": names(&odd) }]);
    let shop = Shop::with(&[product("lamp", "Lamp"), odd]);
    let server = shop.serve();

    let direct = server.get("/products/2").with(200);
    let check = |path: &str| {
        let reply = server.get_exactly(path).with(200);
        assert_eq!(reply.body, direct.body, "{path}");
        assert_eq!(reply.header("etag"), direct.header("etag"), "{path}");
        assert_eq!(
            reply.header("content-location"),
            Some("/products/2"),
            "{path}"
        );
        assert_eq!(reply.header("cache-control"), Some("public, no-cache"));
        assert_eq!(reply.cache_status()[0], "hit", "{path}");
    };
    assert_eq!(direct.header("content-location"), None);
    check("/products/by-handle/bl%C3%A5b%C3%A4r-%E6%9E%9C%E7%89%A9");
    check("/products/by-handle/bl%c3%a5b%c3%a4r-%e6%9e%9c%e7%89%a9");
    check("/products/by-sku/A%20B-1");
    check("/products/by-sku/50%25%2B%23%3F&=;:@'%22%3C%3E");
    check("/products/by-sku/50%25+%23%3F%26%3D%3B%3A%40%27%22%3C%3E");
    check("/products/by-sku/%C3%85%C3%84%C3%96-%C3%9F%C3%A9");
    check("/products/by-sku/a%2Fb%5Cc");
    check("/products/by-sku/.");
    check("/products/by-sku/%2E%2E");

    for path in [
        "/products/by-handle/LAMP",
        "/products/by-handle/lamp%20",
        "/products/by-handle/2",
        "/products/by-handle/%00",
        "/products/by-sku/lamp",
        "/products/by-sku/A+B-1",
        "/products/by-sku/%25%27%20OR%201=1",
    ] {
        server.get_exactly(path).problem(404, "product-not-found");
    }
    let problem = server
        .get("/products/by-handle/no%20such")
        .problem(404, "product-not-found");
    assert_eq!(
        problem["detail"],
        "There is no public product with handle \"no such\"."
    );
    let problem = server
        .get("/products/by-sku/none")
        .problem(404, "product-not-found");
    assert_eq!(
        problem["detail"],
        "There is no public product with sku \"none\"."
    );
}

fn variant(sku: &str) -> Value {
    json!({
        "sku": sku,
        "price": { "amount_minor": 500, "currency": "SEK" },
        "options": { "Sku": sku },
    })
}

fn names(product: &Value) -> Vec<&Value> {
    product["variants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|variant| &variant["sku"])
        .collect()
}

#[test]
fn only_public_products_are_shown() {
    let with = |handle: &str, key: &str, value: Value| {
        let mut product = product(handle, handle);
        product[key] = value;
        product
    };
    let products = [
        product("public", "Public"),
        with("draft", "status", json!("draft")),
        with("archived", "status", json!("archived")),
        with("unpublished", "published_at", Value::Null),
        product("deleted", "Deleted"),
    ];
    let shop = Shop::with(&products);
    let server = shop.serve();
    server.get("/products/5").with(200);

    let file = shop.file("without-deleted.jsonl");
    std::fs::write(&file, crate::harness::lines(&products[..4])).unwrap();
    let summary = shop
        .import_file(&file, &["--delete-missing"])
        .with(0)
        .summary();
    assert_eq!(
        (&summary["deleted"], &summary["unchanged"]),
        (&json!(1), &json!(4))
    );
    crate::harness::within(
        std::time::Duration::from_secs(1),
        "the product disappears",
        || (server.get("/products/5").status == 410).then_some(()),
    );

    server.get("/products/1").with(200);
    for (id, handle) in [
        (2, "draft"),
        (3, "archived"),
        (4, "unpublished"),
        (6, "unknown"),
    ] {
        let hidden = (404, "product-not-found");
        is_hidden(&server, &format!("/products/{id}"), hidden);
        is_hidden(&server, &format!("/products/by-handle/{handle}"), hidden);
        is_hidden(&server, &format!("/products/by-sku/{handle}-1"), hidden);
    }
    let deleted = (410, "product-deleted");
    is_hidden(&server, "/products/5", deleted);
    is_hidden(&server, "/products/by-handle/deleted", deleted);
    is_hidden(&server, "/products/by-sku/deleted-1", deleted);
}

/// The answer gives away nothing of a product that is there.
fn is_hidden(server: &Server, path: &str, (status, code): (u16, &str)) {
    for _ in ["miss", "cached"] {
        let reply = server.get(path);
        reply.problem(status, code);
        assert_eq!(reply.header("etag"), None, "{path}");
        assert_eq!(reply.header("content-location"), None, "{path}");
    }
}
