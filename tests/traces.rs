//! Traces, from a request to a collector on the official messages of OTLP.

mod steps;

use std::time::Duration;

use serde_json::json;

use crate::harness::{
    Collector, PATIENCE, Redis, Reply, Seen, Server, Shop, free_port, product, within,
};
use crate::replicas::shop::ReplicatedShop;

const PARENT: &str = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7";

/// Variables of a server that traces all, or nothing but what has to be.
fn tracing<'u>(url: &'u str, ratio: &'u str) -> Vec<(&'u str, &'u str)> {
    vec![
        ("DOORBUSTER_TELEMETRY_OTLP_ENDPOINT", url),
        ("DOORBUSTER_TELEMETRY_SAMPLE_RATIO", ratio),
        ("DOORBUSTER_TELEMETRY_TRACE_SLOW", "1h"),
    ]
}

fn lamp() -> Shop {
    Shop::with(&[product("lamp", "Lamp")])
}

fn asked(server: &Server, traceparent: &str) -> Reply {
    server.request("GET", "/products/1", &[("traceparent", traceparent)])
}

fn is_named(name: &str) -> impl Fn(&Seen) -> bool {
    move |seen| seen.span.name == name
}

/// A span of these, which has to be there.
#[track_caller]
fn named<'s>(spans: &'s [Seen], name: &str) -> &'s Seen {
    let found = spans.iter().find(|seen| seen.span.name == name);
    found.unwrap_or_else(|| panic!("no {name} in {spans:#?}"))
}

fn counted(server: &Server, metric: &str) -> u64 {
    let text = String::from_utf8(server.get_admin("/metrics").with(200).body).unwrap();
    let value = text.lines().find_map(|line| line.strip_prefix(metric));
    value.unwrap().trim().parse().unwrap()
}

#[test]
fn a_request_is_told_of_in_the_terms_of_opentelemetry() {
    let (shop, collector) = (lamp(), Collector::start());
    let url = collector.url();
    let mut environment = tracing(&url, "100%");
    environment.push(("DOORBUSTER_TELEMETRY_OTLP_HEADERS", "x-tenant=a%20shop"));
    environment.push(("OTEL_SERVICE_NAME", "lamps"));
    let server = shop.serve_with(&[], &environment);
    let headers = [("x-request-id", "r-1"), ("user-agent", "test/1")];
    server
        .request("GET", "/products/1?fields=id", &headers)
        .with(200);
    let seen = collector.wait_for("the request", is_named("GET /products/{id}"));
    for (name, value) in [
        ("http.request.method", "GET"),
        ("http.route", "/products/{id}"),
        ("http.response.status_code", "200"),
        ("url.path", "/products/1"),
        ("url.query", "fields=id"),
        ("url.scheme", "http"),
        ("server.address", "127.0.0.1"),
        ("network.protocol.version", "1.1"),
        ("user_agent.original", "test/1"),
        ("doorbuster.request_id", "r-1"),
    ] {
        assert_eq!(
            seen.attributes.get(name).map(String::as_str),
            Some(value),
            "{name}"
        );
    }
    assert_eq!((seen.span.kind, seen.is_error()), (2, false));
    assert!(seen.parent().is_empty());
    assert!(seen.span.start_time_unix_nano < seen.span.end_time_unix_nano);
    assert_eq!(seen.service["service.name"], "lamps");
    let head = &collector.heads()[0];
    assert!(head.starts_with("post /v1/traces http/1.1\n"), "{head}");
    for line in ["content-type: application/x-protobuf", "x-tenant: a shop"] {
        assert!(head.contains(line), "{head}");
    }
    // A hit, then.
    let before = collector.spans().len();
    server.get("/products/1").with(200);
    within(PATIENCE, "the hit", || {
        (collector.spans().len() > before).then_some(())
    });
    let spans = collector.spans();
    let root = spans
        .iter()
        .rfind(|it| it.span.name == "GET /products/{id}")
        .unwrap();
    let hit = collector.trace(&root.trace_id());
    assert_eq!(named(&hit, "L1").attributes["doorbuster.cache.hit"], "true");
    assert_eq!(named(&hit, "L1").parent(), root.id());
    server.stop();
}

