//! Rate limits, as clients and operators meet them.

mod shared;

use serde_json::{Value, json};

use crate::harness::{Reply, Server, Shop, doorbuster, product, run};

/// The variable that holds policies.
const POLICY: &str = "DOORBUSTER_LIMITS_POLICY";

fn shop() -> Shop {
    Shop::with(&[product("lamp", "Lamp")])
}

fn serve(shop: &Shop, policies: &Value, more: &[(&str, &str)]) -> Server {
    let policies = policies.to_string();
    let environment = [&[(POLICY, policies.as_str())], more].concat();
    shop.serve_with(&[], &environment)
}

/// One window of an hour, in which nothing comes back while a test runs.
fn hourly(name: &str, quota: u32) -> Value {
    json!({ "name": name, "windows": [{ "name": name, "quota": quota, "window": "1h" }] })
}

fn counts(server: &Server) -> Value {
    let status = server.get_admin("/admin/limits").with(200).json();
    status["policies"][0]["counts"].clone()
}

/// `r` and `t` of the one item of `RateLimit`.
#[track_caller]
fn standing(reply: &Reply, window: &str) -> (u64, u64) {
    let field = reply.header("ratelimit").unwrap();
    let rest = field.strip_prefix(&format!("\"{window}\";r=")).unwrap();
    let (remaining, after) = rest.split_once(";t=").unwrap();
    (remaining.parse().unwrap(), after.parse().unwrap())
}

#[test]
fn without_policies_answers_say_nothing_of_limits() {
    let shop = shop();
    let server = shop.serve();
    let reply = server.get("/products/1").with(200);
    for name in ["ratelimit", "ratelimit-policy", "retry-after"] {
        assert_eq!(reply.header(name), None);
    }
    let status = server.get_admin("/admin/limits").with(200).json();
    assert_eq!(status["policies"], json!([]));
    assert_eq!(status["clients"]["bytes"], 0);
    assert_eq!(status["redis"], Value::Null);
}

/// A3: whole seconds, at least one, no less than any `t`.
#[test]
fn who_asks_too_often_is_told_how_long_to_wait() {
    let shop = shop();
    let policies = json!([{ "name": "all", "windows": [
        { "name": "burst", "quota": 3, "window": "1h" },
        { "name": "daily", "quota": 1000, "window": "1d" },
    ]}]);
    let server = serve(&shop, &policies, &[]);
    let policy = "\"burst\";q=3;w=3600, \"daily\";q=1000;w=86400";
    for left in [2, 1, 0] {
        // Whichever way it is answered: past the router, by it, from the list.
        let path = ["/products", "/products/by-handle/lamp", "/products/1"][left];
        let reply = server.get(path).with(200);
        assert_eq!(reply.header("ratelimit-policy"), Some(policy));
        let field = reply.header("ratelimit").unwrap();
        assert!(
            field.starts_with(&format!("\"burst\";r={left};t=")),
            "{field}"
        );
        assert!(field.contains("\"daily\";r=99"), "{field}");
        assert_eq!(reply.header("retry-after"), None);
    }
    for path in ["/products/1", "/products", "/nothing"] {
        let reply = server.get(path);
        let problem = reply.problem(429, "quota-exceeded");
        assert_eq!(problem["violated-policies"], json!(["burst"]));
        assert_eq!(reply.header("ratelimit-policy"), Some(policy));
        let (remaining, after) = standing(&reply, "burst");
        let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
        assert_eq!(remaining, 0);
        assert!((1..=1_200).contains(&wait) && wait >= after, "{reply:?}");
    }
    // What is never limited.
    for path in ["/healthz", "/readyz"] {
        let reply = server.get(path).with(200);
        assert_eq!(reply.header("ratelimit"), None);
    }
    server.request("OPTIONS", "/products/1", &[]).with(204);
    let counts = counts(&server);
    assert_eq!(
        (&counts["allowed"], &counts["limited"]),
        (&json!(3), &json!(3))
    );
}

/// A6.
#[test]
fn a_page_may_read_that_it_asked_too_often() {
    const SHOP: &str = "https://shop.example";
    let shop = shop();
    let cors = [("DOORBUSTER_SERVER_CORS_ORIGINS", SHOP)];
    let server = serve(&shop, &json!([hourly("all", 1)]), &cors);
    let origin = [("origin", SHOP)];
    server.request("GET", "/products/1", &origin).with(200);
    for _ in 0..3 {
        let reply = server.request("GET", "/products/1", &origin).with(429);
        assert_eq!(reply.header("access-control-allow-origin"), Some(SHOP));
        let exposed = reply.header("access-control-expose-headers").unwrap();
        for name in ["ratelimit", "ratelimit-policy", "retry-after"] {
            assert!(exposed.split(", ").any(|known| known == name), "{exposed}");
        }
        let preflight = [origin[0], ("access-control-request-method", "PATCH")];
        let reply = server
            .request("OPTIONS", "/products/1", &preflight)
            .with(204);
        assert_eq!(reply.header("access-control-allow-origin"), Some(SHOP));
    }
    assert_eq!(counts(&server)["limited"], 3);
}

