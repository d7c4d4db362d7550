//! A product in other forms than its plain document: parts of it, with what hangs on it, for search engines.

use serde_json::{Value, json};

use crate::harness::{PATIENCE, Reply, Server, Shop, product, within};

/// A lamp with reviews and relations, a shade that goes with it, and a draft.
fn shop() -> Shop {
    let mut lamp = product("lamp", "Lamp \"Ada\"");
    lamp["description_html"] = json!("<p>Lights the desk.</p>".repeat(60));
    lamp["category"] = json!("Home > Light");
    lamp["vendor"] = json!("Fern");
    lamp["attributes"] = json!({ "depth": { "cm": 1.50, "in": 0.59 }, "colours": ["red", "blue"] });
    lamp["rating"] = json!({ "sum": 9, "count": 2 });
    lamp["relations"] = json!([{ "handle": "shade", "kind": "accessory" }]);
    lamp["reviews"] = (1..=3)
        .map(|number| json!({ "rating": 4, "title": format!("T{number}"), "status": "published" }))
        .collect();
    let mut draft = product("draft", "Draft");
    draft["status"] = json!("draft");
    Shop::with(&[lamp, product("shade", "Shade"), draft])
}

#[track_caller]
fn refused(server: &Server, path: &str, detail: &str) {
    let problem = server.get(path).problem(400, "invalid-query");
    assert_eq!(problem["detail"], detail, "{path}");
}

const ADDRESSES: [&str; 3] = [
    "/products/1",
    "/products/by-handle/lamp",
    "/products/by-sku/lamp-1",
];

/// The body without its last brace.
fn open_end(reply: &Reply) -> &str {
    reply.text().strip_suffix('}').unwrap()
}

#[test]
fn fields_are_parts_of_the_document_as_they_stand() {
    let shop = shop();
    let server = shop.serve();
    let whole = server.get("/products/1").with(200);
    for address in ADDRESSES {
        let path = format!("{address}?fields=variants.sku,title,price.min,attributes.depth,id");
        let reply = server.get(&path).with(200);
        assert_eq!(
            reply.text(),
            "{\"id\":1,\"title\":\"Lamp \\\"Ada\\\"\",\
             \"price\":{\"min\":{\"amount_minor\":1999,\"currency\":\"USD\"}},\
             \"variants\":[{\"sku\":\"lamp-1\"}],\"attributes\":{\"depth\":{\"cm\":1.5,\"in\":0.59}}}"
        );
        for name in [
            "content-type",
            "cache-control",
            "cdn-cache-control",
            "vary",
            "surrogate-key",
        ] {
            assert_eq!(reply.header(name), whole.header(name), "{name}");
        }
        assert_eq!(reply.cache_status()[0], "hit");
        let at = format!("/products/1?{}", path.split_once('?').unwrap().1);
        let location = (address != "/products/1").then_some(&*at);
        assert_eq!(reply.header("content-location"), location);
    }
    let tag = |path: &str| {
        server
            .get(path)
            .with(200)
            .header("etag")
            .unwrap()
            .to_owned()
    };
    let (one, other) = (
        tag("/products/1?fields=id,title"),
        tag("/products/1?fields=id"),
    );
    assert_ne!(one, other);
    // One selection in another spelling is the same.
    assert_eq!(tag("/products/1?fields=title,id%2Ctitle"), one);
    let known = [("if-none-match", &*one)];
    let same = server.request("GET", "/products/1?fields=id,title", &known);
    assert_eq!((same.status, same.text()), (304, ""));
    assert_eq!(server.request("GET", "/products/1", &known).status, 200);

    for (query, detail) in [
        (
            "fields=titel",
            "fields: \"titel\" is not a field of a product; did you mean title?",
        ),
        (
            "fields=id&fields=title",
            "fields: is given more than once; give it once",
        ),
        (
            "field=id",
            "\"field\" is not a query parameter here; did you mean fields?",
        ),
        (
            "include=review",
            "include: \"review\" is no part of a product; known are reviews, recommendations",
        ),
        (
            "include=",
            "include: \"\" is no part of a product; known are reviews, recommendations",
        ),
    ] {
        for address in ADDRESSES {
            refused(&server, &format!("{address}?{query}"), detail);
        }
    }
    for query in ["fields=id", "include=reviews", ""] {
        let path = format!("/products/3?{query}");
        server.get(&path).problem(404, "product-not-found");
    }
}

