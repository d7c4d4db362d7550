//! Requests that are wrong, odd or hostile: each has a defined answer.

use crate::harness::{Server, Shop, product};

fn served() -> (Shop, Server) {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    (shop, server)
}

/// The server answers as ever, on every worker.
#[track_caller]
fn is_well(server: &Server) {
    for _ in 0..4 {
        server.get_exactly("/products/1").with(200);
    }
}

#[test]
fn a_bad_id_is_told_what_an_id_looks_like() {
    let (_shop, server) = served();
    let long = format!("/products/{}", "9".repeat(4_000));
    for path in [
        "/products/0",
        "/products/-1",
        "/products/+1",
        "/products/01",
        "/products/1e3",
        "/products/1.0",
        "/products/1,2",
        "/products/0x1",
        "/products/1_0",
        "/products/9223372036854775808",
        "/products/18446744073709551617",
        "/products/%00",
        "/products/1%00",
        "/products/%20",
        "/products/1%20",
        "/products/%0A1",
        "/products/1%2F2",
        "/products/%D9%A1",
        "/products/%EF%BC%91",
        "/products/abc",
        "/products/by-handle",
        "/products/.",
        "/products/..",
        "/products/1;v=2",
        "/products/1'%20OR%20'1'='1",
        &long,
    ] {
        let problem = server.get_exactly(path).problem(400, "invalid-product-id");
        let detail = problem["detail"].as_str().unwrap();
        let form = "an id is a whole number from 1 to 9223372036854775807, such as 456";
        assert!(detail.ends_with(form), "{detail}");
    }
    // As an id should, but of no product.
    server
        .get("/products/9223372036854775807")
        .problem(404, "product-not-found");
    is_well(&server);
}

#[test]
fn a_sane_request_id_of_the_client_is_kept() {
    let (_shop, server) = served();
    let id_for = |theirs: &str| {
        let headers = [("x-request-id", theirs)];
        let found = server.request("GET", "/products/1", &headers).with(200);
        let missed = server.request("GET", "/products/2", &headers);
        missed.problem(404, "product-not-found");
        [found, missed].map(|reply| reply.header("x-request-id").unwrap().to_owned())
    };
    let longest = "a".repeat(64);
    for sane in [
        "7",
        "7f3c-11",
        "00-4bf92f3577b34da6-01",
        "a_b.c:d",
        &longest,
    ] {
        assert_eq!(id_for(sane), [sane, sane]);
    }
    let too_long = "a".repeat(300);
    for insane in [
        "",
        "a b",
        "say \"hello\"",
        "%0d%0aset-cookie: a=b",
        "{\"a\":1}",
        "a\tb",
        "<script>",
        &too_long,
    ] {
        let ours = id_for(insane);
        for id in &ours {
            assert_ne!(id, insane);
            assert!(
                id.bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'),
                "{id}"
            );
        }
        assert_ne!(ours[0], ours[1]);
    }
    // Bytes that are no text are no id either.
    let mut connection = server.connect();
    connection.send(b"GET /products/1 HTTP/1.1\r\nhost: shop\r\nx-request-id: \xff\xfe\r\n\r\n");
    let reply = connection.reply().with(200);
    assert!(reply.header("x-request-id").unwrap().is_ascii());
}