/// A5.
#[test]
fn what_a_client_says_of_its_address_changes_nothing() {
    let shop = shop();
    let ask = |server: &Server, forwarded: &str| {
        let headers = [("x-forwarded-for", forwarded)];
        server.request("GET", "/products/1", &headers).status
    };
    let alone = serve(&shop, &json!([hourly("all", 2)]), &[]);
    let seen = ["1.1.1.1", "2.2.2.2", "3.3.3.3"].map(|address| ask(&alone, address));
    assert_eq!(seen, [200, 200, 429]);

    let trusted = [(
        "DOORBUSTER_SERVER_TRUSTED_PROXIES",
        "127.0.0.0/8, 10.0.0.0/8",
    )];
    let behind = serve(&shop, &json!([hourly("all", 2)]), &trusted);
    assert_eq!(ask(&behind, "192.0.2.1"), 200);
    assert_eq!(ask(&behind, "8.8.8.8, 192.0.2.1"), 200);
    assert_eq!(ask(&behind, "9.9.9.9, 192.0.2.1, 10.0.0.7"), 429);
    assert_eq!(ask(&behind, "192.0.2.2"), 200);
    // One site of IPv6, and another one.
    assert_eq!(ask(&behind, "2001:db8:0:1200::1"), 200);
    assert_eq!(ask(&behind, "2001:db8:0:12ff::2"), 200);
    assert_eq!(ask(&behind, "2001:db8:0:1234::3"), 429);
    assert_eq!(ask(&behind, "2001:db8:0:1300::1"), 200);
}

