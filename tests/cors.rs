//! Pages of other origins.

use crate::harness::{Reply, Server, Shop, product};

const SHOP: &str = "https://shop.example";
const METHOD: (&str, &str) = ("access-control-request-method", "PATCH");

fn serve(shop: &Shop, origins: &str) -> Server {
    shop.serve_with(&[], &[("DOORBUSTER_SERVER_CORS_ORIGINS", origins)])
}

fn allowed(reply: &Reply) -> Option<&str> {
    reply.header("access-control-allow-origin")
}

/// Targets and their statuses, errors of every kind among them.
const TARGETS: [(&str, u16); 8] = [
    ("/products/1", 200),
    ("/products/by-handle/lamp", 200),
    ("/products", 200),
    ("/products/%31", 308),
    ("/products/2", 404),
    ("/products/0", 400),
    ("/nothing", 404),
    ("/%", 400),
];

#[test]
fn unless_told_the_server_lets_no_other_page_read() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    for (path, status) in TARGETS {
        let reply = server.request("GET", path, &[("origin", SHOP)]);
        assert!(
            !reply
                .headers
                .iter()
                .any(|(name, _)| name.starts_with("access-control")),
            "{reply:?}"
        );
        if path == "/products/1" {
            assert_eq!(
                reply.with(status).header("vary"),
                Some("accept, accept-encoding")
            );
        }
    }
    // To a server that knows no CORS a preflight is any other OPTIONS.
    let preflight = [("origin", SHOP), METHOD];
    let reply = server
        .request("OPTIONS", "/products/1", &preflight)
        .with(204);
    assert_eq!(
        reply.header("allow"),
        Some("GET, HEAD, PUT, PATCH, DELETE, OPTIONS")
    );
    assert_eq!(allowed(&reply), None);
}

#[test]
fn pages_of_listed_origins_read_answers_and_errors() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = serve(&shop, "https://shop.example,http://localhost:3000");
    for (path, status) in TARGETS {
        for (origin, expected) in [
            (SHOP, Some(SHOP)),
            ("http://localhost:3000", Some("http://localhost:3000")),
            ("https://evil.example", None),
            ("https://shop.example.evil.example", None),
            ("http://shop.example", None),
            ("null", None),
        ] {
            let target = format!("GET {path} HTTP/1.1\r\nhost: shop\r\norigin: {origin}\r\n\r\n");
            let reply = server.connect().send(target).reply().with(status);
            assert_eq!(allowed(&reply), expected, "{path} {origin}");
            let exposed = reply.header("access-control-expose-headers");
            assert_eq!(exposed.is_some(), expected.is_some());
            for name in exposed
                .map(|_| ["etag", "link", "cache-status", "age"])
                .into_iter()
                .flatten()
            {
                assert!(exposed.unwrap().split(", ").any(|known| known == name));
            }
            varies_by_origin(&reply);
            assert_eq!(reply.header("access-control-allow-credentials"), None);
        }
        // Nor may a cache give what it kept for one that named no origin to one that does.
        let reply = server.get_exactly(path).with(status);
        assert_eq!(allowed(&reply), None);
        varies_by_origin(&reply);
    }
    let vary = server.get("/products/1").header("vary").map(str::to_owned);
    assert_eq!(vary.as_deref(), Some("accept, accept-encoding, origin"));
    let known = server.get("/products/1").header("etag").unwrap().to_owned();
    let headers = [("origin", SHOP), ("if-none-match", &*known)];
    let unchanged = server.request("GET", "/products/1", &headers).with(304);
    assert_eq!(allowed(&unchanged), Some(SHOP));
    varies_by_origin(&unchanged);
}

#[track_caller]
fn varies_by_origin(reply: &Reply) {
    let vary = reply.header("vary").unwrap_or_default();
    assert!(vary.split(", ").any(|name| name == "origin"), "{reply:?}");
}

#[test]
fn any_page_is_told_the_same_so_that_caches_may_share_it() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = serve(&shop, "*");
    for (path, status) in TARGETS {
        for headers in [&[("origin", SHOP)][..], &[]] {
            let reply = if status == 308 {
                server.get_exactly(path).with(308)
            } else {
                server.request("GET", path, headers).with(status)
            };
            assert_eq!(allowed(&reply), Some("*"), "{path}");
            assert!(reply.header("access-control-expose-headers").is_some());
            assert!(!reply.header("vary").unwrap_or_default().contains("origin"));
            // Nobody may send credentials with a wildcard.
            assert_eq!(reply.header("access-control-allow-credentials"), None);
        }
    }
}

#[test]
fn a_preflight_is_answered_whatever_it_asks_for() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    for (origins, origin, expected) in [
        ("*", SHOP, Some("*")),
        (SHOP, SHOP, Some(SHOP)),
        (SHOP, "https://evil.example", None),
    ] {
        let server = serve(&shop, origins);
        // Before any route is asked, so that no page has to know which paths there are.
        for path in ["/products/1", "/products", "/nothing", "/products/%31"] {
            let target = format!(
                "OPTIONS {path} HTTP/1.1\r\nhost: shop\r\norigin: {origin}\r\n\
                 access-control-request-method: PATCH\r\n\
                 access-control-request-headers: authorization, if-match\r\n\r\n"
            );
            let reply = server.connect().send(target).head().with(204);
            assert_eq!(allowed(&reply), expected, "{path}");
            varies_by_origin(&reply);
            let Some(_) = expected else {
                assert_eq!(reply.header("access-control-allow-methods"), None);
                continue;
            };
            assert_eq!(reply.header("access-control-max-age"), Some("86400"));
            let listed = |name: &str, item: &str| {
                reply
                    .header(name)
                    .unwrap()
                    .split(", ")
                    .any(|listed| listed == item)
            };
            assert!(listed("access-control-allow-methods", "PATCH"));
            for header in ["authorization", "if-match", "idempotency-key"] {
                assert!(listed("access-control-allow-headers", header), "{header}");
            }
        }
        // Without the method it asks for it is no preflight.
        let reply = server
            .request("OPTIONS", "/products/1", &[("origin", origin)])
            .with(204);
        assert_eq!(
            reply.header("allow"),
            Some("GET, HEAD, PUT, PATCH, DELETE, OPTIONS")
        );
        assert_eq!(reply.header("access-control-allow-methods"), None);
    }
}
