//! Reading several products: by ids, and page by page.

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
    let detail = "sort: does not go with ids; leave one of them out";
    refused(&server, "/products?ids=1&sort=title", detail);

    let request = "DELETE /products?ids=1 HTTP/1.1\r\nhost: shop\r\n\r\n";
    let reply = server.connect().send(request).reply();
    reply.problem(405, "method-not-allowed");
    assert_eq!(reply.header("allow"), Some("GET, HEAD, POST, OPTIONS"));
}

/// Five public products that differ in everything, and a draft.
fn varied() -> Shop {
    let entry = |handle: &str, price: Option<(i64, &str)>, more: Value| {
        let mut entry = product(handle, handle);
        match price {
            Some((minor, currency)) => {
                entry["variants"][0]["price"] =
                    json!({ "amount_minor": minor, "currency": currency });
            }
            None => entry["variants"] = json!([]),
        }
        entry
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        entry
    };
    let at = |day: u8| format!("2026-03-0{day}T00:00:00.000Z");
    Shop::with(&[
        entry(
            "cap",
            Some((900, "USD")),
            json!({
            "category": "Apparel", "vendor": "Fern & Co", "product_type": "Hat", "tags": ["new", "wool"],
            "published_at": at(3), "updated_at": at(5), "rating": { "sum": 9, "count": 2 } }),
        ),
        entry(
            "boots",
            Some((12_000, "USD")),
            json!({
            "category": "Apparel > Shoes > Boots", "vendor": "Harbour", "product_type": "Shoe",
            "tags": ["new", "leather"], "published_at": at(1), "updated_at": at(4),
            "rating": { "sum": 5, "count": 1 } }),
        ),
        entry(
            "anvil",
            Some((90_000, "SEK")),
            json!({
            "category": "Apparels", "vendor": "Fern & Co", "product_type": "Tool", "tags": ["iron"],
            "published_at": at(2), "updated_at": at(1), "rating": { "sum": 50, "count": 10 } }),
        ),
        entry(
            "draft",
            Some((1, "USD")),
            json!({ "status": "draft", "tags": ["new"] }),
        ),
        entry(
            "Dress",
            Some((4_500, "USD")),
            json!({
            "handle": "dress", "category": "Apparel > Shoes", "vendor": "harbour", "tags": ["wool"],
            "published_at": at(5), "updated_at": at(2) }),
        ),
        entry(
            "eel",
            None,
            json!({
            "category": "Food", "published_at": at(4), "updated_at": at(3) }),
        ),
    ])
}

