//! The description of the API against what the program answers.

use serde_json::{Value, json};

use crate::harness::{Reply, Server, Shop, Writer, doorbuster, product, run};
use crate::search::await_any_index;

fn described() -> Value {
    let mut command = doorbuster();
    let ended = run(command.arg("openapi"), &[]).with(0);
    serde_json::from_str(&ended.stdout).unwrap()
}

/// The same document, whose objects have no members but those that are described, where these can be
/// told.
fn strict(mut document: Value) -> Value {
    const OPEN: [&str; 2] = ["ProductPart", "JsonLd"];
    let schemas = document["components"]["schemas"].as_object_mut().unwrap();
    for (name, schema) in schemas {
        if schema.get("properties").is_some() && !OPEN.contains(&name.as_str()) {
            schema["additionalProperties"] = json!(false);
        }
    }
    document
}

/// Checks that a reply is one of those that are described of a path: status, headers, media type, body.
#[track_caller]
fn conforms(document: &Value, path: &str, reply: &Reply) {
    conforms_to(document, "get", path, reply);
}

/// The same for any method.
#[track_caller]
fn conforms_to(document: &Value, method: &str, path: &str, reply: &Reply) {
    /// What every HTTP response may have.
    const COMMON: [&str; 6] = [
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "date",
        "transfer-encoding",
    ];
    let operation = &document["paths"][path][method];
    let response = &operation["responses"][reply.status.to_string()];
    assert!(
        response.is_object(),
        "{} is not described: {reply:?}",
        reply.status
    );
    let headers = response["headers"].as_object().unwrap();
    for (name, _) in &reply.headers {
        let is_described = headers.keys().any(|known| known.eq_ignore_ascii_case(name));
        let is_common = COMMON.contains(&name.as_str());
        assert!(
            is_described || is_common,
            "{path}: {name} is not described: {reply:?}"
        );
    }
    let Some(content) = response["content"].as_object() else {
        assert!(reply.body.is_empty(), "{reply:?}");
        return;
    };
    let media_type = reply.header("content-type").unwrap();
    let media_type = media_type.split(';').next().unwrap();
    let schema = &content[media_type]["schema"];
    assert!(
        schema.is_object(),
        "{media_type} is not described: {reply:?}"
    );
    if media_type.ends_with("json") && media_type != "application/x-ndjson" {
        matches(document, schema, reply);
    }
}

/// Checks that the body of a reply is as a schema says.
#[track_caller]
fn matches(document: &Value, schema: &Value, reply: &Reply) {
    let schema = json!({ "allOf": [schema], "components": document["components"] });
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap();
    let body = reply.json();
    let errors: Vec<_> = validator
        .iter_errors(&body)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}\n{reply:?}");
}

fn demo() -> (Shop, Server) {
    let shop = Shop::empty();
    let server = shop.serve_with(&["--demo"], &[]);
    await_any_index(&server);
    (shop, server)
}

#[test]
fn examples_are_what_the_demo_shop_answers() {
    fn without_cursor(mut answer: Value) -> Value {
        if answer.get("next").is_some_and(Value::is_string) {
            answer["next"] = json!("a cursor");
        }
        answer
    }
    let (_shop, server) = demo();
    let document = described();
    let mut examples = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let content = &item["get"]["responses"]["200"]["content"];
        for (media_type, content) in content.as_object().into_iter().flatten() {
            let given = content["examples"].as_object();
            for example in given.into_iter().flat_map(|examples| examples.values()) {
                let request = example["summary"].as_str().unwrap();
                let target = request.strip_prefix("GET ").unwrap();
                let accept = [("accept", media_type.as_str())];
                let answer = server.request("GET", target, &accept).with(200).json();
                assert_eq!(
                    without_cursor(example["value"].clone()),
                    without_cursor(answer),
                    "{path}: the demo shop answers {target} otherwise; see src/http/openapi/examples"
                );
                examples += 1;
            }
        }
    }
    assert!(examples >= 12, "{examples}");
}

