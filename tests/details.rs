//! What hangs on a product: its exact stock and its reviews.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{PATIENCE, Shop, product, within};

fn variant(sku: &str, inventory: &Value) -> Value {
    json!({
        "sku": sku,
        "price": { "amount_minor": 500, "currency": "SEK" },
        "options": { "Kind": sku },
        "inventory": inventory,
    })
}

#[test]
fn the_exact_stock_is_told_for_each_variant() {
    let mut lamp = product("lamp", "Lamp");
    let kinds = ["many", "few", "oversold", "backorder", "endless"];
    lamp["options"] = json!([{ "name": "Kind", "values": kinds }]);
    lamp["variants"] = json!([
        variant(
            "many",
            &json!({ "tracked": true, "on_hand": 1_000, "reserved": 1 })
        ),
        variant(
            "few",
            &json!({ "tracked": true, "on_hand": 5, "reserved": 2 })
        ),
        variant(
            "oversold",
            &json!({ "tracked": true, "on_hand": 1, "reserved": 3 })
        ),
        variant(
            "backorder",
            &json!({ "tracked": true, "on_hand": 0, "policy": "continue" })
        ),
        variant("endless", &json!({ "tracked": false })),
    ]);
    let shop = Shop::with(&[lamp]);
    let server = shop.serve();
    let reply = server.get("/products/1/availability").with(200);
    let line = |id: i64, policy: &str, numbers: [Option<i64>; 3], availability: &str| {
        let [on_hand, reserved, available] = numbers;
        json!({
            "id": id, "sku": kinds[usize::try_from(id).unwrap() - 1], "tracked": on_hand.is_some(),
            "policy": policy, "on_hand": on_hand, "reserved": reserved, "available": available,
            "availability": availability,
        })
    };
    let expected = json!({ "product_id": 1, "variants": [
        line(1, "deny", [Some(1_000), Some(1), Some(999)], "in_stock"),
        line(2, "deny", [Some(5), Some(2), Some(3)], "low_stock"),
        line(3, "deny", [Some(1), Some(3), Some(-2)], "out_of_stock"),
        line(4, "continue", [Some(0), Some(0), Some(0)], "in_stock"),
        line(5, "deny", [None, None, None], "in_stock"),
    ]});
    assert_eq!(reply.json(), expected);
    // Members in the order promised.
    assert_eq!(reply.text(), expected.to_string());
    // The document has the same words.
    let document = server.document("/products/1");
    for (index, variant) in expected["variants"].as_array().unwrap().iter().enumerate() {
        assert_eq!(
            document["variants"][index]["availability"],
            variant["availability"]
        );
    }

    // A sale makes no version of the product, and is told here within two seconds.
    let sold = "UPDATE inventory SET on_hand = on_hand - 1 WHERE variant_id = 1";
    shop.database().execute(sold, []).unwrap();
    let known = [("if-none-match", reply.header("etag").unwrap())];
    let after = within(Duration::from_secs(2), "the sale is told", || {
        let reply = server.request("GET", "/products/1/availability", &known);
        (reply.status == 200).then_some(reply)
    });
    assert_eq!(after.json()["variants"][0]["available"], 998);
    let known = [("if-none-match", after.header("etag").unwrap())];
    let same = server.request("GET", "/products/1/availability", &known);
    assert_eq!((same.status, same.text()), (304, ""));
    assert_eq!(
        server.document("/products/1")["version"],
        document["version"]
    );
}

fn reviews(count: i64) -> Value {
    let review = |number: i64| {
        // Pairs of the same time; each third is not published.
        let status = if number % 3 == 0 {
            "pending"
        } else {
            "published"
        };
        json!({
            "rating": 1 + number % 5, "title": format!("T{number}"), "body": "<b>\"Nice\"</b>",
            "author": "Ada", "status": status,
            "created_at": format!("2026-01-{:02}T00:00:00.000Z", 1 + number / 2),
        })
    };
    (0..count).map(review).collect()
}