#[track_caller]
fn ids(reply: &Reply) -> Vec<i64> {
    let body = reply.json();
    let items = body["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["id"].as_i64().unwrap())
        .collect()
}

#[test]
fn a_list_is_sorted_and_filtered_as_asked() {
    let shop = varied();
    let server = shop.serve();
    for (query, expected) in [
        ("", vec![5, 6, 1, 3, 2]),
        ("?", vec![5, 6, 1, 3, 2]),
        ("?sort=newest", vec![5, 6, 1, 3, 2]),
        ("?sort=updated", vec![1, 2, 6, 5, 3]),
        ("?sort=title", vec![3, 2, 1, 5, 6]),
        ("?sort=rating", vec![3, 2, 1, 6, 5]),
        ("?sort=popular", vec![3, 1, 2, 6, 5]),
        ("?sort=price", vec![3, 1, 5, 2]),
        ("?sort=-price", vec![2, 5, 1, 3]),
        ("?category=Apparel", vec![5, 1, 2]),
        ("?category=Apparel%3EShoes", vec![5, 2]),
        ("?category=Apparel+%3E+Shoes+%3E+Boots", vec![2]),
        ("?category=apparel", vec![]),
        ("?category=Apparel+%3E+S", vec![]),
        ("?vendor=Fern+%26+Co", vec![1, 3]),
        ("?vendor=Harbour", vec![2]),
        ("?product_type=Shoe", vec![2]),
        ("?tag=new", vec![1, 2]),
        ("?tag=new&tag=wool", vec![1]),
        ("?tag=leather,wool", vec![5, 1, 2]),
        ("?tag=leather,wool&tag=new", vec![1, 2]),
        ("?tag=wool&vendor=harbour&sort=price", vec![5]),
        ("?currency=usd&sort=-price", vec![2, 5, 1]),
        ("?currency=USD&price_min=900&price_max=4500", vec![5, 1]),
        ("?currency=USD&price_min=901&sort=price", vec![5, 2]),
        ("?currency=USD&price_max=899", vec![]),
        ("?currency=EUR", vec![]),
        ("?availability=in_stock", vec![5, 1, 3, 2]),
        ("?availability=low_stock,out_of_stock", vec![6]),
        ("?updated_since=2026-03-04T01:00:00%2B01:00", vec![1, 2]),
        ("?vendor=%27%20OR%20%27%27%3D%27", vec![]),
        ("?tag=%22%5D%00", vec![]),
    ] {
        let reply = server.get(&format!("/products{query}")).with(200);
        assert_eq!(ids(&reply), expected, "{query}");
        assert_eq!(reply.json()["next"], Value::Null, "{query}");
        assert_eq!(reply.header("link"), None, "{query}");
    }
    // The documents as they are, and a tag for the whole.
    let reply = server.get("/products?tag=iron").with(200);
    let document = server.get("/products/3").with(200);
    assert_eq!(
        reply.text(),
        format!("{{\"items\":[{}],\"next\":null}}", document.text())
    );
    let tag = reply.header("etag").unwrap();
    let known = [("if-none-match", tag)];
    let same = server.request("GET", "/products?tag=iron", &known);
    assert_eq!((same.status, same.text()), (304, ""));
    let head = server
        .connect()
        .send("HEAD /products HTTP/1.1\r\nhost: shop\r\n\r\n")
        .head();
    assert_eq!(head.status, 200);
}

/// The path of the next page, as the reply links to it.
#[track_caller]
fn next(reply: &Reply) -> Option<String> {
    let link = reply.header("link");
    assert_eq!(link.is_some(), reply.json()["next"].is_string());
    let path = link?.strip_prefix('<')?.strip_suffix(">; rel=\"next\"");
    Some(path.unwrap().to_owned())
}

#[test]
fn pages_follow_each_other_over_a_restart() {
    let shop = varied();
    let mut server = shop.serve();
    let mut path = "/products?sort=title&tag=new,wool,iron&limit=1".to_owned();
    let mut seen = Vec::new();
    loop {
        let reply = server.get(&path).with(200);
        seen.extend(ids(&reply));
        let Some(following) = next(&reply) else { break };
        assert!(
            following.starts_with("/products?sort=title&tag=new%2Cwool%2Ciron&limit=1&cursor=")
        );
        path = following;
        // Another process has the same key.
        server.stop();
        server = shop.serve();
    }
    assert_eq!(seen, [3, 2, 1, 5]);
}

#[test]
fn a_cursor_is_good_for_its_list_alone() {
    let shop = varied();
    let server = shop.serve();
    let first = server
        .get("/products?currency=USD&sort=price&limit=1")
        .with(200);
    let cursor = first.json()["next"].as_str().unwrap().to_owned();
    let follow = |query: &str| server.get(&format!("/products?{query}&cursor={cursor}"));
    assert_eq!(
        ids(&follow("sort=price&limit=100&currency=USD").with(200)),
        [5, 2]
    );
    let detail = "cursor: is none of this list; it goes with the filters and the sort it was made \
                  with, leave it out to begin again";
    for query in [
        "",
        "currency=USD",
        "sort=price",
        "currency=USD&sort=-price",
        "currency=USD&sort=price&tag=new",
    ] {
        let problem = follow(query).problem(400, "invalid-query");
        assert_eq!(problem["detail"], detail, "{query}");
    }
    for cursor in ["", "x", "%00", "%FF", &cursor[1..], &"A".repeat(5_000)] {
        refused(
            &server,
            &format!("/products?currency=USD&sort=price&cursor={cursor}"),
            detail,
        );
    }
    let other = varied();
    let elsewhere = other.serve();
    let path = format!("/products?currency=USD&sort=price&cursor={cursor}");
    refused(&elsewhere, &path, detail);
}

#[test]
fn a_wrong_filter_is_told_the_right_one() {
    let shop = shop(2);
    let server = shop.serve();
    for (query, detail) in [
        (
            "sort=popularity",
            "sort: \"popularity\" is not known; use one of newest, updated, price, -price, title, rating, popular",
        ),
        (
            "sort=",
            "sort: \"\" is not known; use one of newest, updated, price, -price, title, rating, popular",
        ),
        (
            "limit=0",
            "limit: \"0\" is not a whole number from 1 to 100",
        ),
        (
            "limit=101",
            "limit: \"101\" is not a whole number from 1 to 100",
        ),
        (
            "limit=+5",
            "limit: \" 5\" is not a whole number from 1 to 100",
        ),
        (
            "offset=20",
            "\"offset\" is not a query parameter here; known here: ids, category, vendor, product_type, tag, price_min, price_max, currency, availability, updated_since, sort, limit, cursor",
        ),
        (
            "prize_min=1",
            "\"prize_min\" is not a query parameter here; did you mean price_min?",
        ),
        (
            "price_min=5",
            "price_min: is an amount in no currency; name one, like currency=USD",
        ),
        (
            "price_max=5.00&currency=USD",
            "price_max: \"5.00\" is not an amount in minor units; write 19.99 USD as price_max=1999&currency=USD",
        ),
        (
            "currency=XYZ",
            "currency: \"XYZ\" is not an ISO 4217 currency code in use; write it like USD",
        ),
        (
            "availability=soon",
            "availability: \"soon\" is not known; use one of in_stock, low_stock, out_of_stock",
        ),
        (
            "updated_since=yesterday",
            "updated_since: \"yesterday\" is not a time; write it like 2026-11-24T16:40:32Z (RFC 3339)",
        ),
        ("vendor=", "vendor: is empty; leave it out"),
        ("category=+%09", "category: is blank; leave it out"),
        (
            "vendor=a&vendor=b",
            "vendor: is given more than once; give it once",
        ),
        (
            "tag=a,,b",
            "tag: \"a,,b\" has an empty word; write one, or several with commas between",
        ),
        (
            "tag=1&tag=2&tag=3&tag=4&tag=5&tag=6&tag=7&tag=8&tag=9&tag=10&tag=11",
            "tag: 11 of them are more than 10; ask for fewer",
        ),
    ] {
        refused(&server, &format!("/products?{query}"), detail);
    }
}

#[test]
fn a_list_follows_what_others_write() {
    let shop = shop(3);
    let server = shop.serve();
    let titles = || {
        let body = server.get("/products?sort=title").with(200).json();
        let items = body["items"].as_array().unwrap().iter();
        items
            .map(|item| item["title"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(titles(), ["Lamp 1", "Lamp 3"]);
    // A program that knows nothing of lists; the running server settles what it wrote.
    let database = shop.database();
    database
        .execute_batch(
            "UPDATE product SET title = 'A lamp' WHERE id = 3;
             UPDATE product SET status = 'active' WHERE id = 2;
             UPDATE product SET deleted_at = '2026-04-01T00:00:00.000Z' WHERE id = 1;",
        )
        .unwrap();
    let expected = ["A lamp", "Lamp 2"];
    crate::harness::within(crate::harness::PATIENCE, "the list follows", || {
        (titles() == expected).then_some(())
    });
}

#[test]
fn the_end_of_a_long_answer_does_not_wait_for_the_client() {
    let mut long = product("long", "Long");
    long["description_html"] = json!("a".repeat(40_000));
    let shop = Shop::with(&[long, product("lamp", "Lamp")]);
    let server = shop.serve();
    let mut connection = server.connect();
    let mut times: Vec<_> = (0..21)
        .map(|_| {
            let started = std::time::Instant::now();
            connection.send("GET /products?ids=1,2 HTTP/1.1\r\nhost: shop\r\n\r\n");
            connection.reply().with(200);
            started.elapsed()
        })
        .collect();
    times.sort();
    // A client acknowledges what it received after 40 ms at the latest.
    assert!(
        times[10] < std::time::Duration::from_millis(35),
        "{times:?}"
    );
}
