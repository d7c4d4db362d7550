//! Content codings, as clients of all kinds ask for them.

use std::io::Read;

use serde_json::{Value, json};

use crate::harness::{PATIENCE, Reply, Server, Shop, product, within};

const CODINGS: [&str; 3] = ["br", "zstd", "gzip"];

/// A product whose document is worth compressing.
fn wordy(handle: &str) -> Value {
    let mut product = product(handle, "Lamp");
    product["description_html"] = json!("<p>Lights the desk, not the room.</p>".repeat(100));
    product
}

fn ask(server: &Server, path: &str, accepted: &str) -> Reply {
    server.request("GET", path, &[("accept-encoding", accepted)])
}

/// Asks until the coding has been built. Until then the answer is the document as it is.
#[track_caller]
fn encoded(server: &Server, path: &str, coding: &str) -> Reply {
    within(PATIENCE, coding, || {
        let reply = ask(server, path, coding).with(200);
        assert_eq!(reply.header("vary"), Some("accept, accept-encoding"));
        match reply.header("content-encoding") {
            None => {
                reply.json();
                None
            }
            Some(sent) => {
                assert_eq!(sent, coding);
                Some(reply)
            }
        }
    })
}

fn decoded(reply: &Reply) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoded = reply.body.as_slice();
    match reply.header("content-encoding") {
        None => bytes.extend(encoded),
        Some("br") => brotli::BrotliDecompress(&mut &*encoded, &mut bytes).unwrap(),
        Some("zstd") => bytes = zstd::stream::decode_all(encoded).unwrap(),
        Some("gzip") => {
            let mut decoder = flate2::read::GzDecoder::new(encoded);
            decoder.read_to_end(&mut bytes).unwrap();
        }
        other => panic!("{other:?}"),
    }
    bytes
}

#[test]
fn every_coding_carries_the_same_document_under_its_own_tag() {
    let shop = Shop::with(&[wordy("lamp")]);
    let server = shop.serve();
    let identity = server.get("/products/1").with(200);
    assert_eq!(identity.header("content-encoding"), None);
    assert_eq!(identity.header("vary"), Some("accept, accept-encoding"));
    let stem = identity.header("etag").unwrap().trim_matches('"');
    for coding in CODINGS {
        let reply = encoded(&server, "/products/1", coding);
        assert_eq!(decoded(&reply), identity.body, "{coding}");
        assert!(reply.body.len() < identity.body.len() / 4, "{coding}");
        assert_eq!(reply.header("etag"), Some(&*format!("\"{stem}-{coding}\"")));
        for name in ["content-type", "cache-control", "vary"] {
            assert_eq!(
                reply.header(name),
                identity.header(name),
                "{coding}: {name}"
            );
        }
        assert_eq!(reply.cache_status()[0], "hit");
        for path in ["/products/by-handle/lamp", "/products/by-sku/lamp-1"] {
            let by_name = ask(&server, path, coding).with(200);
            assert_eq!(by_name.body, reply.body, "{path}");
            assert_eq!(by_name.header("etag"), reply.header("etag"), "{path}");
            assert_eq!(by_name.header("content-location"), Some("/products/1"));
        }
    }
    // Who asks for none still gets the same as before.
    assert_eq!(server.get("/products/1").with(200).body, identity.body);

    // All are there: from here on the order of preference shows.
    for (accepted, expected) in [
        ("gzip, deflate, br, zstd", Some("br")),
        ("gzip, deflate, zstd", Some("zstd")),
        ("gzip, deflate", Some("gzip")),
        ("br;q=0.1, X-GZIP;q=0.2", Some("gzip")),
        ("*", Some("br")),
        ("*, br;q=0", Some("zstd")),
        ("br;q=0.5, identity", None),
        ("br;q=9, deflate, brotli", None),
        ("", None),
    ] {
        let reply = ask(&server, "/products/1", accepted).with(200);
        assert_eq!(reply.header("content-encoding"), expected, "{accepted:?}");
        assert_eq!(decoded(&reply), identity.body, "{accepted:?}");
    }
    let two = [("accept-encoding", "br;q=0.1"), ("accept-encoding", "gzip")];
    let reply = server.request("GET", "/products/1", &two).with(200);
    assert_eq!(reply.header("content-encoding"), Some("gzip"));
}

#[test]
fn head_tells_of_the_coding_that_get_sends() {
    let shop = Shop::with(&[wordy("lamp")]);
    let server = shop.serve();
    let get = encoded(&server, "/products/1", "br");
    let mut connection = server.connect();
    connection.send("HEAD /products/1 HTTP/1.1\r\nhost: shop\r\naccept-encoding: br\r\n\r\n");
    let head = connection.head().with(200);
    for name in ["etag", "content-encoding", "content-type", "vary"] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
    assert_eq!(
        head.header("content-length"),
        Some(&*get.body.len().to_string())
    );
}

