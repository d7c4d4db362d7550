//! Exact stock, as tills and warehouses write it.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Reply, Server, Shop, product};

/// A shop with one lamp, of which so many are there.
fn shop(inventory: &Value) -> Shop {
    let mut lamp = product("lamp", "Lamp");
    lamp["variants"][0]["inventory"] = inventory.clone();
    Shop::with(&[lamp])
}

/// A till: a server and a token for its stock.
struct Till<'a> {
    server: &'a Server,
    bearer: String,
}

impl<'a> Till<'a> {
    fn at(shop: &Shop, server: &'a Server) -> Self {
        let bearer = format!("Bearer {}", shop.token("stock:write"));
        Self { server, bearer }
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Reply {
        let mut all = vec![
            ("authorization", &*self.bearer),
            ("content-type", "application/json"),
        ];
        all.extend(headers);
        self.server.send(method, path, &all, body.to_string())
    }

    fn adjust(&self, delta: i64, headers: &[(&str, &str)]) -> Reply {
        let body = json!({ "delta": delta, "reason": "sale" });
        self.send("POST", "/variants/lamp-1/stock-adjustments", headers, &body)
    }

    fn set(&self, body: &Value) -> Reply {
        self.send("PUT", "/variants/lamp-1/stock", &[], body)
    }

    fn available(&self) -> i64 {
        let stock = self.server.document("/products/1/availability");
        stock["variants"][0]["available"].as_i64().unwrap()
    }
}

/// Delta, reason and resulting number of each row of the log.
fn log(shop: &Shop) -> Vec<(i64, String, i64)> {
    let rows = shop.database().texts(
        "SELECT delta || ' ' || reason || ' ' || on_hand
         FROM stock_adjustment WHERE sku = 'lamp-1' ORDER BY id",
    );
    let row = |row: &String| {
        let mut words = row.split(' ');
        let mut next = || words.next().unwrap();
        let (delta, reason) = (next().parse().unwrap(), next().to_owned());
        (delta, reason, next().parse().unwrap())
    };
    rows.iter().map(row).collect()
}

#[test]
fn of_a_thousand_who_buy_at_once_as_many_get_one_as_there_are() {
    let shop = shop(&json!({ "tracked": true, "on_hand": 503, "reserved": 3 }));
    let server = shop.serve_with(&[], &[("DOORBUSTER_LIMITS_WRITE_WAIT", "60s")]);
    let till = Till::at(&shop, &server);
    let body = json!({ "delta": -1, "reason": "sale" }).to_string();
    let request = format!(
        "POST /variants/lamp-1/stock-adjustments HTTP/1.1\r\nhost: shop\r\nauthorization: {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        till.bearer,
        body.len()
    );
    // All but the last byte of each, then the last bytes.
    let (head, last) = request.split_at(request.len() - 1);
    let mut buyers: Vec<_> = (0..1_000).map(|_| server.connect()).collect();
    for buyer in &mut buyers {
        buyer.send(head);
    }
    for buyer in &mut buyers {
        buyer.send(last);
    }
    let (mut sold, mut refused) = (Vec::new(), 0);
    for mut buyer in buyers {
        let reply = buyer.reply();
        if reply.status == 200 {
            sold.push(reply.json()["on_hand"].as_i64().unwrap());
        } else {
            let problem = reply.problem(409, "insufficient-stock");
            assert_eq!(problem["available"], 0);
            refused += 1;
        }
    }
    assert_eq!((sold.len(), refused), (500, 500));
    // Each of them has been told another number.
    sold.sort_unstable();
    assert_eq!(sold, (3..503).collect::<Vec<_>>());
    assert_eq!(till.available(), 0);
    let log = log(&shop);
    let expected = (3..503).rev().map(|left| (-1, "sale".to_owned(), left));
    assert_eq!(log, expected.collect::<Vec<_>>());
    assert_eq!(
        server.document("/products/1")["availability"],
        "out_of_stock"
    );
    server.stop();
}

#[test]
fn a_change_is_told_with_all_numbers_and_seen_at_once() {
    let shop = shop(&json!({ "tracked": true, "on_hand": 20, "low_stock_at": 5 }));
    let server = shop.serve();
    let till = Till::at(&shop, &server);
    assert_eq!(server.document("/products/1")["version"], 1);
    let sold = till.adjust(-2, &[]).with(200);
    assert_eq!(sold.header("cache-control"), Some("no-store"));
    let expected = json!({
        "sku": "lamp-1", "product_id": 1, "variant_id": 1, "policy": "deny", "on_hand": 18,
        "reserved": 0, "available": 18, "low_stock_at": 5, "version": 1,
    });
    assert_eq!(sold.text(), expected.to_string());
    assert_eq!(server.document("/products/1")["version"], 1);
    // What crosses a threshold makes a version, and the next answer has it.
    for (on_hand, version, level) in [
        (5, 2, "low_stock"),
        (0, 3, "out_of_stock"),
        (9, 4, "in_stock"),
    ] {
        let set = till.set(&json!({ "on_hand": on_hand })).with(200).json();
        assert_eq!(
            (&set["on_hand"], &set["version"]),
            (&json!(on_hand), &json!(version))
        );
        let document = server.document("/products/1");
        assert_eq!(
            (&document["version"], &document["availability"]),
            (&json!(version), &json!(level))
        );
        assert_eq!(till.available(), on_hand);
    }
    let set = json!({ "on_hand": 9, "reserved": 4, "low_stock_at": 2 });
    let set = till.set(&set).with(200).json();
    assert_eq!(
        (&set["available"], &set["low_stock_at"]),
        (&json!(5), &json!(2))
    );
    // Units promised to others are not sold.
    let problem = till.adjust(-6, &[]).problem(409, "insufficient-stock");
    assert_eq!(problem["available"], 5);
    till.adjust(-5, &[]).with(200);
    // A delivery may always come, also where less was there than promised.
    till.set(&json!({ "on_hand": 1, "reserved": 4 })).with(200);
    assert_eq!(till.adjust(2, &[]).with(200).json()["available"], -1);
    let sums: Vec<_> = log(&shop)
        .into_iter()
        .map(|(delta, reason, left)| (delta, left, reason))
        .collect();
    let row = |delta, left, reason: &str| (delta, left, reason.to_owned());
    let expected = [
        row(-2, 18, "sale"),
        row(-13, 5, "set"),
        row(-5, 0, "set"),
        row(9, 9, "set"),
        row(-5, 4, "sale"),
        row(-3, 1, "set"),
        row(2, 3, "sale"),
    ];
    assert_eq!(sums, expected);
}

#[test]
fn what_is_sold_without_stock_goes_below_zero_and_comes_back_from_a_file() {
    let shop = shop(&json!({ "tracked": true, "on_hand": 1, "policy": "continue" }));
    let server = shop.serve();
    let till = Till::at(&shop, &server);
    for left in [0, -1, -2] {
        assert_eq!(till.adjust(-1, &[]).with(200).json()["available"], left);
    }
    assert_eq!(server.document("/products/1")["availability"], "in_stock");
    let problem = till
        .adjust(-1_000_000_000, &[])
        .problem(409, "stock-out-of-range");
    assert!(
        problem["detail"].as_str().unwrap().contains("-2"),
        "{problem}"
    );
    let copy = Shop::empty();
    std::fs::write(copy.file("shop.jsonl"), shop.export()).unwrap();
    copy.import_file(&copy.file("shop.jsonl"), &[]).with(0);
    assert_eq!(copy.export(), shop.export());
}

#[test]
fn a_sale_that_is_asked_again_is_answered_again_and_not_done_again() {
    let shop = shop(&json!({ "tracked": true, "on_hand": 2 }));
    let server = shop.serve();
    let till = Till::at(&shop, &server);
    let key = [("idempotency-key", "order-1")];
    let first = till.adjust(-1, &key).with(200);
    assert_eq!(first.header("idempotent-replayed"), None);
    for _ in 0..3 {
        let again = till.adjust(-1, &key).with(200);
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
        assert_eq!(again.body, first.body);
    }
    assert_eq!(till.available(), 1);
    till.adjust(-2, &key).problem(422, "idempotency-key-reused");
    // A refusal sold nothing, so it is not kept: when units have come, the same request is done.
    let late = [("idempotency-key", "order-2")];
    till.adjust(-1, &[]).with(200);
    till.adjust(-1, &late).problem(409, "insufficient-stock");
    till.set(&json!({ "on_hand": 5 })).with(200);
    till.adjust(-1, &late).with(200);
    assert_eq!(till.available(), 4);
    // Another till may use the same names.
    let other = Till::at(&shop, &server);
    other.adjust(-1, &key).with(200);
    assert_eq!((till.available(), log(&shop).len()), (3, 5));
    // At once, and over a restart.
    let twin = [("idempotency-key", "order-3")];
    let statuses: Vec<u16> = thread::scope(|scope| {
        let asking: Vec<_> = (0..20)
            .map(|_| scope.spawn(|| till.adjust(-1, &twin).status))
            .collect();
        asking.into_iter().map(|it| it.join().unwrap()).collect()
    });
    assert!(
        statuses.iter().all(|status| [200, 409].contains(status)),
        "{statuses:?}"
    );
    assert_eq!(till.available(), 2);
    let bearer = till.bearer.clone();
    server.stop();
    let server = shop.serve();
    let till = Till {
        server: &server,
        bearer,
    };
    till.adjust(-1, &twin).with(200);
    assert_eq!(till.available(), 2);
}

#[test]
fn what_is_wrong_is_told_where_it_is() {
    let shop = shop(&json!({ "tracked": true, "on_hand": 2 }));
    let mut endless = product("endless", "Endless");
    endless["variants"][0]["inventory"] = json!({ "tracked": false });
    shop.import(&[endless]);
    let server = shop.serve();
    let till = Till::at(&shop, &server);
    let adjustments = "/variants/lamp-1/stock-adjustments";
    let sale = json!({ "delta": -1, "reason": "sale" });

    let body = json!({ "delta": 0, "cause": "sale" });
    let wrong = till.send("POST", adjustments, &[], &body);
    assert_eq!(
        wrong.pointers(422, "invalid-stock"),
        ["/delta", "/reason", "/cause"]
    );
    assert_eq!(till.set(&json!([])).pointers(422, "invalid-stock"), [""]);
    till.send("POST", "/variants/nothing/stock-adjustments", &[], &sale)
        .problem(404, "variant-not-found");
    let endless = till.send("POST", "/variants/endless-1/stock-adjustments", &[], &sale);
    endless.problem(409, "stock-not-tracked");
    // A sku may hold what a path escapes.
    let mut odd = product("odd", "Odd");
    odd["variants"][0]["sku"] = json!("a/b c%ä");
    shop.import(&[odd]);
    till.send(
        "PUT",
        "/variants/a%2Fb%20c%25%C3%A4/stock",
        &[],
        &json!({ "on_hand": 1 }),
    )
    .with(200);

    for (method, path, allow) in [
        ("GET", adjustments, "POST, OPTIONS"),
        ("PUT", adjustments, "POST, OPTIONS"),
        ("POST", "/variants/lamp-1/stock", "PUT, OPTIONS"),
    ] {
        let refused = till.send(method, path, &[], &sale);
        refused.problem(405, "method-not-allowed");
        assert_eq!(refused.header("allow"), Some(allow));
    }
    let bare = server.send("POST", adjustments, &[], sale.to_string());
    bare.problem(401, "token-missing");
    let other = Till {
        server: &server,
        bearer: format!("Bearer {}", shop.token("catalog:write,ops")),
    };
    other.adjust(-1, &[]).problem(403, "scope-missing");
    other
        .set(&json!({ "on_hand": 1 }))
        .problem(403, "scope-missing");
    assert_eq!((till.available(), log(&shop).len()), (2, 0));

    let hide = "UPDATE product SET deleted_at = '2026-01-01T00:00:00.000Z' WHERE id = 1";
    shop.database().execute(hide, []).unwrap();
    till.adjust(-1, &[]).problem(404, "variant-not-found");
}

#[test]
fn another_process_that_writes_for_long_is_told_in_time() {
    let shop = shop(&json!({ "tracked": true, "on_hand": 2 }));
    let server = shop.serve();
    let till = Till::at(&shop, &server);
    let other = shop.database();
    other.block_writes();
    let begun = Instant::now();
    let refused = till.adjust(-1, &[]);
    assert!(begun.elapsed() < Duration::from_secs(10));
    refused.problem(503, "catalog-busy");
    assert_eq!(refused.header("retry-after"), Some("1"));
    other.let_write();
    assert_eq!(till.adjust(-1, &[]).with(200).json()["available"], 1);
}
