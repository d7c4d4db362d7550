//! Odd spellings of paths: each has one answer, and no two paths are the same product without saying so.

use serde_json::json;

use crate::harness::{Server, Shop, product};

#[test]
fn a_path_with_other_segments_names_something_else() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    for path in [
        "/",
        "/products/",
        "/products/1/",
        "/products//1",
        "//products/1",
        "/products/1/reviews/2/3",
        "/products/1/reviews/",
        "/products/1//reviews",
        "/Products/1",
        "/products%2F1",
        "/products/by-handle/",
        "/products/by-handle/lamp/",
        "/products/by-handle//lamp",
        "/healthz/",
        "/metrics",
        "/favicon.ico",
        "/%00",
        "/../../etc/passwd",
        "/products/1/../1",
    ] {
        server.get_exactly(path).problem(404, "route-not-found");
    }
    let problem = server.get("/products//1/").problem(404, "route-not-found");
    assert_eq!(
        problem["detail"],
        "There is nothing at \"/products//1/\"; \"/products/1\" is another path"
    );
    // The whole of an absolute target names the same.
    let mut connection = server.connect();
    connection.send(format!(
        "GET http://{}/products/1 HTTP/1.1\r\nhost: shop\r\n\r\n",
        server.public
    ));
    connection.reply().with(200);
    // The query is no part of a product's name.
    server.get_exactly("/products/1?").with(200);
}

#[test]
fn what_is_encoded_without_need_is_sent_to_its_one_spelling() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    for (path, location) in [
        ("/products/%31", "/products/1"),
        ("/products/%31?a=%31&b", "/products/1?a=%31&b"),
        ("/%70roducts?ids=1", "/products?ids=1"),
        ("/products/1/%72eviews", "/products/1/reviews"),
        ("/products/by-handle/%6Camp", "/products/by-handle/lamp"),
        ("/products/by-sku/lamp%2D1", "/products/by-sku/lamp-1"),
        // What is not there as well: that is for the one spelling to say.
        ("/nothing/%41%2f", "/nothing/A%2f"),
    ] {
        let reply = server.get_exactly(path).with(308);
        assert_eq!(reply.header("location"), Some(location), "{path}");
        assert_eq!(reply.header("cache-control"), Some("public, max-age=86400"));
        assert!(reply.header("x-request-id").is_some());
        let target = server.get_exactly(location);
        assert_ne!(target.status, 308, "{location}");
    }
    // Never to another host, nor up and away.
    for path in ["//evil.example/%41", "/\\evil.example/%41"] {
        server.get_exactly(path).problem(404, "route-not-found");
    }
    server
        .get_exactly("/products/by-sku/%2E%2e")
        .problem(404, "product-not-found");
}

#[test]
fn what_is_no_text_is_refused() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    for path in [
        "/%",
        "/%FF",
        "/products/%",
        "/products/1%",
        "/products/%zz",
        "/products/%FF",
        "/products/%C0%B1",
        "/products/by-handle/%ED%A0%80",
        "/products/by-handle/%FF%FE",
        "/products/by-sku/%C3",
        "/products/by-sku/lamp%1",
    ] {
        let problem = server.get_exactly(path).problem(400, "invalid-path");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.starts_with(&format!("{path:?} ")), "{detail}");
    }
}

/// The status by sku, and the address that the answer names.
fn by_sku(server: &Server, name: &str) -> (u16, Option<String>) {
    let reply = server.get_exactly(&format!("/products/by-sku/{name}"));
    let location = reply.header("content-location").map(str::to_owned);
    (reply.status, location)
}

#[test]
fn a_name_is_found_under_its_own_characters_alone() {
    let named = |handle: &str, sku: &str| {
        let mut named = product(handle, handle);
        named["variants"][0]["sku"] = json!(sku);
        named
    };
    let shop = Shop::with(&[
        named("replacement", "\u{fffd}"),
        named("percent", "%41"),
        named("letter", "A"),
        // The same to the eye: one character, and two.
        named("composed", "caf\u{e9}"),
        named("decomposed", "cafe\u{301}"),
        named("ligature", "ﬁ"),
        named("slash", "a/b"),
    ]);
    let server = shop.serve();
    for (name, id) in [
        ("%EF%BF%BD", 1),
        ("%2541", 2),
        ("A", 3),
        ("caf%C3%A9", 4),
        ("cafe%CC%81", 5),
        ("%EF%AC%81", 6),
        ("a%2Fb", 7),
        ("a%2fb", 7),
    ] {
        let location = format!("/products/{id}");
        assert_eq!(by_sku(&server, name), (200, Some(location)), "{name}");
    }
    for (name, status) in [
        ("%41", 308),
        ("%FF", 400),
        ("%252541", 404),
        ("fi", 404),
        ("a/b", 404),
        ("a", 404),
        ("CAF%C3%89", 404),
        ("A%00", 404),
    ] {
        assert_eq!(by_sku(&server, name), (status, None), "{name}");
    }
}

#[test]
fn a_long_target_is_refused() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    let padded = |path: &str, length: usize| format!("{path}{}", "a".repeat(length - path.len()));
    for path in [
        "/products/by-handle/",
        "/products/1?",
        "/products?vendor=",
        "/",
    ] {
        let longest = server.get_exactly(&padded(path, 16 * 1024));
        let read = [200, 400, 404].contains(&longest.status);
        assert!(read, "{path}: {longest:?}");
        // What is wrong is told without all of it.
        assert!(longest.body.len() < 1024, "{path}: {longest:?}");
        server
            .get_exactly(&padded(path, 16 * 1024 + 1))
            .problem(414, "target-too-long");
    }
}
