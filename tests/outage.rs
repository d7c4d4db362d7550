//! A catalogue that gives no answers: what is cached is served, the rest fails politely.

use std::time::Duration;

use crate::harness::{PATIENCE, Shop, product, within};

const BREAK: &str = "ALTER TABLE product_document RENAME TO out_of_reach";
const MEND: &str = "ALTER TABLE out_of_reach RENAME TO product_document";

#[test]
fn what_is_cached_outlives_the_catalogue() {
    let shop = Shop::with(&[product("lamp", "Lamp"), product("chair", "Chair")]);
    let windows = [
        ("DOORBUSTER_CACHE_FRESH", "50ms"),
        ("DOORBUSTER_CACHE_STALE", "1h"),
    ];
    let server = shop.serve_with(&[], &windows);
    let before = server.get("/products/1").with(200);

    let database = shop.database();
    database.execute_batch(BREAK).unwrap();
    within(PATIENCE, "a stale answer", || {
        let reply = server.get("/products/1").with(200);
        assert_eq!(reply.body, before.body);
        reply.cache_status().contains(&"detail=stale").then_some(())
    });
    // A refresh that fails takes nothing away.
    for _ in 0..20 {
        assert_eq!(server.get("/products/1").with(200).body, before.body);
    }
    assert_eq!(
        server.get("/products/by-sku/lamp-1").with(200).body,
        before.body
    );

    for path in ["/products/2", "/products/by-handle/chair"] {
        let reply = server.get(path);
        let problem = reply.problem(503, "catalog-unavailable");
        assert_eq!(reply.header("retry-after"), Some("1"));
        // What the database said is for the log, where it stands under the request's id.
        assert!(!reply.text().contains("product_document"), "{problem}");
        let id = reply.header("x-request-id").unwrap();
        // The load that failed may have been this request's own, and said so under its id before.
        let line = server.program.log.wait_for(path, |line| {
            (line["request_id"] == id && line["message"] == "request failed").then(|| line.clone())
        });
        assert_eq!(
            (line["level"].as_str(), line["path"].as_str()),
            (Some("ERROR"), Some(path))
        );
        assert!(
            line["error"].as_str().unwrap().contains("product_document"),
            "{line}"
        );
    }
    assert!(server.get("/products/x").status == 400);
    for path in ["/readyz", "/healthz"] {
        for reply in [server.get(path), server.get_admin(path)] {
            match path {
                "/readyz" => assert_eq!(
                    reply.problem(503, "not-ready")["title"],
                    "Not ready for traffic"
                ),
                _ => assert_eq!(reply.with(200).json()["status"], "alive"),
            }
        }
    }

    database.execute_batch(MEND).unwrap();
    server.get("/products/2").with(200);
    server.get("/readyz").with(200);
    within(Duration::from_secs(1), "a fresh answer", || {
        (server.get("/products/1").with(200).ttl() >= 0).then_some(())
    });
}

#[test]
fn what_was_found_by_name_is_found_while_nobody_can_look_names_up() {
    let shop = Shop::with(&[product("lamp", "Lamp"), product("chair", "Chair")]);
    let server = shop.serve();
    let names = ["/products/by-handle/lamp", "/products/by-sku/chair-1"];
    let before = names.map(|path| server.get(path).with(200).body);

    let database = shop.database();
    let rename = |from: &str, to: &str| {
        let rename = format!("ALTER TABLE {from} RENAME TO {to}");
        database.execute_batch(&rename).unwrap();
    };
    rename("product", "lost_product");
    rename("variant", "lost_variant");
    for (path, before) in names.into_iter().zip(before) {
        assert_eq!(server.get(path).with(200).body, before);
    }
    for path in ["/products/by-handle/chair", "/products/by-sku/lamp-1"] {
        server.get(path).problem(503, "catalog-unavailable");
    }
    rename("lost_product", "product");
    rename("lost_variant", "variant");
    for path in ["/products/by-handle/chair", "/products/by-sku/lamp-1"] {
        server.get(path).with(200);
    }
}