#[test]
fn published_reviews_come_newest_first_a_page_at_a_time() {
    let mut lamp = product("lamp", "Lamp");
    lamp["reviews"] = reviews(30);
    let shop = Shop::with(&[lamp, product("vase", "Vase")]);
    let server = shop.serve();
    let expected: Vec<String> = (0..30)
        .rev()
        .filter(|number| number % 3 != 0)
        .map(|number| format!("T{number}"))
        .collect();
    let titles = |body: &Value| -> Vec<String> {
        let items = body["items"].as_array().unwrap().iter();
        items
            .map(|item| item["title"].as_str().unwrap().to_owned())
            .collect()
    };

    let all = server.get("/products/1/reviews").with(200);
    let body = all.json();
    assert_eq!(
        (titles(&body), &body["next"]),
        (expected.clone(), &Value::Null)
    );
    assert_eq!(all.header("link"), None);
    let first = json!({
        "id": 30, "rating": 5, "title": "T29", "body": "<b>\"Nice\"</b>", "author": "Ada",
        "created_at": "2026-01-15T00:00:00.000Z",
    });
    assert_eq!(body["items"][0], first);
    assert!(
        all.text().starts_with(&format!("{{\"items\":[{first},")),
        "{all:?}"
    );

    let mut seen = Vec::new();
    let mut path = "/products/1/reviews?limit=3".to_owned();
    loop {
        let reply = server.get(&path).with(200);
        seen.extend(titles(&reply.json()));
        let Some(link) = reply.header("link") else {
            break;
        };
        assert!(
            link.starts_with("</products/1/reviews?limit=3&cursor="),
            "{link}"
        );
        path = link[1..].split_once('>').unwrap().0.to_owned();
        // What comes in meanwhile is newer than all of them.
        shop.database()
            .execute("INSERT INTO review (product_id, rating, title, status) VALUES (1, 5, 'late', 'published')", [])
            .unwrap();
    }
    assert_eq!(seen, expected);

    assert_eq!(
        server.get("/products/2/reviews").with(200).text(),
        "{\"items\":[],\"next\":null}"
    );
    // Good for the reviews of this product alone.
    let cursor = path.split_once("cursor=").unwrap().1;
    for other in ["/products/2/reviews", "/products"] {
        let problem = server
            .get(&format!("{other}?cursor={cursor}"))
            .problem(400, "invalid-query");
        assert!(
            problem["detail"]
                .as_str()
                .unwrap()
                .starts_with("cursor: is none of this list;")
        );
    }
    for query in ["limit=0", "offset=3", "cursor=x"] {
        server
            .get(&format!("/products/1/reviews?{query}"))
            .problem(400, "invalid-query");
    }
}

#[test]
fn what_hangs_on_a_product_is_as_public_as_the_product() {
    let mut draft = product("draft", "Draft");
    draft["status"] = json!("draft");
    draft["reviews"] = reviews(3);
    // Handles that are also names of parts.
    let shop = Shop::with(&[
        product("reviews", "A"),
        product("availability", "B"),
        draft,
        product("recommendations", "C"),
    ]);
    let server = shop.serve();
    for part in ["availability", "reviews", "recommendations"] {
        server.get(&format!("/products/by-handle/{part}")).with(200);
        for id in [3, 5] {
            let problem = server
                .get(&format!("/products/{id}/{part}"))
                .problem(404, "product-not-found");
            assert_eq!(
                problem["detail"],
                format!("There is no public product with id {id}.")
            );
        }
        for id in ["0", "x", "9223372036854775808"] {
            server
                .get(&format!("/products/{id}/{part}"))
                .problem(400, "invalid-product-id");
        }
        server
            .get(&format!("/products/1/{part}/"))
            .problem(404, "route-not-found");
        let request = format!("/products/1/{part} HTTP/1.1\r\nhost: shop\r\n\r\n");
        let reply = server.connect().send(format!("PATCH {request}")).reply();
        reply.problem(405, "method-not-allowed");
        let allowed = match part {
            // What a customer thinks is sent there, too.
            "reviews" => "GET, HEAD, POST, OPTIONS",
            _ => "GET, HEAD, OPTIONS",
        };
        assert_eq!(reply.header("allow"), Some(allowed));
        let mut connection = server.connect();
        let get = connection.send(format!("GET {request}")).reply().with(200);
        let head = connection.send(format!("HEAD {request}")).head();
        assert_eq!(head.header("etag"), get.header("etag"));
        assert_eq!(
            head.header("content-length"),
            Some(&*get.body.len().to_string())
        );
        connection.send(format!("GET {request}")).reply().with(200);
    }
    let hide = "UPDATE product SET status = 'archived' WHERE id = 1";
    shop.database().execute(hide, []).unwrap();
    within(PATIENCE, "the product disappears", || {
        (server.get("/products/1").status == 404).then_some(())
    });
    // At once, though they were asked for before.
    for part in ["availability", "reviews", "recommendations"] {
        let path = format!("/products/1/{part}");
        server.get(&path).problem(404, "product-not-found");
    }
}
