//! Reading several products: by ids.

use serde_json::{Value, json};

use crate::harness::{Reply, Server, Shop, product};

/// Products 1 to `count`, of which 2 is a draft.
fn shop(count: usize) -> Shop {
    let mut products: Vec<Value> = (1..=count)
        .map(|number| product(&format!("lamp-{number}"), &format!("Lamp {number}")))
        .collect();
    products[1]["status"] = json!("draft");
    Shop::with(&products)
}

#[track_caller]
fn refused(server: &Server, path: &str, detail: &str) {
    let problem = server.get(path).problem(400, "invalid-query");
    assert_eq!(problem["detail"], detail, "{path}");
}

#[test]
fn a_batch_is_the_documents_as_they_are() {
    let shop = shop(4);
    let server = shop.serve();
    let single = |id: i64| server.get(&format!("/products/{id}")).with(200);
    let one = single(1);
    let batch = server.get("/products?ids=4,1,2,4,99").with(200);
    assert_eq!(
        batch.text(),
        format!(
            "{{\"items\":[{},{}],\"missing\":[2,99]}}",
            single(4).text(),
            one.text()
        )
    );
    assert_eq!(batch.header("content-type"), Some("application/json"));
    assert_eq!(batch.header("cache-control"), Some("public, no-cache"));
    assert_eq!(batch.cache_status()[..2], ["fwd=miss", "stored"]);
    let again = server.get("/products?ids=4%2C1,2,99").with(200);
    assert_eq!(again.body, batch.body);
    assert_eq!(again.cache_status()[0], "hit");
    assert!(again.ttl() <= one.ttl());

    let none = server.get("/products?ids=2").with(200);
    assert_eq!(none.text(), "{\"items\":[],\"missing\":[2]}");
}

#[test]
fn a_batch_has_an_entity_tag_of_the_whole() {
    let shop = shop(3);
    let server = shop.serve();
    let ask = |ids: &str, tag: &str| {
        let path = format!("/products?ids={ids}");
        server.request("GET", &path, &[("if-none-match", tag)])
    };
    let tag_of = |reply: Reply| reply.with(200).header("etag").unwrap().to_owned();
    let tag = tag_of(ask("1,3,9", "\"\""));
    let same = ask("1,3,9", &tag);
    assert_eq!((same.status, same.text()), (304, ""));
    assert_eq!(same.header("etag"), Some(&*tag));
    assert_eq!(same.header("cache-control"), Some("public, no-cache"));
    for other in ["3,1,9", "1,3", "1,3,8", "1,9"] {
        assert_ne!(tag_of(ask(other, &tag)), tag, "{other}");
    }
    shop.import(&[product("lamp-3", "Lamp, dimmable")]);
    crate::harness::within(crate::harness::PATIENCE, "the change is seen", || {
        (ask("1,3,9", &tag).status == 200).then_some(())
    });

    let mut connection = server.connect();
    let request = "/products?ids=1,3 HTTP/1.1\r\nhost: shop\r\n\r\n";
    let get = connection.send(format!("GET {request}")).reply();
    let head = connection.send(format!("HEAD {request}")).head();
    assert_eq!(head.header("etag"), get.header("etag"));
    assert_eq!(
        head.header("content-length"),
        Some(&*get.body.len().to_string())
    );
    // The next response follows the head at once.
    connection.send(format!("GET {request}")).reply().with(200);
}

#[test]
fn a_batch_of_the_wrong_ids_is_told_which() {
    let shop = shop(2);
    let server = shop.serve();
    let form = "an id is a whole number from 1 to 9223372036854775807, such as 456";
    for (ids, bad) in [
        ("", ""),
        ("1,", ""),
        ("1,-2,x", "-2"),
        ("1,%202", " 2"),
        ("1,9223372036854775808", "9223372036854775808"),
    ] {
        let detail = format!("ids: {bad:?} is not a product id; {form}");
        refused(&server, &format!("/products?ids={ids}"), &detail);
    }
    let ids = |count: i64| (1..=count).map(|id| id.to_string()).collect::<Vec<_>>();
    let path = |count| format!("/products?ids={}", ids(count).join(","));
    let most = server.get(&path(100)).with(200).json();
    assert_eq!(most["items"].as_array().unwrap().len(), 1);
    assert_eq!(most["missing"].as_array().unwrap().len(), 99);
    let detail = "ids: 101 ids are more than 100; ask in several requests";
    refused(&server, &path(101), detail);
    let detail = "ids: is given more than once; give it once";
    refused(&server, "/products?ids=1&ids=2", detail);
    let detail = "\"id\" is not a query parameter here; did you mean ids?";
    refused(&server, "/products?id=1", detail);

    let request = "DELETE /products?ids=1 HTTP/1.1\r\nhost: shop\r\n\r\n";
    let reply = server.connect().send(request).reply();
    reply.problem(405, "method-not-allowed");
    assert_eq!(reply.header("allow"), Some("GET, HEAD"));
}
