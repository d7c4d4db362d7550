//! Sessions and pages: whoever changes something by way of a browser has logged in, on our own page.

use serde_json::{Value, json};

use crate::harness::{PATIENCE, Reply, Server, Shop, product, within};

const JSON: (&str, &str) = ("content-type", "application/json");

fn origin(server: &Server) -> String {
    format!("http://{}", server.admin)
}

fn log_in(server: &Server, token: &str, origin: &str) -> Reply {
    let body = json!({ "token": token }).to_string();
    let headers = [JSON, ("origin", origin)];
    server.send_admin("POST", "/console/session", &headers, body)
}

/// What a browser sends back of a cookie.
fn cookie(reply: &Reply) -> String {
    let cookie = reply.header("set-cookie").unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

fn purge(server: &Server, headers: &[(&str, &str)]) -> Reply {
    let body = json!({ "keys": [1], "reason": "a test" }).to_string();
    server.send_admin("POST", "/admin/cache/purge", headers, body)
}

#[test]
fn a_session_is_for_the_bearer_of_a_token_for_operators() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let (ops, till) = (shop.token("ops"), shop.token("stock:write"));
    let server = shop.serve();
    let own = origin(&server);
    log_in(&server, "dbt_000000000000_x", &own).problem(401, "token-invalid");
    log_in(&server, &till, &own).problem(403, "scope-missing");
    log_in(&server, &ops, "http://evil.example").problem(403, "page-refused");
    let reply = log_in(&server, &ops, &own).with(200);
    let set = reply.header("set-cookie").unwrap();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age="] {
        assert!(set.contains(part), "{part}: {set}");
    }
    // What the browser keeps is not what was typed.
    assert!(!set.contains(&ops[17..]), "{set}");

    let cookie = cookie(&reply);
    let who = |cookie: &str| {
        let headers = [("cookie", cookie)];
        let reply = server.send_admin("GET", "/console/session", &headers, "");
        reply.with(200).json()["who"].clone()
    };
    assert!(
        who(&cookie).as_str().unwrap().ends_with(" test"),
        "{}",
        who(&cookie)
    );
    for forged in ["doorbuster_console=", "doorbuster_console=a.1.b", "other=1"] {
        assert_eq!(who(forged), Value::Null, "{forged}");
    }

    shop.run("token", &["revoke", &ops[4..16]]).with(0);
    within(PATIENCE, "the session has ended with its token", || {
        (who(&cookie) == Value::Null).then_some(())
    });
}

#[test]
fn a_page_changes_something_with_a_session_and_from_our_own_origin_alone() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let token = shop.token("ops");
    let server = shop.serve();
    let own = origin(&server);
    let cookie = cookie(&log_in(&server, &token, &own));
    // A program of this machine needs neither.
    purge(&server, &[JSON]).with(200);
    purge(&server, &[JSON, ("origin", &own)]).problem(401, "token-missing");
    for foreign in ["http://evil.example", "null", "http://127.0.0.1:1"] {
        let headers = [JSON, ("origin", foreign), ("cookie", &cookie)];
        purge(&server, &headers).problem(403, "page-refused");
    }
    // A form can be sent from anywhere, and not as JSON.
    let form = ("content-type", "text/plain");
    let reply = purge(&server, &[form, ("origin", &own), ("cookie", &cookie)]);
    assert_eq!(reply.status, 415);

    let headers = [JSON, ("origin", &own), ("cookie", &cookie)];
    purge(&server, &headers).with(200);
    for (method, path, body) in [
        (
            "PUT",
            "/admin/flags/reviews",
            json!({ "variant": "off", "reason": "a test" }),
        ),
        ("PUT", "/admin/limits", json!({ "policies": [] })),
        (
            "PUT",
            "/admin/drain",
            json!({ "drain": true, "reason": "a test" }),
        ),
        (
            "POST",
            "/admin/jobs/pause",
            json!({ "kind": "review.moderate", "reason": "a test" }),
        ),
    ] {
        let body = body.to_string();
        let page = [JSON, ("origin", &*own)];
        let reply = server.send_admin(method, path, &page, &body);
        reply.problem(401, "token-missing");
        server.send_admin(method, path, &headers, body).with(200);
    }
    // A page whose name was rebound to this address is of its own origin, and has no session.
    let rebound = [
        JSON,
        ("origin", "http://evil.example:9090"),
        ("host", "evil.example:9090"),
    ];
    purge(&server, &rebound).problem(401, "token-missing");

    let audit = within(PATIENCE, "what was done is shown", || {
        let shown = server.get_admin("/console/now").with(200).json();
        let audit = shown["audit"].as_array().unwrap().clone();
        (audit.len() >= 6).then_some(audit)
    });
    let purged = audit.iter().find(|deed| {
        deed["what"] == "purged product 1" && deed["who"].as_str().unwrap().starts_with("token ")
    });
    assert_eq!(purged.unwrap()["reason"], "a test", "{audit:?}");
}

#[test]
fn a_drained_node_says_so_until_it_is_told_otherwise() {
    let shop = Shop::empty();
    let server = shop.serve();
    let order = |drain: bool| {
        let body = json!({ "drain": drain, "reason": "a new kernel" }).to_string();
        server
            .send_admin("PUT", "/admin/drain", &[JSON], body)
            .with(200)
    };
    order(true);
    server.get("/readyz").problem(503, "not-ready");
    server.get("/healthz").with(200);
    assert_eq!(
        server.get_admin("/admin/drain").with(200).json()["drain"],
        true
    );
    order(false);
    server.get("/readyz").with(200);
    let wrong = server.send_admin("PUT", "/admin/drain", &[JSON], "{}");
    wrong.problem(400, "invalid-order");
}

#[test]
fn whoever_comes_by_a_name_has_to_log_in_to_look() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let token = shop.token("ops");
    let server = shop.serve();
    let get = |headers: &[(&str, &str)]| server.send_admin("GET", "/console/now", headers, "");
    get(&[]).with(200);
    let rebound = ("host", "evil.example:9090");
    get(&[rebound]).problem(401, "token-missing");
    let cookie = cookie(&log_in(&server, &token, &origin(&server)));
    get(&[rebound, ("cookie", &cookie)]).with(200);
}

#[test]
fn the_page_may_load_its_own_files_and_nothing_else() {
    let shop = Shop::empty();
    let server = shop.serve();
    for path in [
        "/console",
        "/console/style.css",
        "/console/app.js",
        "/console/icon.svg",
    ] {
        let reply = server.get_admin(path).with(200);
        let policy = reply.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'"),
            "{policy}"
        );
        let text = String::from_utf8(reply.body).unwrap();
        for far in [
            "https://", "//cdn", "@import", "<style", " style=", "onclick=",
        ] {
            assert!(!text.contains(far), "{path}: {far}");
        }
    }
    server.get("/console").with(404);
    server.get("/metrics").with(404);
}
