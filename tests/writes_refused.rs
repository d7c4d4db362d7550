//! Writes that are refused: nothing is written, and the answer says what would be.

use serde_json::{Value, json};

use crate::harness::{Reply, Server, Shop, Writer, product, within};

fn served() -> (Shop, Server) {
    let shop = Shop::with(&[product("lamp", "Lamp"), product("chair", "Chair")]);
    let server = shop.serve();
    (shop, server)
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[test]
fn nobody_writes_without_a_token_that_allows_it() {
    let (shop, server) = served();
    let before = shop.export();
    let lamp = product("bed", "Bed").to_string();
    let with = |headers: &[(&str, &str)]| {
        let headers = [&[JSON][..], headers].concat();
        server.send("POST", "/products", &headers, &lamp)
    };
    let challenge = |reply: &Reply| reply.header("www-authenticate").unwrap().to_owned();
    let missing = with(&[]);
    missing.problem(401, "token-missing");
    assert_eq!(challenge(&missing), "Bearer realm=\"doorbuster\"");
    with(&[("authorization", "Basic c2hvcDpzaG9w")]).problem(401, "token-missing");
    let unknown = with(&[("authorization", "Bearer dbt_0123456789ab_x")]);
    unknown.problem(401, "token-invalid");
    assert!(challenge(&unknown).contains("error=\"invalid_token\""));
    let token = shop.token("catalog:write");
    server
        .send(
            "POST",
            &format!("/products?access_token={token}"),
            &[JSON],
            &lamp,
        )
        .problem(401, "token-missing");

    let other = Writer::bearing(&server, &shop.token("stock:write,reviews:moderate,ops"));
    for reply in [
        other.post(&product("bed", "Bed")),
        other.put("/products/1", &product("lamp", "Lamp 2")),
        other.patch("/products/1", &json!({"title": "Lamp 2"})),
        other.delete("/products/1"),
    ] {
        reply.problem(403, "scope-missing");
        assert!(
            challenge(&reply).ends_with("error=\"insufficient_scope\", scope=\"catalog:write\"")
        );
    }
    for path in ["/products/1", "/products/nonsense"] {
        server
            .send("DELETE", path, &[], "")
            .problem(401, "token-missing");
    }
    assert_eq!(shop.export(), before);
}

#[test]
fn a_revoked_token_is_refused_within_a_second_and_an_expired_one_at_its_time() {
    let (shop, server) = served();
    let token = shop.token("catalog:write");
    let writer = Writer::bearing(&server, &token);
    writer.patch("/products/1", &json!({})).with(200);
    shop.run("token", &["revoke", &token]).with(0);
    let refused = within(std::time::Duration::from_secs(1), "the revocation", || {
        let reply = writer.patch("/products/1", &json!({}));
        (reply.status != 200).then_some(reply)
    });
    let problem = refused.problem(401, "token-invalid");
    assert!(problem["detail"].as_str().unwrap().contains("was revoked"));

    let arguments = [
        "new",
        "--name=brief",
        "--scope=catalog:write",
        "--expires=1ms",
    ];
    let made = shop.run("token", &arguments).with(0);
    let expired = Writer::bearing(&server, made.stdout.trim_end());
    let problem = expired
        .patch("/products/1", &json!({}))
        .problem(401, "token-invalid");
    assert!(problem["detail"].as_str().unwrap().contains("has expired"));
}

#[test]
fn a_condition_that_does_not_hold_is_412_in_every_method() {
    let (shop, server) = served();
    let writer = Writer::new(&shop, &server);
    let read = server.get("/products/1").with(200);
    let tag = read.header("etag").unwrap().to_owned();
    let brotli = format!("{}-br\"", tag.trim_end_matches('"'));
    for condition in [&tag, &brotli, "*", "\"1\"", &format!("W/\"x\", {tag}")] {
        let same = writer.write(
            "PATCH",
            "/products/1",
            &[("if-match", condition)],
            &json!({}),
        );
        same.with(200);
    }
    let changed = writer
        .patch("/products/1", &json!({"title": "Desk Lamp"}))
        .with(200);
    let before = shop.export();
    let weak = format!("W/{}", changed.header("etag").unwrap());
    for condition in [&tag, &brotli, &weak, "\"1\"", "\"x\"", "x"] {
        let headers = [("if-match", condition as &str)];
        for reply in [
            writer.write("PUT", "/products/1", &headers, &product("lamp", "Other")),
            writer.write("PATCH", "/products/1", &headers, &json!({"title": "Other"})),
            writer.send("DELETE", "/products/1", &headers, ""),
        ] {
            let problem = reply.problem(412, "precondition-failed");
            assert!(
                problem["detail"]
                    .as_str()
                    .unwrap()
                    .contains("than 2, which")
            );
        }
    }
    assert_eq!(shop.export(), before);
    for reply in [
        writer.write("PATCH", "/products/9", &[("if-match", "*")], &json!({})),
        writer.put("/products/9", &product("bed", "Bed")),
        writer.delete("/products/9"),
    ] {
        reply.problem(404, "product-not-found");
    }
    writer
        .delete("/products/nine")
        .problem(400, "invalid-product-id");
}

#[test]
fn a_body_is_json_of_the_right_kind_and_of_bounded_size_and_depth() {
    let (shop, server) = served();
    let writer = Writer::new(&shop, &server);
    let before = shop.export();
    let post = |body: &[u8]| writer.send("POST", "/products", &[JSON], body);
    let deep = format!(
        "{{\"handle\":\"x\",\"attributes\":{}1{}}}",
        "[".repeat(500),
        "]".repeat(500)
    );
    for body in [
        &b""[..],
        b"{",
        b"lamp",
        b"{\"handle\":\"a\",\"handle\":\"b\"}",
        b"{} {}",
        b"\"\xff\"",
        b"{\"title\":\"\\ud800\"}",
        deep.as_bytes(),
    ] {
        post(body).problem(400, "invalid-json");
    }
    for given in [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonx",
    ] {
        let reply = writer.send("PUT", "/products/1", &[("content-type", given)], "{}");
        reply.problem(415, "unsupported-media-type");
        assert_eq!(reply.header("accept"), Some("application/json"));
        let reply = writer.send("PATCH", "/products/1", &[("content-type", given)], "{}");
        reply.problem(415, "unsupported-media-type");
        assert_eq!(
            reply.header("accept-patch"),
            Some("application/merge-patch+json")
        );
    }
    let reply = writer.send("PATCH", "/products/1", &[JSON], "{}");
    reply.problem(415, "unsupported-media-type");
    let charset = (
        "content-type",
        "Application/Merge-Patch+JSON; charset=utf-8",
    );
    writer
        .send("PATCH", "/products/1", &[charset], "{}")
        .with(200);
    let coded = writer.send(
        "POST",
        "/products",
        &[JSON, ("content-encoding", "gzip")],
        "{}",
    );
    coded.problem(415, "unsupported-coding");

    let large = format!(
        "{{\"handle\":\"x\",\"title\":\"{}\"}}",
        "x".repeat(1024 * 1024)
    );
    post(large.as_bytes()).problem(413, "body-too-large");
    // In chunks nobody says how long it will be.
    let token = shop.token("catalog:write");
    let mut connection = server.connect();
    connection.send(format!(
        "POST /products HTTP/1.1\r\nhost: shop\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    ));
    connection.send_anyway(format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len()));
    connection.reply().problem(413, "body-too-large");
    assert_eq!(shop.export(), before);
}

#[test]
fn the_limit_of_a_body_is_configured() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve_with(&[], &[("DOORBUSTER_LIMITS_BODY", "100B")]);
    let writer = Writer::new(&shop, &server);
    writer
        .patch("/products/1", &json!({"title": "x".repeat(60)}))
        .with(200);
    let reply = writer.patch("/products/1", &json!({"title": "x".repeat(100)}));
    let problem = reply.problem(413, "body-too-large");
    assert!(problem["detail"].as_str().unwrap().contains("limits.body"));
}

#[test]
fn everything_that_is_wrong_with_a_document_is_told_with_its_place() {
    let (shop, server) = served();
    let writer = Writer::new(&shop, &server);
    let before = shop.export();
    let wrong = json!({
        "handle": "Bed!",
        "tags": ["a", 5],
        "colour": "red",
        "variants": [
            {"price": {"amount_minor": -1, "currency": "USD"}},
            {"price": {"amount_minor": 1, "currency": "XXX"}},
            {"sku": " x"},
        ],
    });
    let expected = [
        "/tags/1",
        "/colour",
        "/variants/0/price/amount_minor",
        "/variants/1/price/currency",
        "/title",
        "/variants/2/price",
        "/handle",
        "/variants/2/sku",
        "/variants/1/options",
        "/variants/2/options",
    ];
    let reply = writer.post(&wrong);
    assert_eq!(reply.pointers(422, "invalid-product"), expected);
    let errors = reply.json()["errors"].clone();
    assert_eq!(errors[0]["value"], "5");
    assert_eq!(errors[0]["detail"], "must be a text in quotes");
    let reply = writer.put("/products/1", &wrong);
    assert_eq!(reply.pointers(422, "invalid-product"), expected);

    let reply = writer.patch("/products/1", &json!({"title": null, "tags": "a", "id": 7}));
    assert_eq!(reply.pointers(422, "invalid-product"), ["/tags", "/title"]);
    let reply = writer.patch("/products/1", &json!({"id": 7}));
    assert_eq!(reply.pointers(422, "invalid-product"), ["/id"]);
    assert_eq!(
        writer
            .patch("/products/1", &json!([]))
            .pointers(422, "invalid-product"),
        [""]
    );
    let astray = json!({"relations": [{"handle": "chair", "kind": "related"}, {"handle": "bed", "kind": "related"}]});
    let reply = writer.patch("/products/1", &astray);
    assert_eq!(
        reply.pointers(422, "invalid-product"),
        ["/relations/1/handle"]
    );
    // However many there are.
    let many = json!({"handle": "x", "title": "x", "tags": vec![Value::Null; 5_000]});
    let reply = writer.post(&many);
    assert_eq!(reply.pointers(422, "invalid-product").len(), 1_000);
    let detail = reply.json()["detail"].clone();
    assert!(
        detail.as_str().unwrap().starts_with("5000 things"),
        "{detail}"
    );
    assert_eq!(shop.export(), before);
}

#[test]
fn what_belongs_to_another_product_is_a_conflict() {
    let (shop, server) = served();
    let writer = Writer::new(&shop, &server);
    let before = shop.export();
    let conflicts = |reply: Reply| reply.pointers(409, "product-conflict");
    assert_eq!(
        conflicts(writer.post(&product("lamp", "Lamp"))),
        ["/handle", "/variants/0/sku"]
    );
    assert_eq!(
        conflicts(writer.patch("/products/1", &json!({"handle": "chair"}))),
        ["/handle"]
    );
    let mut bed = product("bed", "Bed");
    bed["id"] = json!(2);
    bed["variants"][0]["id"] = json!(1);
    assert_eq!(conflicts(writer.post(&bed)), ["/id", "/variants/0/id"]);
    assert_eq!(shop.export(), before);

    // A deleted product gives up its skus, and its handle to none but itself.
    writer.delete("/products/2").with(204);
    assert_eq!(
        conflicts(writer.patch("/products/1", &json!({"handle": "chair"}))),
        ["/handle"]
    );
    let mut armchair = product("armchair", "Armchair");
    armchair["variants"][0]["sku"] = json!("chair-1");
    writer.post(&armchair).with(201);
    let mut chair = product("chair", "Chair");
    chair["id"] = json!(9);
    assert_eq!(conflicts(writer.post(&chair)), ["/id", "/variants/0/sku"]);
}

#[test]
fn a_demo_shop_is_written_by_no_one_without_a_token() {
    let shop = Shop::empty();
    let server = shop.serve_with(&["--demo"], &[]);
    server
        .send("DELETE", "/products/456", &[], "")
        .problem(401, "token-missing");
    server.get("/products/456").with(200);
    let writer = Writer::new(&shop, &server);
    writer.delete("/products/456").with(204);
    server.get("/products/456").problem(410, "product-deleted");
    // That of its catalogue, and no other's.
    assert_eq!(shop.database().number("SELECT count(*) FROM token"), 1);
}