#[test]
fn the_parent_decides_and_its_ids_are_kept() {
    let (shop, collector) = (lamp(), Collector::start());
    let url = collector.url();
    let server = shop.serve_with(&[], &tracing(&url, "0%"));
    // Not sampled, or nonsense, which falls back to the share: none.
    for unsampled in [
        &format!("00-{PARENT}-00"),
        "00-nonsense",
        &format!("ff-{PARENT}-01"),
        "",
    ] {
        asked(&server, unsampled).with(200);
    }
    let headers = [
        ("traceparent", &*format!("00-{PARENT}-01")),
        ("tracestate", "other=1"),
    ];
    server.request("GET", "/products/1", &headers).with(200);
    let seen = collector.wait_for("the request", is_named("GET /products/{id}"));
    assert_eq!(format!("{}-{}", seen.trace_id(), seen.parent()), PARENT);
    assert_eq!(seen.span.trace_state, "other=1");
    // Kept, of a remote parent.
    assert_eq!(seen.span.flags, 0x301);
    server.stop();
    let roots = collector
        .spans()
        .into_iter()
        .filter(is_named("GET /products/{id}"));
    assert_eq!(roots.count(), 1, "nobody asked for the others");
}

#[test]
fn an_unsampled_parent_is_obeyed_where_all_would_be_traced() {
    let (shop, collector) = (lamp(), Collector::start());
    let url = collector.url();
    let server = shop.serve_with(&[], &tracing(&url, "100%"));
    asked(&server, &format!("00-{PARENT}-00")).with(200);
    asked(&server, "nonsense").with(200);
    server.stop();
    let spans = collector.spans();
    let roots: Vec<_> = spans
        .iter()
        .filter(|it| is_named("GET /products/{id}")(it))
        .collect();
    assert_eq!(roots.len(), 1, "{roots:#?}");
    assert!(!PARENT.starts_with(&roots[0].trace_id()) && roots[0].parent().is_empty());
}

#[test]
fn what_failed_is_told_of_whatever_the_share() {
    let (shop, collector) = (lamp(), Collector::start());
    let url = collector.url();
    let server = shop.serve_with(&[], &tracing(&url, "0%"));
    server.get("/products/9").with(404);
    shop.file_database()
        .execute_batch("ALTER TABLE product_document RENAME TO lost")
        .unwrap();
    server.get("/products/1").with(503);
    let seen = collector.wait_for("the failure", is_named("GET /products/{id}"));
    assert!(seen.is_error());
    assert_eq!(seen.attributes["error.type"], "503");
    // With what led to it.
    let trace = collector.trace(&seen.trace_id());
    let (l1, store) = (named(&trace, "L1"), named(&trace, "store"));
    assert_eq!((l1.parent(), store.parent()), (seen.id(), l1.id()));
    server.stop();
    let roots = collector
        .spans()
        .into_iter()
        .filter(is_named("GET /products/{id}"));
    assert_eq!(roots.count(), 1, "a 404 is no failure of ours");
}

/// A request that takes as long as its client does to send it: longer than a millisecond, once the server has
/// begun to look at it.
fn slowly(server: &Server) -> Reply {
    let head = "POST /products/1/reviews HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\n\
                expect: 100-continue\r\ncontent-length: 2\r\n\r\n";
    let mut connection = server.connect();
    connection.send(head).head().with(100);
    std::thread::sleep(Duration::from_millis(20));
    connection.send("{}").reply()
}

#[test]
fn what_took_long_is_told_of_whatever_the_share_and_so_many_at_most() {
    let (shop, collector) = (lamp(), Collector::start());
    let url = collector.url();
    let mut environment = tracing(&url, "0%");
    environment[2].1 = "1ms";
    let server = shop.serve_with(&[], &environment);
    slowly(&server).with(422);
    let seen = collector.wait_for("the slow request", is_named("POST /products/{id}/reviews"));
    assert!(!seen.is_error());
    assert_eq!(counted(&server, "doorbuster_traces_over_rate_total "), 0);
    server.stop();
    environment.push(("DOORBUSTER_TELEMETRY_TRACE_FORCED", "0"));
    let server = shop.serve_with(&[], &environment);
    let before = collector.spans().len();
    slowly(&server).with(422);
    asked(&server, &format!("00-{PARENT}-01")).with(200);
    assert!(counted(&server, "doorbuster_traces_over_rate_total ") >= 2);
    server.stop();
    assert_eq!(collector.spans().len(), before);
}

