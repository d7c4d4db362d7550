//! `/metrics`: what Prometheus finds there, and that no client decides how much of it there is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::{Server, Shop, product};

fn exposition(server: &Server) -> String {
    let reply = server.get_admin("/metrics").with(200);
    let kind = reply.header("content-type");
    assert_eq!(kind, Some("text/plain; version=0.0.4; charset=utf-8"));
    String::from_utf8(reply.body).unwrap()
}

/// By name and labels.
fn numbers(server: &Server) -> BTreeMap<String, String> {
    let text = exposition(server);
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let samples = lines.map(|line| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        (name.to_owned(), value.to_owned())
    });
    samples.collect()
}

/// Runs promtool with this on standard input; what it says.
fn promtool(arguments: &[&str], input: &str) -> (bool, String) {
    let mut child = Command::new("promtool")
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool runs: scripts/setup installs it");
    // One that reads a file does not listen.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

fn requests(route: &str, code: &str) -> String {
    format!("doorbuster_http_requests_total{{route=\"{route}\",code=\"{code}\"}}")
}

#[test]
fn prometheus_finds_nothing_wrong_with_it() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    server.get("/products/1").with(200);
    let (is_good, said) = promtool(&["check", "metrics"], &exposition(&server));
    assert!(is_good, "{said}");
}

#[test]
fn counters_are_there_before_anything_is_counted() {
    let shop = Shop::empty();
    let server = shop.serve();
    let samples = numbers(&server);
    for route in ["product", "search", "write", "other"] {
        for code in ["2xx", "3xx", "4xx", "429", "5xx", "503", "cancelled"] {
            assert_eq!(samples[&requests(route, code)], "0", "{route} {code}");
        }
    }
    for name in [
        "doorbuster_cache_lookups_total{cache=\"products\",result=\"miss\"}",
        "doorbuster_redis_lookups_total{result=\"unanswered\"}",
        "doorbuster_store_queries_total{result=\"failed\"}",
        "doorbuster_jobs{kind=\"review.moderate\",state=\"dead\"}",
        "doorbuster_jobs_ended_total{kind=\"review.moderate\",result=\"dead\"}",
        "doorbuster_slo_bad_events_total{slo=\"availability\"}",
        "doorbuster_http_request_duration_seconds_bucket{route=\"product\",le=\"0.15\"}",
    ] {
        assert_eq!(samples.get(name).map(String::as_str), Some("0"), "{name}");
    }
}

#[test]
fn each_request_is_counted_once_where_it_went_and_how_it_ended() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    let etag = server.get("/products/1").with(200);
    let etag = etag.header("etag").unwrap().to_owned();
    server
        .request("GET", "/products/1", &[("if-none-match", &etag)])
        .with(304);
    server.request("HEAD", "/products/1", &[]).with(200);
    server.get("/products/9").with(404);
    server.get("/products/by-handle/lamp").with(200);
    server.get("/products").with(200);
    server.request("POST", "/products", &[]).with(401);
    server.get("/healthz").with(200);
    let samples = numbers(&server);
    for (route, code, count) in [
        ("product", "2xx", "2"),
        ("product", "3xx", "1"),
        ("product", "4xx", "1"),
        ("product_by_name", "2xx", "1"),
        ("list", "2xx", "1"),
        ("write", "4xx", "1"),
        ("health", "2xx", "1"),
        ("other", "4xx", "0"),
    ] {
        assert_eq!(samples[&requests(route, code)], count, "{route} {code}");
    }
    let timed = "doorbuster_http_request_duration_seconds_count{route=\"product\"}";
    assert_eq!(samples[timed], "4");
    let lookups = |result: &str| {
        let cache = "doorbuster_cache_lookups_total{cache=\"products\"";
        samples[&format!("{cache},result=\"{result}\"}}")].as_str()
    };
    // The list has it from memory, too.
    assert_eq!((lookups("miss"), lookups("fresh")), ("2", "4"));
}

#[test]
fn no_client_adds_a_series() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    server.get("/products/1").with(200);
    let names = || numbers(&server).into_keys().collect::<BTreeSet<_>>();
    let before = names();
    for number in 0..300_u32 {
        let secret = format!("s3cret-{number}");
        for (method, path) in [
            ("GET", format!("/{secret}")),
            ("GET", format!("/products/{secret}")),
            ("GET", format!("/products/{number}/{secret}")),
            ("GET", format!("/search?q={secret}")),
            (&*format!("X{number}"), "/products/1".to_owned()),
        ] {
            server
                .connect()
                .send(format!(
                    "{method} {path} HTTP/1.1\r\nhost: {secret}.example\r\nx-request-id: {secret}\r\n\r\n"
                ))
                .reply();
        }
    }
    assert_eq!(names(), before);
    assert!(before.len() < 1_500, "{}", before.len());
    assert!(!exposition(&server).contains("s3cret"));
}

#[test]
fn rules_and_dashboard_know_no_metric_that_is_not_there() {
    let shop = Shop::empty();
    let server = shop.serve();
    let text = exposition(&server);
    let known: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("telemetry");
    let rules = fs::read_to_string(folder.join("slo-rules.yml")).unwrap();
    let exported = shop.run("slo", &["export", "--format=prometheus"]).with(0);
    assert_eq!(
        rules, exported.stdout,
        "telemetry/slo-rules.yml is not what is exported"
    );
    let alerts = fs::read_to_string(folder.join("alerts.yml")).unwrap();
    let dashboard = fs::read_to_string(folder.join("grafana.json")).unwrap();
    let json: Value = serde_json::from_str(&dashboard).unwrap();
    assert!(json["panels"].as_array().unwrap().len() > 15);
    for file in [&rules, &alerts, &dashboard] {
        let words = file.split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_');
        for word in
            words.filter(|word| word.starts_with("doorbuster_") || word.starts_with("process_"))
        {
            let ends = ["_bucket", "_count", "_sum"];
            let family = ends.iter().find_map(|end| word.strip_suffix(end));
            let is_known = known.contains(word) || family.is_some_and(|it| known.contains(it));
            assert!(is_known, "{word}");
        }
    }
    let runbook = fs::read_to_string(folder.join("../docs/runbook.md")).unwrap();
    for name in [&rules, &alerts]
        .iter()
        .flat_map(|it| it.lines())
        .filter_map(|line| line.trim().strip_prefix("- alert: "))
    {
        assert!(runbook.contains(&format!("\n## {name}\n")), "{name}");
    }
}

#[test]
fn rules_are_good_and_fire_when_they_should() {
    for arguments in [
        &[
            "check",
            "rules",
            "telemetry/slo-rules.yml",
            "telemetry/alerts.yml",
        ][..],
        &[
            "check",
            "config",
            "--syntax-only",
            "telemetry/prometheus.yml",
        ],
        &["test", "rules", "telemetry/alerts_test.yml"],
    ] {
        let (is_good, said) = promtool(arguments, "");
        assert!(is_good, "{arguments:?}: {said}");
    }
}
