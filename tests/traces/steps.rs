//! Steps that are seen: the limits, and what is tried again.

use serde_json::json;

use super::{PARENT, is_named, lamp, named, tracing};
use crate::harness::{Collector, PATIENCE, Receiver, Redis, Seen, Server, within};

const POLICY: &str = "DOORBUSTER_LIMITS_POLICY";

/// One request an hour.
fn policy(counting: &str) -> String {
    let window = json!({ "name": "hour", "quota": 1, "window": "1h" });
    json!([{ "name": "few", "windows": [window], "counting": counting }]).to_string()
}

fn asked(server: &Server, status: u16) {
    let headers = [("traceparent", &*format!("00-{PARENT}-01"))];
    server.request("GET", "/products/1", &headers).with(status);
}

#[test]
fn the_limits_are_a_step_of_what_passed_and_of_what_did_not() {
    let (shop, redis) = (lamp(), Redis::start());
    for counting in ["local", "strict"] {
        let collector = Collector::start();
        let (url, redis_url, policy) = (collector.url(), redis.url(), policy(counting));
        let mut environment = tracing(&url, "0%");
        environment.extend([
            (POLICY, &*policy),
            ("DOORBUSTER_LIMITS_REDIS_TIMEOUT", "1s"),
            ("DOORBUSTER_REDIS_TIMEOUT", "1s"),
        ]);
        let server = shop.serve_with(&["--redis-url", &redis_url], &environment);
        if counting == "strict" {
            within(PATIENCE, "Redis counts", || {
                let status = server.get_admin("/admin/limits").with(200).json();
                (status["redis"]["up"] == true).then_some(())
            });
        }
        asked(&server, 200);
        asked(&server, 429);
        let status = |status: &'static str| {
            move |seen: &Seen| {
                let code = seen.attributes.get("http.response.status_code");
                code.is_some_and(|code| code == status)
            }
        };
        let passed = collector.wait_for("who passed", status("200"));
        let refused = collector.wait_for("who did not", status("429"));
        for root in [&passed, &refused] {
            // Who asks too often is no failure of ours.
            assert!(!root.is_error(), "{counting}: {root:#?}");
            let spans = collector.trace(&root.trace_id());
            let of_it = |seen: &&Seen| seen.parent() == root.id();
            let steps: Vec<_> = spans.iter().filter(of_it).collect();
            let limits = steps.iter().filter(|it| it.span.name == "rate limit");
            assert_eq!(limits.count(), 1, "{counting}: {spans:#?}");
        }
        let spans = collector.trace(&refused.trace_id());
        let behind = |seen: &&Seen| seen.span.name == "L1" && seen.parent() == refused.id();
        assert_eq!(spans.iter().filter(behind).count(), 0, "{spans:#?}");
        server.stop();
    }
}

#[test]
fn each_attempt_of_a_job_is_told_of_with_what_went_wrong() {
    let (shop, collector, receiver) = (lamp(), Collector::start(), Receiver::start());
    receiver.answer(&[500, 429]);
    let (url, hook) = (collector.url(), format!("{}/hook", receiver.url()));
    // Of what goes well nothing is told.
    let mut environment = tracing(&url, "0%");
    environment.extend([
        ("DOORBUSTER_WEBHOOKS_URLS", &*hook),
        (
            "DOORBUSTER_WEBHOOKS_SECRET",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        ),
        ("DOORBUSTER_WEBHOOKS_ALLOW_PRIVATE", "true"),
    ]);
    let server = shop.serve_with(&[], &environment);
    within(PATIENCE, "the stream is followed", || {
        let looked = "SELECT count(*) FROM outbox_follower WHERE name = 'webhooks'";
        (shop.database().number(looked) == 1).then_some(())
    });
    shop.import(&[crate::harness::product("lamp", "Lantern")]);
    let attempt = |number: &'static str| {
        move |seen: &Seen| {
            is_named("job webhook.deliver")(seen)
                && seen.attributes["doorbuster.job.attempt"] == number
        }
    };
    for (number, status) in [("1", "500"), ("2", "429")] {
        let job = collector.wait_for("an attempt", attempt(number));
        assert!(job.is_error(), "{job:#?}");
        assert_eq!(job.attributes["error.type"], "failed");
        let message = &job.span.status.as_ref().unwrap().message;
        assert!(message.contains(status), "{message:?} {status}");
        let spans = collector.trace(&job.trace_id());
        let webhook = named(&spans, "webhook");
        assert_eq!(webhook.parent(), job.id());
        assert!(webhook.is_error(), "{webhook:#?}");
        // The next attempt would be some seconds later.
        within(PATIENCE, "it waits", || {
            let waits =
                "SELECT count(*) FROM job WHERE kind = 'webhook.deliver' AND state = 'scheduled'";
            (shop.database().number(waits) == 1).then_some(())
        });
        let now = "UPDATE job SET run_at = 0 WHERE kind = 'webhook.deliver'";
        shop.database().execute(now, []).unwrap();
    }
    let sent = "SELECT count(*) FROM webhook_sent WHERE version = 2";
    within(PATIENCE, "it is taken", || {
        (shop.database().number(sent) == 1).then_some(())
    });
    server.stop();
    let told = collector.spans();
    let attempts = told.iter().filter(|it| is_named("job webhook.deliver")(it));
    assert_eq!(attempts.count(), 2, "{told:#?}");
}
