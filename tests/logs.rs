//! What the server says about itself on stderr.

use std::collections::HashMap;

use serde_json::Value;

use crate::harness::{Shop, product};

#[test]
fn each_line_is_an_object_and_each_request_one_line() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve_with(&[], &[("DOORBUSTER_TELEMETRY_ACCESS_LOG", "on")]);
    let asked = [
        ("GET", "/products/1", None),
        ("HEAD", "/products/1", None),
        ("GET", "/products/by-handle/none", Some("mine-1")),
        ("GET", "/products/zero", Some("say \"hello\"")),
        ("DELETE", "/products/1", None),
        ("GET", "/nothing", None),
        ("GET", "/readyz", None),
    ];
    let mut expected = HashMap::new();
    for (method, path, theirs) in asked {
        let headers: Vec<_> = theirs.iter().map(|id| ("x-request-id", *id)).collect();
        let reply = server.request(method, path, &headers);
        let id = reply.header("x-request-id").unwrap().to_owned();
        expected.insert(id, (method, path, reply));
    }
    assert_eq!(expected.len(), asked.len(), "ids of requests differ");

    for (id, (method, path, reply)) in &expected {
        let line = server.program.log.wait_for(path, |line| {
            (line["request_id"] == **id).then(|| line.clone())
        });
        assert_eq!(
            (line["method"].as_str(), line["path"].as_str()),
            (Some(*method), Some(*path))
        );
        assert_eq!(line["status"], reply.status);
        assert!(line["micros"].is_u64(), "{line}");
        let cache = reply.header("cache-status").unwrap_or("-");
        assert_eq!(line["cache"], cache, "{line}");
        assert_eq!(
            (line["level"].as_str(), line["target"].as_str()),
            (Some("INFO"), Some("access"))
        );
    }
    let log = server.program.log.lines();
    let mut of_requests = 0;
    for text in &log {
        let line: Value = serde_json::from_str(text).unwrap();
        for name in ["timestamp", "level", "target", "message"] {
            assert!(line[name].is_string(), "{text}");
        }
        of_requests += usize::from(line["target"] == "access");
    }
    assert_eq!(of_requests, asked.len(), "{log:#?}");
}

#[test]
fn requests_are_not_logged_unless_asked_for() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let mut server = shop.serve();
    server.get("/products/1").with(200);
    server.program.signal(rustix::process::Signal::TERM);
    assert_eq!(server.program.wait_for_code(), 0);
    let log = server.program.log.lines();
    assert!(!log.iter().any(|line| line.contains("access")), "{log:#?}");
    assert!(log.last().unwrap().contains("stopped"), "{log:#?}");
}

#[test]
fn an_odd_path_cannot_forge_a_line() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve_with(&[], &[("DOORBUSTER_TELEMETRY_ACCESS_LOG", "on")]);
    let path = "/products/1%0A%7B%22level%22:%22ERROR%22%7D%22";
    let reply = server.get_exactly(path);
    let id = reply.header("x-request-id").unwrap();
    let line = server.program.log.wait_for(path, |line| {
        (line["request_id"] == id).then(|| line.clone())
    });
    assert_eq!(line["path"], path);
    for text in server.program.log.lines() {
        assert!(serde_json::from_str::<Value>(&text).is_ok(), "{text}");
        assert!(!text.starts_with("{\"level\""), "{text}");
    }
}
