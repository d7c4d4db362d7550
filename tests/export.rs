//! The catalogue as a download.

use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::harness::{PATIENCE, Reply, Server, Shop, product, within};

/// Products of which every third is a draft, with something that is not public in each.
fn products(count: usize) -> Vec<Value> {
    let one = |number: usize| {
        let mut product = product(&format!("lamp-{number:05}"), &format!("Lamp {number}"));
        product["vendor"] = json!(if number.is_multiple_of(2) {
            "Acme"
        } else {
            "Other"
        });
        product["status"] = json!(if number.is_multiple_of(3) {
            "draft"
        } else {
            "active"
        });
        product["tags"] = json!([format!("t{}", number % 5), "all"]);
        product["description_html"] = json!("A lamp that gives light. ".repeat(20));
        product["variants"][0]["cost"] = json!({ "amount_minor": 700, "currency": "USD" });
        product
    };
    (0..count).map(one).collect()
}

fn ask(server: &Server, token: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
    let bearer = format!("Bearer {token}");
    let authorization = [("authorization", &*bearer), ("accept-encoding", "identity")];
    server.request("GET", path, &[&authorization, headers].concat())
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn ids(text: &str) -> Vec<i64> {
    let id = |line: &Value| line["id"].as_i64().unwrap();
    lines(text).iter().map(id).collect()
}

#[test]
fn what_is_exported_is_what_the_command_exports_and_comes_back_the_same() {
    let shop = Shop::with(&products(700));
    let server = shop.serve();
    let reply = ask(&server, &shop.token("ops"), "/products:export", &[]).with(200);
    assert_eq!(reply.header("content-type"), Some("application/x-ndjson"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("content-encoding"), None);
    assert_eq!(reply.text(), shop.export());
    assert!(reply.text().contains("\"cost\":{\"amount_minor\":700"));
    assert!(reply.text().contains("\"status\":\"draft\""));

    let copy = Shop::empty();
    let file = copy.file("shop.jsonl");
    std::fs::write(&file, &reply.body).unwrap();
    copy.import_file(&file, &[]).with(0);
    assert_eq!(copy.export(), reply.text());
    let copy_server = copy.serve();
    let again = ask(&copy_server, &copy.token("ops"), "/products:export", &[]);
    assert_eq!(again.with(200).text(), reply.text());
}

#[test]
fn every_coding_gives_the_same_lines() {
    let shop = Shop::with(&products(450));
    let server = shop.serve();
    let token = shop.token("catalog:write");
    let plain = ask(&server, &token, "/products:export", &[]).with(200);
    for coding in ["gzip", "br", "zstd"] {
        let bearer = format!("authorization: Bearer {token}");
        let mut connection = server.connect();
        connection.send(format!(
            "GET /products:export HTTP/1.1\r\nhost: shop\r\n{bearer}\r\naccept-encoding: {coding}\r\n\r\n"
        ));
        let head = connection.head().with(200);
        assert_eq!(head.header("content-encoding"), Some(coding));
        assert_eq!(head.header("vary"), Some("accept-encoding"));
        let (body, is_whole) = connection.chunks();
        assert!(is_whole);
        assert!(
            body.len() * 5 < plain.body.len(),
            "{coding}: {}",
            body.len()
        );
        assert_eq!(decoded(coding, &body), plain.body, "{coding}");
        // The connection is fit for the next request.
        connection.send("GET /healthz HTTP/1.1\r\nhost: shop\r\n\r\n");
        connection.reply().with(200);
    }
    let none = [("accept-encoding", "identity;q=0")];
    let bearer = format!("Bearer {token}");
    let headers = [none[0], ("authorization", &*bearer)];
    let refused = server.request("GET", "/products:export", &headers);
    refused.problem(406, "not-acceptable");
    let head = server.request("HEAD", "/products:export", &[("authorization", &*bearer)]);
    assert_eq!((head.status, head.body.len()), (200, 0));
}

fn decoded(coding: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    match coding {
        "gzip" => {
            let mut decoder = flate2::read::GzDecoder::new(body);
            decoder.read_to_end(&mut bytes).unwrap();
        }
        "br" => brotli::BrotliDecompress(&mut &*body, &mut bytes).unwrap(),
        _ => bytes = zstd::stream::decode_all(body).unwrap(),
    }
    bytes
}

#[test]
fn filters_choose_among_all_products_public_or_not() {
    let shop = Shop::with(&products(60));
    let server = shop.serve();
    let token = shop.token("ops");
    // Ids begin with 1, numbers with 0.
    let expect = |query: &str, wanted: &dyn Fn(i64) -> bool| {
        let reply = ask(&server, &token, &format!("/products:export?{query}"), &[]).with(200);
        let expected: Vec<i64> = (1..=60).filter(|id| wanted(id - 1)).collect();
        assert_eq!(ids(reply.text()), expected, "{query}");
        assert!(!expected.is_empty() || query.contains("Nobody"), "{query}");
    };
    expect("vendor=Acme", &|number| number % 2 == 0);
    expect("vendor=Nobody", &|_| false);
    expect("status=draft", &|number| number % 3 == 0);
    expect("status=active&vendor=Other", &|number| {
        number % 3 != 0 && number % 2 == 1
    });
    expect("tag=t1,t2", &|number| matches!(number % 5, 1 | 2));
    expect("tag=t1&tag=all", &|number| number % 5 == 1);
    expect("currency=USD&price_min=1999&price_max=1999", &|_| true);
    expect("availability=in_stock&cursor=40", &|number| number >= 40);
    expect("updated_since=2020-01-01T00:00:00Z", &|_| true);
    for query in [
        "sort=price",
        "limit=5",
        "ids=1",
        "status=gone",
        "cursor=x",
        "cursor=-1",
        "cursor=",
        "price_min=5",
    ] {
        let reply = ask(&server, &token, &format!("/products:export?{query}"), &[]);
        reply.problem(400, "invalid-query");
    }
}

#[test]
fn only_operators_and_those_who_write_see_everything() {
    let shop = Shop::with(&products(3));
    let server = shop.serve();
    let path = "/products:export";
    server.get(path).problem(401, "token-missing");
    ask(&server, "dbt_0123456789ab_x", path, &[]).problem(401, "token-invalid");
    let stock = shop.token("stock:write");
    ask(&server, &stock, path, &[]).problem(403, "scope-missing");
    for scope in ["ops", "catalog:write"] {
        ask(&server, &shop.token(scope), path, &[]).with(200);
    }
    let mut connection = server.connect();
    connection.send(format!(
        "POST {path} HTTP/1.1\r\nhost: shop\r\ncontent-length: 0\r\n\r\n"
    ));
    let refused = connection.reply();
    refused.problem(405, "method-not-allowed");
    // A product named like the path is a product.
    server
        .get("/products/export")
        .problem(400, "invalid-product-id");
}

/// Reads chunks until `limit` bytes have come, then leaves. What a client has then: whole lines and a piece.
fn broken_download(server: &Server, token: &str, query: &str, limit: usize) -> (String, bool) {
    let mut connection = server.connect();
    connection.send(format!(
        "GET /products:export?{query} HTTP/1.1\r\nhost: shop\r\nauthorization: Bearer {token}\r\n\r\n"
    ));
    connection.head().with(200);
    let mut body = Vec::new();
    while body.len() < limit {
        let chunk = connection.chunk().unwrap();
        if chunk.is_empty() {
            return (String::from_utf8(body).unwrap(), true);
        }
        body.extend(chunk);
    }
    body.truncate(limit);
    (String::from_utf8(body).unwrap(), false)
}

#[test]
fn a_broken_download_goes_on_where_it_stopped_while_others_write() {
    let shop = Shop::with(&products(2_000));
    let server = shop.serve();
    let token = shop.token("ops");
    let whole = ask(&server, &token, "/products:export?vendor=Acme", &[]).with(200);
    assert_eq!(lines(whole.text()).len(), 1_000);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            // Products of another vendor change, and new ones come.
            let mut round = 0;
            while !is_over.load(Ordering::Acquire) {
                let mut others = products(40);
                for other in others.iter_mut().skip(1).step_by(2) {
                    other["title"] = json!(format!("Round {round}"));
                }
                let mut late = product(&format!("late-{round}"), "Late");
                late["vendor"] = json!("Other");
                others.push(late);
                shop.import(&others);
                round += 1;
            }
        });
        for limit in [150_000, 77_777, 400_000] {
            let (mut all, mut cursor, mut breaks) = (String::new(), 0, 0);
            loop {
                let query = format!("vendor=Acme&cursor={cursor}");
                let (part, is_whole) = broken_download(&server, &token, &query, limit);
                let end = part.rfind('\n').map_or(0, |end| end + 1);
                all.push_str(&part[..end]);
                if is_whole {
                    break;
                }
                cursor = *ids(&all).last().unwrap();
                breaks += 1;
            }
            assert!(breaks > 1, "{limit}");
            assert_eq!(all, whole.text(), "{limit}");
        }
        is_over.store(true, Ordering::Release);
    });
}

#[test]
fn a_slow_download_holds_up_nobody() {
    let shop = Shop::with(&products(3_000));
    let server = shop.serve();
    let token = shop.token("ops");
    let mut slow = server.connect();
    slow.send(format!(
        "GET /products:export HTTP/1.1\r\nhost: shop\r\nauthorization: Bearer {token}\r\n\r\n"
    ));
    slow.head().with(200);
    slow.chunk().unwrap();
    // Meanwhile everything can be written and old rows removed: no read transaction is open.
    shop.import(&[product("late", "Late")]);
    let database = shop.database();
    within(PATIENCE, "nothing reads", || {
        database.is_free_of_readers().then_some(())
    });
    let (rest, is_whole) = slow.chunks();
    assert!(is_whole);
    let rest = String::from_utf8(rest).unwrap();
    assert_eq!(*ids(&rest).last().unwrap(), 3_001);
}
