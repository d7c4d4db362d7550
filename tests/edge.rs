//! What a CDN in front of the server is told.

use crate::harness::{Shop, product};

const PATHS: [&str; 3] = [
    "/products/1",
    "/products/by-handle/lamp",
    "/products/by-sku/lamp-1",
];

#[test]
fn an_edge_may_keep_a_product_as_long_as_the_server_itself() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    for (fresh, stale, expected) in [
        (
            "1m",
            "10m",
            "max-age=60, stale-while-revalidate=600, stale-if-error=600",
        ),
        (
            "1500ms",
            "0",
            "max-age=1, stale-while-revalidate=0, stale-if-error=0",
        ),
    ] {
        let windows = [
            ("DOORBUSTER_CACHE_FRESH", fresh),
            ("DOORBUSTER_CACHE_STALE", stale),
        ];
        let server = shop.serve_with(&[], &windows);
        for path in PATHS {
            let reply = server.get(path).with(200);
            assert_eq!(reply.header("cdn-cache-control"), Some(expected), "{path}");
            // A browser asks each time all the same.
            assert_eq!(reply.header("cache-control"), Some("public, no-cache"));
            assert_eq!(reply.header("surrogate-key"), Some("product-1"), "{path}");

            let known = [("if-none-match", reply.header("etag").unwrap())];
            let unchanged = server.request("GET", path, &known).with(304);
            assert_eq!(unchanged.header("cdn-cache-control"), Some(expected));
            // The edge has it already.
            assert_eq!(unchanged.header("surrogate-key"), None, "{path}");
        }
    }
}

#[test]
fn an_error_and_a_server_without_a_cache_allow_nothing() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    for path in ["/products/2", "/products/x", "/nothing", "/healthz"] {
        let reply = server.get(path);
        assert_eq!(reply.header("cdn-cache-control"), None, "{path}");
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{path}");
    }
    let bare = shop.serve_with(&[], &[("DOORBUSTER_CACHE_L1_BYTES", "0")]);
    for path in PATHS {
        let reply = bare.get(path).with(200);
        assert_eq!(reply.header("cdn-cache-control"), None, "{path}");
        assert_eq!(reply.header("cache-control"), Some("public, no-cache"));
        assert_eq!(reply.header("surrogate-key"), Some("product-1"));
    }
}

#[test]
fn an_edge_can_drop_all_of_a_vendor_or_a_category() {
    let mut lamp = product("lamp", "Lamp");
    lamp["vendor"] = "Acme & Sons".into();
    lamp["category"] = "Home > Lamps".into();
    let shop = Shop::with(&[lamp]);
    let server = shop.serve();
    let keys = "product-1 vendor-acme-sons category-home category-home/lamps";
    for path in PATHS {
        // Whatever of the product is shown.
        for query in ["", "?fields=id", "?include=reviews"] {
            let reply = server.get(&format!("{path}{query}")).with(200);
            assert_eq!(reply.header("surrogate-key"), Some(keys), "{path}{query}");
        }
    }
}