#[test]
fn what_is_not_http_is_refused_and_hurts_nobody() {
    let (_shop, server) = served();
    for bytes in [
        "NONSENSE\r\n\r\n",
        "GET /products/1\r\n\r\n",
        "GET /products/1 HTTP/1.1\r\n\r\n",
        "GET /products/1 HTTP/1.1\r\nhost: shop\r\nhost: shop\r\n\r\n",
        "GET /products/1 HTTP/9.9\r\nhost: shop\r\n\r\n",
        "GET /products/1 HTTP/1.1\r\nhost shop\r\n\r\n",
        "GET /products/1 HTTP/1.1\r\nho st: shop\r\n\r\n",
        "GET /products/1 HTTP/1.1\r\nhost: shop\r\nx: a\0b\r\n\r\n",
        "GET /products/1 HTTP/1.1\r\nhost: shop\r\ncontent-length: -1\r\n\r\n",
        "GET /products/1 HTTP/1.1\r\nhost: shop\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        "GET /products/1 HTTP/1.1\r\nhost: shop\r\ntransfer-encoding: nonsense\r\n\r\n",
        "GET /products/1 HTTP/1.1\r\nhost: shop\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "G\x7fT /products/1 HTTP/1.1\r\nhost: shop\r\n\r\n",
        "GET /products/ 1 HTTP/1.1\r\nhost: shop\r\n\r\n",
        "\x16\x03\x01\x02\0\x01\0\x01\u{fc}\x03\x03",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut connection = server.connect();
        let answer = connection.send(bytes).finish_sending().rest();
        let answer = String::from_utf8_lossy(&answer);
        assert!(
            answer.starts_with("HTTP/1.1 400 Bad Request\r\n"),
            "{bytes:?}: {answer}"
        );
    }
    // Half a request, and none at all.
    for bytes in ["GET /products/1 HTTP/1.1\r\nhost:", "GET", ""] {
        let answer = server.connect().send(bytes).finish_sending().rest();
        assert_eq!(String::from_utf8_lossy(&answer), "", "{bytes:?}");
    }
    is_well(&server);
}

#[test]
fn what_is_too_long_is_refused_and_hurts_nobody() {
    let (_shop, server) = served();
    let long = "a".repeat(1024 * 1024);
    let many = "x: 1\r\n".repeat(5_000);
    for request in [
        format!("GET /products/by-handle/{long} HTTP/1.1\r\nhost: shop\r\n\r\n"),
        format!("GET /products/1?{long} HTTP/1.1\r\nhost: shop\r\n\r\n"),
        format!("GET /products/1 HTTP/1.1\r\nhost: shop\r\nx: {long}\r\n\r\n"),
        format!("GET /products/1 HTTP/1.1\r\nhost: shop\r\n{many}\r\n"),
        format!("{long} /products/1 HTTP/1.1\r\nhost: shop\r\n\r\n"),
    ] {
        let answer = server.connect().send_anyway(&request).rest();
        let answer = String::from_utf8_lossy(&answer);
        let beginning = &request[..40];
        // The reset that cuts a sender short may overtake the answer.
        let refused = answer.is_empty() || answer.starts_with("HTTP/1.1 4");
        assert!(refused, "{beginning}: {answer}");
    }
    // Long, but not too long.
    let name = "a".repeat(10_000);
    server
        .get(&format!("/products/by-handle/{name}"))
        .problem(404, "product-not-found");
    is_well(&server);
}

#[test]
fn requests_that_come_together_are_answered_in_order() {
    let (_shop, server) = served();
    let mut connection = server.connect();
    let paths = ["/products/1", "/products/2", "/products/zero", "/nothing"];
    let requests = paths.map(|path| format!("GET {path} HTTP/1.1\r\nhost: shop\r\n\r\n"));
    connection.send(requests.concat());
    let statuses = paths.map(|_| connection.reply().status);
    assert_eq!(statuses, [200, 404, 400, 404]);
}

#[test]
fn what_a_body_holds_is_not_taken_for_a_request() {
    let (_shop, server) = served();
    let hidden = "DELETE /nothing HTTP/1.1\r\nhost: shop\r\n\r\n";
    let length = hidden.len();
    let chunked = format!("{length:x}\r\n{hidden}\r\n0\r\n\r\n");
    for (framing, body) in [
        (format!("content-length: {length}"), hidden),
        ("transfer-encoding: chunked".to_owned(), &chunked),
    ] {
        let mut connection = server.connect();
        connection.send(format!(
            "GET /products/1 HTTP/1.1\r\nhost: shop\r\n{framing}\r\n\r\n{body}"
        ));
        connection.send("GET /products/2 HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n");
        connection.reply().with(200);
        connection.reply().problem(404, "product-not-found");
        assert_eq!(connection.rest(), b"");
    }
}

#[test]
fn an_old_client_is_served_and_its_connection_closed() {
    let (_shop, server) = served();
    let answer = server
        .connect()
        .send("GET /products/1 HTTP/1.0\r\n\r\n")
        .rest();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.0 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with('}'), "{answer}");
}