#[test]
fn a_cold_read_is_seen_from_the_first_tier_to_a_replica() {
    let shop = ReplicatedShop::start(1, 1);
    let (redis, collector) = (Redis::start(), Collector::start());
    let (url, redis_url) = (collector.url(), redis.url());
    let mut environment = tracing(&url, "100%");
    environment.extend([
        ("DOORBUSTER_REDIS_URL", &*redis_url),
        ("DOORBUSTER_REDIS_TIMEOUT", "1s"),
    ]);
    let server = shop.serve(&environment);
    server.await_redis();
    asked(&server, &format!("00-{PARENT}-01")).with(200);
    let root = collector.wait_for("the request", |seen| {
        seen.span.name == "GET /products/{id}" && PARENT.starts_with(&seen.trace_id())
    });
    let trace = collector.trace(&root.trace_id());
    let (l1, l2) = (named(&trace, "L1"), named(&trace, "L2"));
    let (store, replica) = (named(&trace, "store"), named(&trace, "replica"));
    assert_eq!(l1.attributes["doorbuster.cache.hit"], "false");
    assert_eq!(l2.attributes["doorbuster.redis.result"], "lease");
    assert_eq!(replica.attributes["db.system.name"], "postgresql");
    let parents = [l1, l2, store, replica].map(Seen::parent);
    assert_eq!(parents, [root.id(), l1.id(), l1.id(), store.id()]);
    assert!(
        trace.iter().all(|it| it.span.name != "primary"),
        "{trace:#?}"
    );
}

#[test]
fn a_request_and_the_job_it_started_are_one_trace() {
    let (shop, collector) = (lamp(), Collector::start());
    let url = collector.url();
    let server = shop.serve_with(&[], &tracing(&url, "100%"));
    let review = json!({
        "rating": 4, "body": "Lights the whole desk, and does not flicker.",
        "author": "Ada", "customer": "ada@example.com",
    });
    let headers = [("content-type", "application/json")];
    let reply = server.send("POST", "/products/1/reviews", &headers, review.to_string());
    let told = reply.with(202).header("traceresponse").unwrap().to_owned();
    let job = collector.wait_for("the job", is_named("job review.moderate"));
    let root = collector.wait_for("the request", is_named("POST /products/{id}/reviews"));
    assert_eq!(job.trace_id(), root.trace_id());
    assert_eq!(job.parent(), root.id());
    assert_eq!(told, format!("00-{}-{}-01", root.trace_id(), root.id()));
    assert_eq!(
        job.attributes["messaging.destination.name"],
        "review.moderate"
    );
    assert_eq!(job.span.kind, 5);
}

#[test]
fn what_others_say_of_a_trace_goes_along_into_a_job() {
    let (shop, collector) = (lamp(), Collector::start());
    let url = collector.url();
    let server = shop.serve_with(&[], &tracing(&url, "0%"));
    let review = json!({
        "rating": 4, "body": "Lights the whole desk, and does not flicker.",
        "author": "Ada", "customer": "ada@example.com",
    });
    let headers = [
        ("content-type", "application/json"),
        ("traceparent", &*format!("00-{PARENT}-01")),
        ("tracestate", "other=1"),
    ];
    let reply = server.send("POST", "/products/1/reviews", &headers, review.to_string());
    reply.with(202);
    let job = collector.wait_for("the job", is_named("job review.moderate"));
    assert!(PARENT.starts_with(&job.trace_id()), "{job:#?}");
    assert_eq!(job.span.trace_state, "other=1");
    server.stop();
}

#[test]
fn a_search_is_a_step() {
    let (shop, collector) = (lamp(), Collector::start());
    let url = collector.url();
    let server = shop.serve_with(&[], &tracing(&url, "100%"));
    server.get("/search?q=lamp").with(200);
    let search = collector.wait_for("the search", is_named("search"));
    let root = collector.wait_for("the request", is_named("GET /search"));
    assert_eq!(search.trace_id(), root.trace_id());
    assert!(search.attributes.contains_key("doorbuster.search.found"));
    server.stop();
}

