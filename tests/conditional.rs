//! Conditional requests, ranges, and the headers that go with them, on every route.

use std::thread;
use std::time::Duration;

use crate::harness::{PATIENCE, Reply, Server, Shop, product, within};

const PRODUCT: [&str; 3] = [
    "/products/1",
    "/products/by-handle/lamp",
    "/products/by-sku/lamp-1",
];
const OTHERS: [&str; 4] = [
    "/products?ids=1,2",
    "/products",
    "/products/1/availability",
    "/products/1/reviews",
];

/// A shop whose products changed a second ago at least.
fn settled() -> Shop {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    thread::sleep(Duration::from_millis(1_100));
    shop
}

fn ask(server: &Server, path: &str, headers: &[(&str, &str)]) -> Reply {
    server.request("GET", path, headers)
}

#[test]
fn a_product_says_when_it_last_changed() {
    let shop = settled();
    let server = shop.serve();
    for path in PRODUCT {
        let full = ask(&server, path, &[]).with(200);
        let modified = full.header("last-modified").unwrap();
        let since = |date: &str| ask(&server, path, &[("if-modified-since", date)]);

        let unchanged = since(modified).with(304);
        assert_eq!(unchanged.header("etag"), full.header("etag"), "{path}");
        since("Fri, 31 Dec 9999 23:59:59 GMT").with(304);
        for earlier in ["Sun, 06 Nov 1994 08:49:37 GMT", "yesterday", ""] {
            assert_eq!(since(earlier).with(200).body, full.body, "{earlier}");
        }
        // A tag says it better, whatever it says.
        let with_tag = |tag: &str| {
            ask(
                &server,
                path,
                &[("if-modified-since", modified), ("if-none-match", tag)],
            )
        };
        with_tag("\"other\"").with(200);
        with_tag(full.header("etag").unwrap()).with(304);
    }
    // What a list holds has a date, the list has none.
    for path in OTHERS {
        let future = [("if-modified-since", "Fri, 31 Dec 9999 23:59:59 GMT")];
        let reply = ask(&server, path, &future).with(200);
        assert_eq!(reply.header("last-modified"), None, "{path}");
    }
}

#[test]
fn a_second_that_is_not_over_is_not_told() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    // In the future, as after a clock was set back.
    let later = "2099-01-01T00:00:00.000Z";
    let now = shop.serve().document("/products/1")["updated_at"].clone();
    let now = now.as_str().unwrap();
    shop.database()
        .execute(
            &format!("UPDATE product_document SET body = replace(body, '{now}', '{later}')"),
            [],
        )
        .unwrap();
    let server = shop.serve();
    let reply = server.get("/products/1").with(200);
    assert_eq!(reply.json()["updated_at"], later);
    assert_eq!(reply.header("last-modified"), None);
    ask(
        &server,
        "/products/1",
        &[("if-modified-since", "Fri, 31 Dec 9999 23:59:59 GMT")],
    )
    .with(200);
}

#[test]
fn a_condition_on_another_state_is_refused() {
    let shop = settled();
    let server = shop.serve();
    for path in PRODUCT.into_iter().chain(OTHERS) {
        let full = ask(&server, path, &[]).with(200);
        let tag = full.header("etag").unwrap();
        let weak = format!("W/{tag}");
        let list = format!("\"other\", {tag}");
        for same in [tag, "*", &list] {
            ask(&server, path, &[("if-match", same)]).with(200);
            // Both conditions, in their order.
            ask(&server, path, &[("if-match", same), ("if-none-match", tag)]).with(304);
        }
        for other in ["\"other\"", &weak, ""] {
            for more in [&[][..], &[("if-none-match", tag)]] {
                let headers = [&[("if-match", other)], more].concat();
                let reply = ask(&server, path, &headers);
                reply.problem(412, "precondition-failed");
                assert_eq!(reply.header("etag"), None);
                assert_eq!(reply.header("cdn-cache-control"), None);
            }
        }
    }
    for path in PRODUCT {
        let modified = ask(&server, path, &[])
            .header("last-modified")
            .unwrap()
            .to_owned();
        let until = |date: &str| ask(&server, path, &[("if-unmodified-since", date)]);
        until(&modified).with(200);
        until("whenever").with(200);
        until("Sun, 06 Nov 1994 08:49:37 GMT").problem(412, "precondition-failed");
    }
    // Where there is nothing, there is nothing to compare with.
    ask(&server, "/products/2", &[("if-match", "*")]).problem(404, "product-not-found");
    ask(&server, "/products/0", &[("if-match", "\"x\"")]).problem(400, "invalid-product-id");
}