#[test]
fn a_valid_token_is_a_client_of_its_own_and_an_invented_one_is_none() {
    let shop = shop();
    let token = format!("Bearer {}", shop.token("catalog:write"));
    let server = serve(&shop, &json!([hourly("all", 2)]), &[]);
    let ask = |authorization: &str| {
        let headers = [("authorization", authorization)];
        server.request("GET", "/products/1", &headers).status
    };
    let others = ["A", "E", "I"].map(|last| format!("{}{last}", &token[..token.len() - 1]));
    let mut invented = others.iter().filter(|other| **other != token);
    assert_eq!(ask("Bearer nonsense"), 200);
    assert_eq!(ask(invented.next().unwrap()), 200);
    assert_eq!(ask(invented.next().unwrap()), 429);
    assert_eq!(server.get("/products/1").status, 429);
    assert_eq!([(); 3].map(|()| ask(&token)), [200, 200, 429]);
    // A body is there when its turn comes.
    let change = [
        ("authorization", token.as_str()),
        ("content-type", "application/merge-patch+json"),
    ];
    server
        .send("PATCH", "/products/1", &change, r#"{"title":"Lamp 2"}"#)
        .problem(429, "quota-exceeded");
    server
        .send_admin("DELETE", "/admin/limits", &[], "")
        .with(200);
    let headers = [("content-type", "application/json")];
    let body = json!({ "policies": [hourly("other", 5)] }).to_string();
    server
        .send_admin("PUT", "/admin/limits", &headers, body)
        .with(200);
    let reply = server.send("PATCH", "/products/1", &change, r#"{"title":"Lamp 2"}"#);
    assert_eq!(standing(&reply.with(200), "other").0, 4);
}

#[test]
fn a_shadow_counts_and_refuses_nobody_and_a_class_has_limits_of_its_own() {
    let shop = shop();
    let mut shadow = hourly("shadow", 1);
    shadow["mode"] = json!("shadow");
    let mut search = hourly("search", 1);
    search["classes"] = json!(["search"]);
    let server = serve(&shop, &json!([shadow, search]), &[]);
    for _ in 0..3 {
        let reply = server.get("/products/1").with(200);
        assert_eq!(reply.header("ratelimit"), None);
    }
    assert_eq!(server.get("/search?q=lamp").status, 200);
    server.get("/search?q=lamp").problem(429, "quota-exceeded");
    let status = server.get_admin("/admin/limits").json();
    let [shadow, search] = [0, 1].map(|at: usize| &status["policies"][at]["counts"]);
    assert_eq!(shadow["allowed"], 1);
    assert!(shadow["shadow"].as_u64().unwrap() >= 3);
    assert_eq!(
        (&search["allowed"], &search["limited"]),
        (&json!(1), &json!(1))
    );
}

#[test]
fn answers_say_what_is_left_unless_refusals_alone_shall() {
    let shop = shop();
    let quiet = [("DOORBUSTER_LIMITS_SHOW_REMAINING", "false")];
    let server = serve(&shop, &json!([hourly("all", 1)]), &quiet);
    assert_eq!(
        server.get("/products/1").with(200).header("ratelimit"),
        None
    );
    assert!(
        server
            .get("/products/1")
            .with(429)
            .header("ratelimit")
            .is_some()
    );
}

#[test]
fn operators_replace_limits_while_requests_are_answered() {
    let shop = shop();
    let server = serve(&shop, &json!([hourly("all", 1)]), &[]);
    let headers = [("content-type", "application/json")];
    let put = |policies: Value| {
        let body = json!({ "policies": policies }).to_string();
        server.send_admin("PUT", "/admin/limits", &headers, body)
    };
    server.get("/products/1").with(200);
    server.get("/products/1").with(429);
    let status = put(json!([hourly("all", 3)])).with(200).json();
    assert_eq!(status["policies"][0]["windows"][0]["quota"], 3);
    server.get("/products/1").with(200);
    // What is wrong changes nothing, and all of it is told.
    let reply = put(json!([{ "name": "x y" }, { "name": "b", "windows": [], "mode": "on" }]));
    let problem = reply.problem(400, "invalid-limits");
    let detail = problem["detail"].as_str().unwrap();
    for what in [
        "policy 1: name",
        "policy 1: windows",
        "policy b: mode",
        "policy b: windows",
    ] {
        assert!(detail.contains(what), "{what}: {detail}");
    }
    let mut strict = hourly("all", 3);
    strict["counting"] = json!("strict");
    put(json!([strict])).problem(400, "invalid-limits");
    let status = server.get_admin("/admin/limits").json();
    assert_eq!(status["policies"][0]["windows"][0]["quota"], 3);
    put(json!([])).with(200);
    for _ in 0..5 {
        assert_eq!(
            server.get("/products/1").with(200).header("ratelimit"),
            None
        );
    }
    // They are nobody else's to see.
    server.get("/admin/limits").with(404);
    server
        .send_admin("DELETE", "/admin/limits", &[], "")
        .with(200);
    let status = server.get_admin("/admin/limits").json();
    assert_eq!(status["policies"][0]["windows"][0]["quota"], 1);
    // No page does it.
    let page = [headers[0], ("origin", "https://evil.example")];
    server
        .send_admin("PUT", "/admin/limits", &page, "{\"policies\":[]}")
        .problem(403, "page-refused");
}

#[test]
fn policies_are_tables_of_the_file_and_all_that_is_wrong_is_told() {
    let shop = Shop::empty();
    let file = shop.file("doorbuster.toml");
    let check = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let mut command = doorbuster();
        command.arg("check").arg("--config").arg(&file);
        run(command.arg("--data-dir").arg(shop.data_dir()), &[])
    };
    let right = "[server]\ntrusted_proxies = ['10.0.0.0/8', '2001:db8::1']\n\
                 [[limits.policy]]\nname = 'all'\n\
                 windows = [{ name = 'burst', quota = 100, window = '1m' }]\n\
                 [[limits.policy]]\nname = 'search'\nclasses = ['search']\nmode = 'shadow'\n\
                 windows = [{ name = 'search', quota = 5, window = '1s' }]\n";
    let ended = check(right);
    assert!(ended.stdout.contains(
        "all: burst 100 in 60 s per client; search: search 5 in 1 s per client of search, shadow"
    ), "{}", ended.stdout);
    assert!(
        ended.stdout.contains("10.0.0.0/8,2001:db8::1/128"),
        "{}",
        ended.stdout
    );
    let wrong = "[server]\ntrusted_proxies = ['10.0.0.0/33']\n\
                 [limits]\nmemory = '1KiB'\nredis_timeout = '0s'\n\
                 [[limits.policy]]\nname = 'all'\nper = 'cookie'\n\
                 windows = [{ name = 'burst', quota = 0, window = '1m' }]\n";
    let ended = check(wrong).with(64);
    for what in [
        "server.trusted_proxies",
        "limits.memory",
        "limits.redis_timeout",
        "policy all: per: write one of client",
        "window 1: quota",
    ] {
        assert!(ended.stderr.contains(what), "{what}: {}", ended.stderr);
    }
    let without = "[[limits.policy]]\nname = 'all'\ncounting = 'strict'\n\
                   windows = [{ name = 'burst', quota = 1, window = '1m' }]\n";
    let ended = check(without).with(64);
    assert!(
        ended.stderr.contains("redis.url names none"),
        "{}",
        ended.stderr
    );
}
