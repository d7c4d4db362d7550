//! The listener for operators.

use serde_json::{Value, json};

use super::{is_in_force, say, switch};
use crate::harness::Shop;

const JSON: (&str, &str) = ("content-type", "application/json");

#[test]
fn every_flag_is_shown_with_who_says_so() {
    let shop = Shop::empty();
    let server = shop.serve();
    switch(&server, "brotli", "off");
    let all = server.get_admin("/admin/flags").with(200).json();
    assert_eq!(all["features"]["brotli"], false);
    assert_eq!(all["features"]["checkout_first"], false);
    assert_eq!(all["features"]["writes"], true);
    assert_eq!(all["trouble"], json!({ "count": 0, "now": [] }));
    let flags = all["flags"].as_array().unwrap();
    assert_eq!(flags.len(), 10);
    let layers = flags
        .iter()
        .filter(|flag| flag["layer"] == "default")
        .count();
    assert_eq!(layers, 9);
    server
        .get_admin("/admin/flags/nothing")
        .problem(404, "flag-not-found");
}

#[test]
fn what_was_said_is_remembered_with_who_when_why_and_until_when() {
    let shop = Shop::empty();
    let token = shop.token("ops");
    let server = shop.serve();
    let bearer = format!("Bearer {token}");
    let headers = [JSON, ("authorization", bearer.as_str())];
    let body = json!({ "variant": "off", "reason": "load", "for": "2h" }).to_string();
    server
        .send_admin("PUT", "/admin/flags/search", &headers, body)
        .with(200);
    is_in_force(&server, "search", "off");
    let unset = "/admin/flags/search?reason=calm%20again";
    server.send_admin("DELETE", unset, &headers, "").with(200);
    is_in_force(&server, "search", "on");
    server
        .send_admin("DELETE", unset, &headers, "")
        .problem(404, "flag-not-found");
    say(&server, "brotli", &json!({ "variant": "off" }));
    let history = |query: &str| {
        let reply = server
            .get_admin(&format!("/admin/flag-history{query}"))
            .with(200);
        reply.json()["history"].as_array().unwrap().clone()
    };
    let words = history("?key=search");
    assert_eq!(words.len(), 2);
    let told = |word: &Value| {
        let text = |member: &str| word[member].as_str().unwrap_or("-").to_owned();
        (text("action"), text("reason"))
    };
    assert_eq!(
        told(&words[0]),
        ("unset".to_owned(), "calm again".to_owned())
    );
    assert_eq!(told(&words[1]), ("set".to_owned(), "load".to_owned()));
    let id = &token[4..16];
    assert_eq!(words[1]["set_by"], format!("token {id} test"));
    assert_eq!(words[1]["definition"]["defaultVariant"], "off");
    assert!(words[1]["expires_at"].as_str() > words[1]["set_at"].as_str());
    assert_eq!(history("").len(), 3);
    assert_eq!(history("?limit=1").len(), 1);
}

#[test]
fn nobody_else_and_no_page_may_switch_anything() {
    let shop = Shop::empty();
    let token = shop.token("catalog:write");
    let server = shop.serve();
    let body = json!({ "variant": "off" }).to_string();
    let put =
        |headers: &[(&str, &str)]| server.send_admin("PUT", "/admin/flags/search", headers, &body);
    put(&[JSON, ("origin", "https://evil.example")]).problem(403, "page-refused");
    put(&[]).problem(415, "unsupported-media-type");
    put(&[JSON, ("authorization", "Bearer dbt_x")]).problem(401, "token-invalid");
    let bearer = format!("Bearer {token}");
    put(&[JSON, ("authorization", bearer.as_str())]).problem(403, "scope-missing");
    server.get("/admin/flags").problem(404, "route-not-found");
    assert_eq!(
        server.get_admin("/admin/flag-history").json()["history"],
        json!([])
    );
}

#[test]
fn what_makes_no_sense_is_refused_with_the_mend() {
    let shop = Shop::empty();
    let server = shop.serve();
    let long = "x".repeat(501);
    for (key, body) in [
        ("search", json!({})),
        ("search", json!({ "variant": "maybe" })),
        ("search", json!({ "variant": "off", "definition": {} })),
        ("search", json!({ "variant": "off", "for": "soon" })),
        ("search", json!({ "variant": "off", "for": "0s" })),
        ("search", json!({ "variant": "off", "reason": long })),
        ("search", json!({ "variant": "off", "until": "2h" })),
        (
            "search",
            json!({ "definition": { "state": "ENABLED", "variants": { "on": 1 } } }),
        ),
        (
            "a%20b",
            json!({ "definition": { "state": "ENABLED", "variants": { "on": true } } }),
        ),
        (
            "banner",
            json!({ "definition": { "state": "ENABLED", "variants": { "on": true },
            "targeting": { "reduce": [[1], 1, 1] } } }),
        ),
    ] {
        let path = format!("/admin/flags/{key}");
        let refused = server.send_admin("PUT", &path, &[JSON], body.to_string());
        refused.problem(400, "invalid-flag");
    }
    let body = json!({ "variant": "on" }).to_string();
    server
        .send_admin("PUT", "/admin/flags/nothing", &[JSON], body)
        .problem(404, "flag-not-found");
    assert_eq!(
        server.get_admin("/admin/flag-history").json()["history"],
        json!([])
    );
}
