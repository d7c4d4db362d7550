//! Having caches in front drop what changed.

use crate::harness::{PATIENCE, Receiver, Server, Shop, product, within};

fn serve(shop: &Shop, edges: &str) -> Server {
    let server = shop.serve_with(&[], &[("DOORBUSTER_EDGE_PURGE", edges)]);
    within(PATIENCE, "the stream is followed", || {
        let looked = "SELECT count(*) FROM outbox_follower WHERE name = 'edge'";
        (shop.database().number(looked) == 1).then_some(())
    });
    server
}

#[test]
fn every_cache_is_told_in_its_own_words_and_once_more() {
    let shop = Shop::with(&[product("lamp", "Lamp"), product("desk", "Desk")]);
    let (varnish, nginx, fastly, cloudfront) = (
        Receiver::start(),
        Receiver::start(),
        Receiver::start(),
        Receiver::start(),
    );
    let edges = serde_json::json!([
        { "kind": "varnish", "url": varnish.url() },
        { "kind": "nginx", "url": nginx.url(), "host": "shop.example" },
        { "kind": "fastly", "url": fastly.url(), "service": "S1", "token": "t0ken", "soft": true },
        { "kind": "cloudfront", "url": cloudfront.url(), "distribution": "E1", "key_id": "AK", "secret": "s3cret" },
    ]);
    // nginx says so where it had nothing.
    nginx.answer(&[404, 404]);
    let _server = serve(&shop, &edges.to_string());
    shop.import(&[product("desk", "Table")]);
    for edge in [&varnish, &nginx, &fastly, &cloudfront] {
        assert_eq!(edge.wait_for(2).len(), 2);
    }
    let message = &varnish.messages()[0];
    assert_eq!((&*message.method, &*message.path), ("PURGE", "/"));
    assert_eq!(message.header("surrogate-key"), "product-2");
    let message = &nginx.messages()[0];
    assert_eq!((&*message.method, &*message.path), ("PURGE", "/products/2"));
    assert_eq!(message.header("host"), "shop.example");
    let message = &fastly.messages()[0];
    assert_eq!(
        (&*message.method, &*message.path),
        ("POST", "/service/S1/purge")
    );
    for (name, value) in [
        ("fastly-key", "t0ken"),
        ("surrogate-key", "product-2"),
        ("fastly-soft-purge", "1"),
    ] {
        assert_eq!(message.header(name), value);
    }
    let message = &cloudfront.messages()[0];
    assert_eq!(message.path, "/2020-05-31/distribution/E1/invalidation");
    assert!(message.body.contains("<Path>/products/2</Path>"));
    assert!(message.header("authorization").contains("Credential=AK/"));
    within(PATIENCE, "no purge is left", || {
        let left = "SELECT count(*) FROM job WHERE kind = 'edge.purge'";
        (shop.database().number(left) == 0).then_some(())
    });
}

#[test]
fn a_cache_that_fails_is_told_again() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let varnish = Receiver::start();
    varnish.answer(&[503, 0]);
    let edges = format!(r#"[{{"kind":"varnish","url":"{}"}}]"#, varnish.url());
    let _server = serve(&shop, &edges);
    shop.import(&[product("lamp", "Lantern")]);
    // Twice in vain, and both times that it is told.
    let messages = varnish.wait_for(4);
    assert!(
        messages
            .iter()
            .all(|it| it.header("surrogate-key") == "product-1")
    );
    within(PATIENCE, "no purge is left", || {
        let left = "SELECT count(*) FROM job WHERE kind = 'edge.purge'";
        (shop.database().number(left) == 0).then_some(())
    });
}

#[test]
fn what_makes_no_sense_is_told_without_its_secrets() {
    let shop = Shop::empty();
    let mut check = shop.command("check");
    let wrong = r#"[{"kind":"fastly","service":"a/b","token":"t0ken"}]"#;
    check.env("DOORBUSTER_EDGE_PURGE", wrong);
    let ended = crate::harness::run(&mut check, &[]);
    let told = format!("{ended:?}");
    assert!(told.contains("purge 1: service"), "{told}");
    assert!(!told.contains("t0ken"), "{told}");
}