#[test]
fn answers_are_as_described() {
    let (_shop, server) = demo();
    let document = strict(described());
    for (path, target, status) in [
        ("/products/{id}", "/products/1", 200),
        ("/products/{id}", "/products/1000", 200),
        ("/products/{id}", "/products/0456", 400),
        ("/products/{id}", "/products/99999", 404),
        (
            "/products/by-handle/{handle}",
            "/products/by-handle/ember-hemp-tee",
            200,
        ),
        (
            "/products/by-handle/{handle}",
            "/products/by-handle/none",
            404,
        ),
        (
            "/products/by-sku/{sku}",
            "/products/by-sku/APP-00456-01",
            200,
        ),
        ("/products/by-sku/{sku}", "/products/by-sku/none", 404),
        ("/products", "/products?limit=100", 200),
        ("/products", "/products?vendor=nobody", 200),
        ("/products", "/products?ids=3,1,99999", 200),
        ("/products", "/products?limit=0", 400),
        (
            "/products/{id}/reviews",
            "/products/456/reviews?limit=3",
            200,
        ),
        (
            "/products/{id}/reviews",
            "/products/456/reviews?offset=3",
            400,
        ),
        ("/products/{id}/reviews", "/products/99999/reviews", 404),
        (
            "/products/{id}/availability",
            "/products/456/availability",
            200,
        ),
        (
            "/products/{id}/availability",
            "/products/x/availability",
            400,
        ),
        (
            "/products/{id}/availability",
            "/products/99999/availability",
            404,
        ),
        (
            "/products/{id}",
            "/products/456?fields=title,variants&include=reviews,recommendations",
            200,
        ),
        ("/products/{id}", "/products/456?fields=none", 400),
        (
            "/products/{id}/recommendations",
            "/products/456/recommendations?limit=100",
            200,
        ),
        (
            "/products/{id}/recommendations",
            "/products/99999/recommendations",
            404,
        ),
        ("/products", "/products?sort=popular&limit=3", 200),
        ("/search", "/search?q=tee&sort=rating&limit=100", 200),
        ("/search", "/search?q=hemp+tea&rating_min=4.5", 200),
        ("/search", "/search?rating_min=6", 400),
        ("/categories", "/categories", 200),
        ("/healthz", "/healthz", 200),
        ("/readyz", "/readyz", 200),
        ("/openapi.json", "/openapi.json", 200),
        ("/docs", "/docs", 200),
    ] {
        let reply = server.get(target).with(status);
        conforms(&document, path, &reply);
        let Some(tag) = reply.header("etag") else {
            continue;
        };
        let again = server.request("GET", target, &[("if-none-match", tag)]);
        conforms(&document, path, &again.with(304));
        let nothing = [("accept-encoding", "identity;q=0, *;q=0")];
        let refused = server.request("GET", target, &nothing);
        conforms(&document, path, &refused);
    }
}

#[test]
fn bare_and_full_products_are_as_described() {
    let mut bare = product("bare", "Bare");
    bare["variants"] = json!([]);
    let mut full = product("full", "Full");
    full["options"] = json!([{ "name": "Size", "values": ["S"] }]);
    full["attributes"] = json!({ "deep": { "list": [1, null, true, 1.5, "text"] } });
    full["images"] = json!([{ "url": "/a.svg" }, { "url": "/b.svg", "width": 1, "height": 2 }]);
    full["seo"] = json!({ "title": "T", "description": "D" });
    full["variants"][0]["options"] = json!({ "Size": "S" });
    full["variants"][0]["compare_at_price"] = json!({ "amount_minor": 2999, "currency": "USD" });
    full["variants"][0]["barcode"] = json!("2000000456010");
    let shop = Shop::with(&[bare, full]);
    let server = shop.serve();
    let document = strict(described());
    let product = json!({ "$ref": "#/components/schemas/Product" });
    for id in [1, 2] {
        matches(&document, &product, &server.get(&format!("/products/{id}")));
        for (path, target) in [
            ("/products/{id}", format!("/products/{id}")),
            (
                "/products/{id}/availability",
                format!("/products/{id}/availability"),
            ),
            ("/products/{id}/reviews", format!("/products/{id}/reviews")),
        ] {
            conforms(&document, path, &server.get(&target).with(200));
        }
    }
}

