//! Flags for storefronts, as the protocol has them.

use serde_json::{Value, json};

use super::{is_in_force, say, switch};
use crate::harness::{Reply, Server, Shop};

const ALL: &str = "/ofrep/v1/evaluate/flags";

/// A flag that is another colour for staff, and for a share of the others.
fn with_banner(server: &Server) {
    let definition = json!({
        "state": "ENABLED",
        "variants": { "red": "#f00", "blue": "#00f" },
        "defaultVariant": "blue",
        "targeting": { "if": [{ "ends_with": [{ "var": "email" }, "@shop.example"] }, "red", null] },
        "metadata": { "team": "home" },
    });
    say(
        server,
        "banner",
        &json!({ "definition": definition, "reason": "launch" }),
    );
    is_in_force(server, "banner", "blue");
}

fn evaluate(server: &Server, key: &str, body: &str) -> Reply {
    let headers = [("content-type", "application/json; charset=utf-8")];
    server.send("POST", &format!("{ALL}/{key}"), &headers, body)
}

#[test]
fn a_flag_is_told_with_its_reason() {
    let shop = Shop::empty();
    let server = shop.serve();
    with_banner(&server);
    let staff = json!({ "context": { "targetingKey": "u1", "email": "a@shop.example" } });
    let reply = evaluate(&server, "banner", &staff.to_string()).with(200);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let expected = json!({
        "key": "banner", "value": "#f00", "variant": "red", "reason": "TARGETING_MATCH",
        "metadata": { "team": "home" },
    });
    assert_eq!(reply.json(), expected);
    let other = evaluate(&server, "banner", "{\"context\":{\"targetingKey\":\"u1\"}}");
    assert_eq!(other.with(200).json()["reason"], "DEFAULT");
    let feature = evaluate(&server, "search", "").with(200).json();
    assert_eq!(
        feature,
        json!({ "key": "search", "value": true, "variant": "on", "reason": "STATIC", "metadata": {} })
    );
    let disabled = json!({ "state": "DISABLED", "variants": { "a": 1 }, "defaultVariant": "a" });
    say(&server, "old", &json!({ "definition": disabled }));
    let old = crate::harness::within(crate::harness::PATIENCE, "the flag is there", || {
        let reply = evaluate(&server, "old", "{}");
        (reply.status == 200).then_some(reply)
    });
    assert_eq!(
        old.json(),
        json!({ "key": "old", "reason": "DISABLED", "metadata": {} })
    );
}

#[test]
fn what_is_wrong_is_told_as_the_protocol_has_it() {
    let shop = Shop::empty();
    let server = shop.serve();
    with_banner(&server);
    let long = json!({ "context": { "a": "x".repeat(20_000) } }).to_string();
    let wide = json!({ "context": { "a": vec![1; 1_000] } }).to_string();
    for (key, body, status, code) in [
        ("nothing", "{}", 404, "FLAG_NOT_FOUND"),
        ("banner", "{", 400, "PARSE_ERROR"),
        ("banner", "[]", 400, "INVALID_CONTEXT"),
        ("banner", "{\"context\":[]}", 400, "INVALID_CONTEXT"),
        (
            "banner",
            "{\"context\":{\"targetingKey\":1}}",
            400,
            "INVALID_CONTEXT",
        ),
        ("banner", &long, 400, "INVALID_CONTEXT"),
        ("banner", &wide, 400, "INVALID_CONTEXT"),
    ] {
        let reply = evaluate(&server, key, body).with(status);
        assert_eq!(reply.header("content-type"), Some("application/json"));
        let failure = reply.json();
        assert_eq!(
            (&failure["key"], &failure["errorCode"]),
            (&json!(key), &json!(code))
        );
        assert!(!failure["errorDetails"].as_str().unwrap().is_empty());
    }
    let broken = json!({
        "state": "ENABLED", "variants": { "a": 1 }, "defaultVariant": "a",
        "targeting": { "if": [true, "no variant"] },
    });
    say(&server, "broken", &json!({ "definition": broken }));
    crate::harness::within(
        crate::harness::PATIENCE,
        "the rule is told not to work",
        || {
            let reply = evaluate(&server, "broken", "{}");
            (reply.status == 400).then(|| assert_eq!(reply.json()["errorCode"], "PARSE_ERROR"))
        },
    );
    // One that is broken does not stop the others.
    let all = server.send("POST", ALL, &[], "{}").with(200).json();
    let flags = all["flags"].as_array().unwrap();
    let of = |key: &str| {
        flags
            .iter()
            .find(|flag| flag["key"] == key)
            .unwrap()
            .clone()
    };
    assert_eq!(of("broken")["errorCode"], "PARSE_ERROR");
    assert_eq!(of("banner")["value"], "#00f");
    server.get(ALL).problem(405, "method-not-allowed");
}

#[test]
fn all_flags_come_with_a_tag_that_holds_for_the_context() {
    let shop = Shop::empty();
    let server = shop.serve();
    with_banner(&server);
    let ask = |context: &Value, tag: Option<&str>| {
        let body = json!({ "context": context }).to_string();
        let headers: Vec<_> = tag.map(|tag| ("if-none-match", tag)).into_iter().collect();
        server.send("POST", ALL, &headers, body)
    };
    let (staff, other) = (
        json!({ "email": "a@shop.example" }),
        json!({ "email": "a@b.example" }),
    );
    let first = ask(&staff, None).with(200);
    let tag = first.header("etag").unwrap();
    let known = ask(&staff, Some(tag)).with(304);
    assert!(known.body.is_empty());
    assert_eq!(known.header("etag"), Some(tag));
    ask(&staff, Some(&format!("\"other\", W/{tag}"))).with(304);
    ask(&other, Some(tag)).with(200);
    let keys: Vec<_> = first.json()["flags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["key"].clone())
        .collect();
    assert_eq!(keys.len(), 11);
    switch(&server, "search", "off");
    let changed = ask(&staff, Some(tag)).with(200);
    assert_ne!(changed.header("etag"), Some(tag));
}

#[test]
fn pages_of_listed_origins_may_ask() {
    let shop = Shop::empty();
    let server = shop.serve_with(
        &[],
        &[("DOORBUSTER_SERVER_CORS_ORIGINS", "https://shop.example")],
    );
    let page = ("origin", "https://shop.example");
    let preflight = [
        page,
        ("access-control-request-method", "POST"),
        (
            "access-control-request-headers",
            "content-type,if-none-match",
        ),
    ];
    let reply = server.request("OPTIONS", ALL, &preflight).with(204);
    assert!(
        reply
            .header("access-control-allow-methods")
            .unwrap()
            .contains("POST")
    );
    let reply = server.send("POST", ALL, &[page], "{}").with(200);
    assert_eq!(
        reply.header("access-control-allow-origin"),
        Some("https://shop.example")
    );
    assert!(
        reply
            .header("access-control-expose-headers")
            .unwrap()
            .contains("etag")
    );
}