#[test]
fn a_client_is_told_that_it_has_a_coding_it_accepts() {
    let shop = Shop::with(&[wordy("lamp")]);
    let server = shop.serve();
    let identity = server.get("/products/1").with(200);
    let br = encoded(&server, "/products/1", "br");
    let tag = |reply: &Reply| reply.header("etag").unwrap().to_owned();
    let (plain, br_tag) = (tag(&identity), tag(&br));
    // Not built by anybody, but what it would be is known.
    let gzip_tag = br_tag.replace("-br", "-gzip");
    let all = format!("{plain}, W/{br_tag}, {gzip_tag}");
    for (accepted, known, named) in [
        ("br", &br_tag, Some(&br_tag)),
        ("br, gzip", &gzip_tag, Some(&gzip_tag)),
        ("br", &plain, Some(&plain)),
        ("br", &all, Some(&br_tag)),
        ("gzip", &all, Some(&gzip_tag)),
        ("identity", &all, Some(&plain)),
        ("br", &"*".to_owned(), Some(&br_tag)),
        // What another client has, through a cache that both share, helps this one nothing.
        ("gzip", &br_tag, None),
        ("identity", &br_tag, None),
        ("br, identity;q=0", &plain, None),
    ] {
        let headers = [("accept-encoding", accepted), ("if-none-match", known)];
        let reply = server.request("GET", "/products/1", &headers);
        let Some(named) = named else {
            assert_eq!(decoded(&reply.with(200)), identity.body);
            continue;
        };
        let reply = reply.with(304);
        assert_eq!(
            reply.header("etag"),
            Some(named.as_str()),
            "{accepted} {known}"
        );
        for name in ["vary", "cache-control"] {
            assert_eq!(reply.header(name), identity.header(name), "{name}");
        }
        for name in ["content-encoding", "content-type"] {
            assert_eq!(reply.header(name), None, "{name}");
        }
    }
}

#[test]
fn a_new_version_is_compressed_anew() {
    let shop = Shop::with(&[wordy("lamp")]);
    let server = shop.serve();
    let old = encoded(&server, "/products/1", "gzip");
    let mut changed = wordy("lamp");
    changed["title"] = json!("Desk Lamp");
    shop.import(&[changed]);
    within(PATIENCE, "the new title", || {
        let reply = ask(&server, "/products/1", "gzip").with(200);
        let document: Value = serde_json::from_slice(&decoded(&reply)).unwrap();
        (document["title"] == "Desk Lamp").then_some(())
    });
    let new = encoded(&server, "/products/1", "gzip");
    assert_ne!(new.header("etag"), old.header("etag"));
    assert_eq!(decoded(&new), server.get("/products/1").body);
}

#[test]
fn a_refresh_that_finds_nothing_new_keeps_the_coding() {
    let shop = Shop::with(&[wordy("lamp")]);
    let windows = [
        ("DOORBUSTER_CACHE_FRESH", "50ms"),
        ("DOORBUSTER_CACHE_STALE", "1h"),
    ];
    let server = shop.serve_with(&[], &windows);
    let first = encoded(&server, "/products/1", "br");
    let mut refreshed = 0;
    within(PATIENCE, "three refreshes", || {
        let reply = ask(&server, "/products/1", "br").with(200);
        assert_eq!(reply.body, first.body);
        refreshed += u32::from(reply.cache_status().contains(&"detail=stale"));
        (refreshed >= 3 && reply.ttl() >= 0).then_some(())
    });
}

#[test]
fn a_short_document_is_sent_as_it_is() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    let plain = server.get("/products/1").with(200);
    assert!(plain.body.len() < 1024, "{plain:?}");
    for _ in 0..20 {
        let reply = ask(&server, "/products/1", "br, gzip").with(200);
        assert_eq!(reply.header("content-encoding"), None);
        assert_eq!(reply.body, plain.body);
    }
}

#[test]
fn a_client_that_refuses_identity_is_served_a_coding_or_told() {
    let shop = Shop::with(&[wordy("lamp"), product("bulb", "Bulb")]);
    let server = shop.serve();
    for path in ["/products/1", "/products/2"] {
        let plain = server.get(path).with(200);
        // At once, though nobody asked for it before.
        for coding in CODINGS {
            let reply = ask(&server, path, &format!("{coding}, identity;q=0")).with(200);
            assert_eq!(reply.header("content-encoding"), Some(coding));
            assert_eq!(decoded(&reply), plain.body);
        }
        for nothing in ["identity;q=0", "*;q=0", "deflate, identity;q=0"] {
            let problem = ask(&server, path, nothing).problem(406, "not-acceptable");
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.ends_with("br, zstd, gzip, identity"), "{detail}");
        }
    }
    ask(&server, "/products/3", "*;q=0").problem(404, "product-not-found");
}

#[test]
fn without_the_first_tier_nothing_is_compressed() {
    let shop = Shop::with(&[wordy("lamp")]);
    let server = shop.serve_with(&[], &[("DOORBUSTER_CACHE_L1_BYTES", "0")]);
    let plain = server.get("/products/1").with(200);
    for _ in 0..20 {
        let reply = ask(&server, "/products/1", "br, gzip").with(200);
        assert_eq!(reply.header("content-encoding"), None);
        assert_eq!(reply.body, plain.body);
    }
    ask(&server, "/products/1", "br, identity;q=0").problem(406, "not-acceptable");
}