#[test]
fn writes_are_as_described() {
    let shop = Shop::empty();
    let server = shop.serve();
    let writer = Writer::new(&shop, &server);
    let document = described();
    let one = "/products/{id}";
    let example = |method: &str, path: &str, media_type: &str| {
        let content = &document["paths"][path][method]["requestBody"]["content"][media_type];
        content["examples"]["demo"]["value"].clone()
    };
    let new = example("post", "/products", "application/json");
    let created = writer.post(&new).with(201);
    conforms_to(&document, "post", "/products", &created);
    conforms_to(&document, "post", "/products", &writer.post(&new).with(409));
    let bare = writer.post(&json!({ "colour": 1 })).with(422);
    conforms_to(&document, "post", "/products", &bare);
    let anonymous = server.send("POST", "/products", &[], "{}").with(401);
    conforms_to(&document, "post", "/products", &anonymous);
    let stock = Writer::bearing(&server, &shop.token("stock:write"));
    conforms_to(&document, "post", "/products", &stock.post(&new).with(403));

    let replacement = example("put", one, "application/json");
    let replaced = writer.put("/products/1", &replacement).with(200);
    conforms_to(&document, "put", one, &replaced);
    let changes = example("patch", one, "application/merge-patch+json");
    conforms_to(
        &document,
        "patch",
        one,
        &writer.patch("/products/1", &changes).with(200),
    );
    let old = [("if-match", created.header("etag").unwrap())];
    let refused = writer
        .write("PATCH", "/products/1", &old, &changes)
        .with(412);
    conforms_to(&document, "patch", one, &refused);
    let wrong = [("content-type", "text/plain")];
    let refused = writer.send("PATCH", "/products/1", &wrong, "{}").with(415);
    conforms_to(&document, "patch", one, &refused);
    // Not public: the answer is the record.
    let draft = writer
        .patch("/products/1", &json!({ "status": "draft" }))
        .with(200);
    conforms_to(&document, "patch", one, &draft);
    matches(
        &document,
        &json!({ "$ref": "#/components/schemas/ProductRecord" }),
        &draft,
    );
    conforms_to(
        &document,
        "delete",
        one,
        &writer.delete("/products/1").with(204),
    );
    conforms_to(
        &document,
        "delete",
        one,
        &writer.delete("/products/1").with(410),
    );
    conforms(&document, one, &server.get("/products/1").with(410));
    let late = server.get("/products/1?min_version=99");
    conforms(&document, one, &late);
}

#[test]
fn bulk_writes_and_exports_are_as_described() {
    let shop = Shop::empty();
    let server = shop.serve();
    let writer = Writer::new(&shop, &server);
    let document = described();
    let operation = &document["paths"]["/products:bulk"]["post"];
    let lines = |content: &Value| {
        content["application/x-ndjson"]["example"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let body = lines(&operation["requestBody"]["content"]);
    let reply = writer.send("POST", "/products:bulk", &[], body).with(200);
    conforms_to(&document, "post", "/products:bulk", &reply);
    assert_eq!(
        reply.text(),
        lines(&operation["responses"]["200"]["content"])
    );
    let of_lines = |reply: &Reply, name: &str| {
        let schema = json!({ "$ref": format!("#/components/schemas/{name}") });
        let lines: Vec<_> = reply.text().lines().collect();
        assert!(!lines.is_empty());
        for line in lines {
            let line = Reply {
                body: line.as_bytes().to_vec(),
                ..reply.clone()
            };
            matches(&strict(document.clone()), &schema, &line);
        }
    };
    of_lines(&reply, "BulkResult");
    let export = writer.send("GET", "/products:export", &[], "").with(200);
    conforms(&document, "/products:export", &export);
    of_lines(&export, "ProductRecord");
    conforms(
        &document,
        "/products:export",
        &server.get("/products:export").with(401),
    );
}

#[test]
fn changes_of_stock_are_as_described() {
    let mut lamp = product("lamp", "Lamp");
    lamp["variants"][0]["sku"] = json!("lamp");
    let shop = Shop::with(&[lamp]);
    let server = shop.serve();
    let till = Writer::bearing(&server, &shop.token("stock:write"));
    let document = strict(described());
    for (method, path) in [
        ("put", "/variants/{sku}/stock"),
        ("post", "/variants/{sku}/stock-adjustments"),
    ] {
        let operation = &document["paths"][path][method];
        let body = &operation["requestBody"]["content"]["application/json"]["examples"]["demo"];
        let write = |sku: &str, body: &Value| {
            let target = path.replace("{sku}", sku);
            till.write(&method.to_uppercase(), &target, &[], body)
        };
        for (sku, body, status) in [
            ("lamp", &body["value"], 200),
            ("lamp", &json!({}), 422),
            ("none", &body["value"], 404),
        ] {
            conforms_to(&document, method, path, &write(sku, body).with(status));
        }
    }
    let path = "/variants/{sku}/stock-adjustments";
    let all = json!({ "delta": -1_000_000, "reason": "sale" });
    let target = "/variants/lamp/stock-adjustments";
    let refused = till.write("POST", target, &[], &all).with(409);
    conforms_to(&document, "post", path, &refused);
}
