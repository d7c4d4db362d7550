//! `/openapi.json` and `/docs`: the same bytes for everyone, compressed once, from this server alone.

use std::io::Read;

use crate::harness::{Shop, doorbuster, run};

#[test]
fn the_description_is_served_as_the_program_prints_it() {
    let printed = run(doorbuster().arg("openapi"), &[]).with(0).stdout;
    let shop = Shop::empty();
    let server = shop.serve();
    let reply = server.get("/openapi.json").with(200);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.text(), printed);
    assert!(
        reply
            .header("cache-control")
            .unwrap()
            .starts_with("public, max-age=")
    );
    let head = server.request("HEAD", "/openapi.json", &[]).with(200);
    assert_eq!(
        head.header("content-length"),
        reply.header("content-length")
    );
    server
        .request("POST", "/openapi.json", &[])
        .problem(405, "method-not-allowed");
}

#[test]
fn the_description_comes_in_each_coding_with_a_tag_of_its_own() {
    let shop = Shop::empty();
    let server = shop.serve();
    let plain = server.get("/openapi.json").with(200);
    assert_eq!(plain.header("vary"), Some("accept-encoding"));
    for coding in ["br", "zstd", "gzip"] {
        let accept = [("accept-encoding", coding)];
        let reply = server.request("GET", "/openapi.json", &accept).with(200);
        assert_eq!(reply.header("content-encoding"), Some(coding));
        let mut body = Vec::new();
        match coding {
            "br" => drop(brotli::Decompressor::new(&*reply.body, 4096).read_to_end(&mut body)),
            "zstd" => body = zstd::decode_all(&*reply.body).unwrap(),
            _ => drop(flate2::read::GzDecoder::new(&*reply.body).read_to_end(&mut body)),
        }
        assert_eq!(body, plain.body, "{coding}");
        let tag = reply.header("etag").unwrap();
        assert_ne!(Some(tag), plain.header("etag"));
        let known = [("accept-encoding", coding), ("if-none-match", tag)];
        let again = server.request("GET", "/openapi.json", &known).with(304);
        assert_eq!(again.header("etag"), Some(tag));
        // What the client has but does not accept is no answer.
        server
            .request("GET", "/openapi.json", &[("if-none-match", tag)])
            .with(200);
    }
    let any = [("if-none-match", "*")];
    server.request("GET", "/openapi.json", &any).with(304);
    let none = [("accept-encoding", "identity;q=0")];
    server
        .request("GET", "/openapi.json", &none)
        .problem(406, "not-acceptable");
}

#[test]
fn the_page_consists_of_what_this_server_has() {
    let shop = Shop::empty();
    let server = shop.serve();
    let page = server.get("/docs").with(200);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none'; script-src 'self';"),
        "{policy}"
    );
    let html = page.text();
    let attributes = html.split(['"', '>']).filter(|part| part.starts_with('/'));
    let mut parts: Vec<_> = attributes.collect();
    assert_eq!(parts.len(), 4, "{parts:?}");
    parts.dedup();
    for part in parts {
        let reply = server.get(part).with(200);
        assert!(!reply.body.is_empty(), "{part}");
    }
    assert!(!html.contains("//"), "{html}");
    let script = server.get("/docs/page.js").with(200);
    assert!(script.text().contains("url: \"/openapi.json\""));
    server.get("/docs/none.js").problem(404, "route-not-found");
}