#[test]
fn variables_of_opentelemetry_count_where_ours_say_nothing() {
    let (shop, collector) = (lamp(), Collector::start());
    let url = collector.url();
    let mut environment = vec![
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*url),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=lamps"),
        ("OTEL_SERVICE_NAME", "theirs"),
        ("DOORBUSTER_TELEMETRY_SAMPLE_RATIO", "100%"),
    ];
    let server = shop.serve_with(&[], &environment);
    server.get("/products/1").with(200);
    let seen = collector.wait_for("the request", is_named("GET /products/{id}"));
    assert_eq!(seen.service["service.name"], "theirs");
    assert!(collector.heads()[0].contains("x-tenant: lamps"));
    server.stop();
    environment.push(("DOORBUSTER_TELEMETRY_SERVICE_NAME", "ours"));
    let server = shop.serve_with(&[], &environment);
    server.get("/products/1").with(200);
    collector.wait_for("one of ours", |it| it.service["service.name"] == "ours");
    server.stop();
}

#[test]
fn metrics_are_told_with_the_names_that_are_scraped() {
    use std::collections::BTreeSet;
    let (shop, collector) = (lamp(), Collector::start());
    let url = collector.url();
    let mut environment = tracing(&url, "0%");
    environment.push(("DOORBUSTER_TELEMETRY_METRICS_EVERY", "50ms"));
    let server = shop.serve_with(&[], &environment);
    server.get("/products/1").with(200);
    let text = String::from_utf8(server.get_admin("/metrics").with(200).body).unwrap();
    let scraped: BTreeSet<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .map(str::to_owned)
        .collect();
    let told = within(PATIENCE, "the metrics", || collector.metrics().pop());
    let told = &told.scope_metrics[0].metrics;
    let names: BTreeSet<_> = told.iter().map(|it| it.name.clone()).collect();
    assert_eq!(names, scraped);
    let taken = "doorbuster_metric_exports_total{result=\"taken\"} ";
    within(PATIENCE, "it is counted", || {
        (counted(&server, taken) > 0).then_some(())
    });
    server.stop();
}

#[test]
fn a_collector_that_hangs_or_is_gone_holds_up_nobody() {
    let shop = lamp();
    let hangs = Collector::that_hangs();
    let gone = format!("http://127.0.0.1:{}", free_port());
    for (url, result) in [(hangs.url(), "queue_full"), (gone, "not_taken")] {
        let server = shop.serve_with(&[], &tracing(&url, "100%"));
        let dropped = format!("doorbuster_trace_spans_total{{result=\"{result}\"}} ");
        within(Duration::from_mins(1), "drops are counted", || {
            for _ in 0..100 {
                server.get("/products/1").with(200);
            }
            (counted(&server, &dropped) > 0).then_some(())
        });
        assert_eq!(
            counted(
                &server,
                "doorbuster_trace_spans_total{result=\"exported\"} "
            ),
            0
        );
        server.stop();
    }
}

#[test]
fn lines_of_a_traced_request_bear_its_trace() {
    let (shop, collector) = (lamp(), Collector::start());
    let url = collector.url();
    let mut environment = tracing(&url, "0%");
    environment.push(("DOORBUSTER_TELEMETRY_ACCESS_LOG", "on"));
    let server = shop.serve_with(&[], &environment);
    asked(&server, &format!("00-{PARENT}-01")).with(200);
    asked(&server, &format!("00-{PARENT}-00")).with(200);
    let traces = within(PATIENCE, "both lines", || {
        let lines = server.program.log.lines();
        let lines = lines
            .iter()
            .filter_map(|line| serde_json::from_str(line).ok());
        let lines = lines.filter(|line: &serde_json::Value| line["target"] == "access");
        let traces: Vec<_> = lines.map(|line| line["trace_id"].clone()).collect();
        (traces.len() == 2).then_some(traces)
    });
    assert_eq!(traces, [json!(PARENT[..32]), json!(null)]);
}