#[test]
fn what_is_included_is_what_its_own_address_tells() {
    let shop = shop();
    let server = shop.serve();
    let document = server.get("/products/1").with(200);
    let reviews = server.get("/products/1/reviews").with(200);
    let recommendations = server.get("/products/1/recommendations").with(200);
    let items = recommendations.text().strip_prefix("{\"items\":").unwrap();
    let items = items.strip_suffix('}').unwrap();
    let both = format!(
        "{},\"reviews\":{},\"recommendations\":{items}}}",
        open_end(&document),
        reviews.text()
    );
    for query in [
        "include=reviews,recommendations",
        "include=recommendations,reviews",
    ] {
        let reply = server.get(&format!("/products/1?{query}")).with(200);
        assert_eq!(reply.text(), both);
        assert_eq!(
            reply.header("cache-control"),
            reviews.header("cache-control")
        );
        assert_eq!(reply.header("cdn-cache-control"), None);
        assert_eq!(
            reply.header("surrogate-key"),
            document.header("surrogate-key")
        );
        assert!(reply.header("age").is_some());
    }
    let reply = server
        .get("/products/1?include=reviews&fields=id")
        .with(200);
    assert_eq!(
        reply.text(),
        format!("{{\"id\":1,\"reviews\":{}}}", reviews.text())
    );

    // The tag is of the whole: one more review and it is another.
    let path = "/products/1?include=reviews,recommendations";
    let tag = server
        .get(path)
        .with(200)
        .header("etag")
        .unwrap()
        .to_owned();
    let known = [("if-none-match", &*tag)];
    assert_eq!(server.request("GET", path, &known).status, 304);
    let publish =
        "INSERT INTO review (product_id, rating, title, status) VALUES (1, 5, 'late', 'published')";
    shop.database().execute(publish, []).unwrap();
    let after = within(PATIENCE, "the new review", || {
        let reply = server.request("GET", path, &known);
        (reply.status == 200).then_some(reply)
    });
    assert_eq!(after.json()["reviews"]["items"][0]["title"], "late");
}

#[test]
fn views_are_compressed_once_like_documents() {
    let shop = shop();
    let server = shop.serve();
    for path in [
        "/products/1?fields=description_html",
        "/products/1?include=reviews,recommendations",
        "/products?limit=50",
    ] {
        let plain = server.get(path).with(200);
        assert_eq!(plain.header("content-encoding"), None);
        let zstd = within(PATIENCE, path, || {
            let reply = server.request("GET", path, &[("accept-encoding", "zstd")]);
            (reply.header("content-encoding") == Some("zstd")).then_some(reply)
        });
        assert_eq!(
            zstd::stream::decode_all(&*zstd.body).unwrap(),
            plain.body,
            "{path}"
        );
        let stem = plain.header("etag").unwrap().trim_matches('"');
        assert_eq!(zstd.header("etag"), Some(&*format!("\"{stem}-zstd\"")));
        let nothing = server.request("GET", path, &[("accept-encoding", "*;q=0")]);
        nothing.problem(406, "not-acceptable");
    }
    // One packet anyway.
    for _ in 0..20 {
        let reply = server.request("GET", "/products/1?fields=id", &[("accept-encoding", "br")]);
        assert_eq!(reply.with(200).header("content-encoding"), None);
    }
}