#[test]
fn not_modified_bears_what_a_cache_has_to_know_and_no_more() {
    let shop = settled();
    let server = shop.serve();
    let names = |reply: &Reply| {
        let mut names: Vec<_> = reply.headers.iter().map(|(name, _)| name.clone()).collect();
        names.sort();
        names
    };
    let known = |path: &str| {
        let tag = ask(&server, path, &[]).header("etag").unwrap().to_owned();
        ask(&server, path, &[("if-none-match", &tag)]).with(304)
    };
    let common = ["cache-control", "date", "etag", "x-request-id"];
    let of_a_page = ["age", "cache-status", "vary"];
    let of_a_product = ["cache-status", "cdn-cache-control", "vary"];
    for (path, more) in [
        ("/products/1", &of_a_product[..]),
        (
            "/products/by-handle/lamp",
            &[
                "cache-status",
                "cdn-cache-control",
                "content-location",
                "vary",
            ],
        ),
        ("/products?ids=1", &["cache-status"]),
        ("/products", &of_a_page),
        ("/products/1/availability", &of_a_page),
        ("/products/1/reviews", &of_a_page),
    ] {
        let mut expected = [&common, more].concat();
        expected.sort_unstable();
        assert_eq!(names(&known(path)), expected, "{path}");
    }
}

#[test]
fn a_range_is_answered_with_the_whole() {
    let shop = settled();
    let server = shop.serve();
    for path in PRODUCT.into_iter().chain(OTHERS) {
        let full = ask(&server, path, &[]).with(200);
        let tag = full.header("etag").unwrap();
        for range in [
            "bytes=0-9",
            "bytes=-5",
            "bytes=0-0,5-6",
            "bytes=999999-",
            "nonsense",
        ] {
            for more in [&[][..], &[("if-range", tag)]] {
                let headers = [&[("range", range)], more].concat();
                let reply = ask(&server, path, &headers).with(200);
                assert_eq!(reply.body, full.body, "{path} {range}");
                assert_eq!(reply.header("content-range"), None);
            }
        }
        // A client that has it all is told so, whatever part it asks for.
        ask(
            &server,
            path,
            &[("range", "bytes=0-9"), ("if-none-match", tag)],
        )
        .with(304);
    }
}

#[test]
fn what_is_stale_says_how_old_it_is() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let windows = [
        ("DOORBUSTER_CACHE_FRESH", "1s"),
        ("DOORBUSTER_CACHE_STALE", "1h"),
    ];
    let server = shop.serve_with(&[], &windows);
    let fresh = server.get("/products/1").with(200);
    assert_eq!(fresh.header("age"), None);
    let stale = within(PATIENCE, "a stale answer", || {
        let reply = server.get("/products/1").with(200);
        let is_stale = reply.cache_status().contains(&"detail=stale");
        assert_eq!(reply.header("age").is_some(), is_stale, "{reply:?}");
        is_stale.then_some(reply)
    });
    let age: u64 = stale.header("age").unwrap().parse().unwrap();
    assert!((2..10).contains(&age), "{stale:?}");
}

#[test]
fn head_is_get_without_the_body_whatever_the_status() {
    let shop = settled();
    let server = shop.serve();
    let tag = server.get("/products/1").header("etag").unwrap().to_owned();
    let mut connection = server.connect();
    let long = format!("/{}", "a".repeat(20_000));
    for (target, header, status) in [
        ("/products/1", String::new(), 200),
        ("/products/by-handle/lamp", String::new(), 200),
        ("/products/by-sku/lamp-1", String::new(), 200),
        ("/products?ids=1,2", String::new(), 200),
        ("/products?limit=1", String::new(), 200),
        ("/products/1/availability", String::new(), 200),
        ("/products/1/reviews", String::new(), 200),
        ("/healthz", String::new(), 200),
        ("/readyz", String::new(), 200),
        ("/products/%31", String::new(), 308),
        ("/products/1", format!("if-none-match: {tag}\r\n"), 304),
        ("/products/zero", String::new(), 400),
        ("/products?limt=1", String::new(), 400),
        ("/%", String::new(), 400),
        ("/products/2", String::new(), 404),
        ("/products/2/reviews", String::new(), 404),
        ("/nothing", String::new(), 404),
        ("/products/1", "accept-encoding: *;q=0\r\n".to_owned(), 406),
        ("/products/1", "if-match: \"x\"\r\n".to_owned(), 412),
        (&long, String::new(), 414),
    ] {
        let rest = format!("{target} HTTP/1.1\r\nhost: shop\r\nx-request-id: one\r\n{header}\r\n");
        let mut ask = |method: &str| {
            connection.send(format!("{method} {rest}"));
            // HEAD first: a byte of a body would be taken for the next head.
            let mut reply = connection.head();
            reply
                .headers
                .retain(|(name, _)| name != "date" && name != "cache-status");
            reply.headers.sort();
            reply
        };
        let head = ask("HEAD");
        assert_eq!(head.status, status, "{target}");
        let mut get = ask("GET");
        assert_eq!(
            (get.status, &get.headers),
            (status, &head.headers),
            "{target}"
        );
        if let Some(length) = get.header("content-length") {
            get.body = vec![0; length.parse().unwrap()];
            connection.read_exactly(&mut get.body);
        }
    }
}
