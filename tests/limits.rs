//! How much of anything a request may have.

use crate::harness::{Shop, product};

#[test]
fn a_query_may_ask_for_so_much_at_once() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    let words = |count: usize| {
        let words: Vec<_> = (0..count).map(|number| format!("w{number}")).collect();
        words.join(",")
    };
    let groups = |count: usize, words: &str| {
        let groups: Vec<_> = (0..count)
            .map(|number| format!("tag=g{number},{words}"))
            .collect();
        groups.join("&")
    };
    server
        .get(&format!("/products?tag={}", words(50)))
        .with(200);
    // The most that is allowed: still no burden.
    server
        .get(&format!("/products?{}", groups(10, &words(49))))
        .with(200);
    let detail = |query: &str| {
        let problem = server
            .get(&format!("/products?{query}"))
            .problem(400, "invalid-query");
        problem["detail"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        detail(&format!("tag={}", words(51))),
        "tag: 51 words are more than 50; ask for fewer"
    );
    assert_eq!(
        detail(&groups(11, "x")),
        "tag: 11 of them are more than 10; ask for fewer"
    );
    // A value that is as long as the target may be is a value like any other.
    let long = "x".repeat(16_000);
    let page = server.get(&format!("/products?vendor={long}")).with(200);
    assert_eq!(page.json()["items"].as_array().unwrap().len(), 0);
    let many = "limit=1&".repeat(1_500);
    assert!(detail(&many).starts_with("limit: is given more than once"));
}

#[test]
fn a_head_may_have_so_many_headers_and_bytes() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    let ask = |headers: String| {
        let request =
            format!("GET /products/1 HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n{headers}\r\n");
        let answer = server.connect().send_anyway(request).rest();
        String::from_utf8(answer).unwrap()
    };
    let many = |count: usize| {
        let headers: Vec<_> = (0..count)
            .map(|number| format!("x-{number}: 1\r\n"))
            .collect();
        headers.concat()
    };
    // Host and connection are two of 96.
    assert!(ask(many(94)).starts_with("HTTP/1.1 200 "));
    assert!(ask(many(95)).starts_with("HTTP/1.1 431 "));
    let long = |length: usize| format!("x: {}\r\n", "a".repeat(length));
    assert!(ask(long(100_000)).starts_with("HTTP/1.1 200 "));
    // The reset that cuts a sender short may overtake the answer.
    let answer = ask(long(1_000_000));
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431 "),
        "{answer}"
    );
    server.get("/products/1").with(200);
}

#[test]
fn a_body_that_nobody_asked_for_is_not_waited_for() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    for (method, framing, status) in [
        ("GET", "content-length: 10000000000", 200),
        ("GET", "transfer-encoding: chunked", 200),
        ("HEAD", "content-length: 10000000000", 200),
        ("POST", "content-length: 10000000000", 405),
        ("POST", "transfer-encoding: chunked", 405),
        (
            "GET",
            "expect: 100-continue\r\ncontent-length: 10000000000",
            200,
        ),
    ] {
        let mut connection = server.connect();
        connection.send(format!(
            "{method} /products/1 HTTP/1.1\r\nhost: shop\r\n{framing}\r\n\r\n"
        ));
        let mut reply = connection.head();
        if reply.status == 100 {
            reply = connection.head();
        }
        assert_eq!(reply.status, status, "{method} {framing}");
    }
    server.get("/products/1").with(200);
}