#[test]
fn search_engines_get_their_own_form() {
    let shop = shop();
    let server = shop.serve();
    let ask = |path: &str, accept: &str| server.request("GET", path, &[("accept", accept)]);
    let document = server.get("/products/1").with(200);
    for address in ADDRESSES {
        let reply = ask(address, "application/ld+json, */*;q=0.1").with(200);
        assert_eq!(reply.header("content-type"), Some("application/ld+json"));
        assert_eq!(reply.header("vary"), Some("accept, accept-encoding"));
        let json_ld = reply.json();
        assert_eq!(json_ld["@type"], "Product");
        assert_eq!(json_ld["offers"]["price"], "19.99");
        assert_eq!(
            json_ld["offers"]["availability"],
            "https://schema.org/InStock"
        );
        assert_eq!(json_ld["aggregateRating"]["ratingValue"], json!(4.5));
        assert_ne!(reply.header("etag"), document.header("etag"));
    }
    for accept in [
        "*/*",
        "application/json",
        "text/html, */*;q=0.5",
        "application/ld+json, application/json",
    ] {
        let reply = ask("/products/1", accept).with(200);
        assert_eq!(reply.body, document.body, "{accept}");
        assert_eq!(reply.header("content-type"), Some("application/json"));
    }
    let problem = ask("/products/1", "text/html").problem(406, "not-acceptable");
    let detail =
        "Accept refuses all there is; accept one of: application/json, application/ld+json";
    assert_eq!(problem["detail"], detail);
    // Of parts there is JSON alone.
    let part = "/products/1?fields=id";
    ask(part, "application/ld+json").problem(406, "not-acceptable");
    assert_eq!(
        ask(part, "application/ld+json, */*;q=0.1").with(200).text(),
        "{\"id\":1}"
    );
    ask("/products/3", "application/ld+json").problem(404, "product-not-found");
}

#[test]
fn recommendations_are_short_and_tell_why() {
    let mut lamp = product("lamp", "Lamp");
    lamp["category"] = json!("Home");
    lamp["tags"] = json!(["oak", "new"]);
    lamp["relations"] = json!([
        { "handle": "shade", "kind": "accessory" },
        { "handle": "draft", "kind": "accessory" },
        { "handle": "shade", "kind": "upsell" },
    ]);
    let entry = |handle: &str, more: Value| {
        let mut entry = product(handle, handle);
        entry
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        entry
    };
    let image = json!({ "url": "/1.svg", "alt": "A", "width": 4, "height": 3 });
    let shop = Shop::with(&[
        lamp,
        entry(
            "shade",
            json!({ "category": "Home", "images": [image, { "url": "/2.svg" }] }),
        ),
        entry("draft", json!({ "category": "Home", "status": "draft" })),
        entry(
            "oak",
            json!({ "tags": ["oak"], "rating": { "sum": 5, "count": 1 } }),
        ),
        entry(
            "new",
            json!({ "tags": ["new"], "rating": { "sum": 8, "count": 2 } }),
        ),
        entry("bulb", json!({ "category": "Home" })),
        entry("stranger", json!({ "category": "Garden" })),
    ]);
    let server = shop.serve();
    let reply = server.get("/products/1/recommendations").with(200);
    let body = reply.json();
    let items = body["items"].as_array().unwrap();
    let found: Vec<_> = items
        .iter()
        .map(|item| (item["handle"].as_str().unwrap(), item["reason"].clone()))
        .collect();
    let reason = |text: &str| json!({ "type": text });
    let expected = [
        ("shade", json!({ "type": "relation", "kind": "accessory" })),
        ("bulb", reason("category")),
        ("new", reason("tag")),
        ("oak", reason("tag")),
    ];
    assert_eq!(found, expected);
    // Each member means what it means in the document.
    let document = server.document("/products/2");
    let shade = &items[0];
    let names: Vec<_> = shade.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        [
            "id",
            "handle",
            "title",
            "price",
            "availability",
            "rating",
            "image",
            "reason"
        ]
    );
    for name in ["id", "handle", "title", "price", "availability", "rating"] {
        assert_eq!(shade[name], document[name], "{name}");
    }
    assert_eq!(shade["image"], document["images"][0]);
    assert_eq!(items[1]["image"], Value::Null);

    let two = server
        .get("/products/1/recommendations?limit=2")
        .with(200)
        .json();
    assert_eq!(two["items"].as_array().unwrap()[..], items[..2]);
    let none = server.get("/products/7/recommendations").with(200);
    assert_eq!(none.text(), "{\"items\":[]}");
    refused(
        &server,
        "/products/1/recommendations?limit=0",
        "limit: \"0\" is not a whole number from 1 to 100",
    );
}
