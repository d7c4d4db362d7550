//! Objectives: what a node says of its own, and that Prometheus, with the rules that are exported, says the same.

mod guards;

use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::time::Duration;

use doorbuster::config::Percent;
use doorbuster::slo::{Events, Latency, Objectives, Slo, Target, export};
use serde_json::{Value, json};

use crate::harness::{PATIENCE, Server, Shop, product, within};

const DEFAULTS: Objectives = Objectives {
    availability: Target {
        slo: Percent(999_500),
        sla: Percent(999_000),
    },
    latency: Target {
        slo: Percent(950_000),
        sla: Percent(950_000),
    },
    fast: Latency {
        slo: Duration::from_millis(150),
        sla: Duration::from_millis(200),
    },
    errors: Target {
        slo: Percent(999_500),
        sla: Percent(999_000),
    },
    min_requests: 1_000,
    freeze: true,
};

/// Counters of a node, minute by minute.
#[derive(Default)]
struct Replay {
    answered: Vec<u64>,
    unavailable: Vec<u64>,
    failed: Vec<u64>,
    limited: Vec<u64>,
    fast: Vec<u64>,
}

impl Replay {
    /// So many minutes of so many requests, of which some parts in ten thousand are told 503, fail, or are slow; and as
    /// many again are refused for asking too often.
    fn minutes(&mut self, minutes: usize, total: u64, [unavailable, failed, slow]: [u64; 3]) {
        let parts = |of: u64| total * of / 10_000;
        for _ in 0..minutes {
            let add = |to: &mut Vec<u64>, more: u64| to.push(to.last().unwrap_or(&0) + more);
            let answered = total - parts(unavailable) - parts(failed);
            add(&mut self.answered, answered);
            add(&mut self.unavailable, parts(unavailable));
            add(&mut self.failed, parts(failed));
            add(&mut self.limited, total);
            add(&mut self.fast, answered - parts(slow).min(answered));
        }
    }

    /// What the objectives count of it at a minute.
    fn events(&self, minute: usize) -> [Events; 3] {
        let of = |total, bad| Events {
            total,
            bad,
            broken: bad,
        };
        let (answered, unavailable) = (self.answered[minute], self.unavailable[minute]);
        let failed = self.failed[minute];
        let total = answered + unavailable + failed;
        [
            of(total, unavailable + failed),
            of(answered, answered - self.fast[minute]),
            of(total, failed),
        ]
    }

    /// The series, as promtool reads them.
    fn series(&self) -> String {
        let mut text = String::new();
        let requests = |code: &str| {
            format!("doorbuster_http_requests_total{{route=\"product\",code=\"{code}\"}}")
        };
        let durations = "doorbuster_http_request_duration_seconds";
        for (name, values) in [
            (requests("2xx"), &self.answered),
            (requests("503"), &self.unavailable),
            (requests("5xx"), &self.failed),
            (requests("429"), &self.limited),
            (
                format!("{durations}_count{{route=\"product\"}}"),
                &self.answered,
            ),
            (
                format!("{durations}_bucket{{route=\"product\",le=\"0.15\"}}"),
                &self.fast,
            ),
            (
                "doorbuster_build_info{version=\"0\",node=\"a\"}".to_owned(),
                &vec![1; self.answered.len()],
            ),
        ] {
            let values: Vec<_> = values.iter().map(ToString::to_string).collect();
            let _ = write!(
                text,
                "      - series: '{name}'\n        values: '{}'\n",
                values.join(" ")
            );
        }
        text
    }
}

/// Healthy days with all that makes an alert: a blip, an outage, a slow leak, slowness, and a night with hardly anybody.
fn four_days() -> Replay {
    let mut replay = Replay::default();
    replay.minutes(1, 0, [0, 0, 0]);
    replay.minutes(400, 2_000, [0, 0, 100]);
    replay.minutes(2, 2_000, [300, 0, 0]);
    replay.minutes(300, 2_000, [0, 0, 100]);
    replay.minutes(12, 2_000, [2_000, 1_000, 0]);
    replay.minutes(500, 2_000, [0, 0, 200]);
    replay.minutes(240, 2_000, [0, 35, 0]);
    replay.minutes(600, 3_000, [0, 0, 0]);
    replay.minutes(90, 3_000, [0, 0, 9_000]);
    replay.minutes(500, 2_000, [0, 0, 100]);
    replay.minutes(700, 3, [0, 5_000, 5_000]);
    replay.minutes(300, 2_000, [10, 0, 0]);
    replay.minutes(1_500, 2_000, [8, 0, 300]);
    replay.minutes(600, 2_000, [0, 0, 0]);
    replay
}

const MINUTE: i64 = 60;
/// Any turn of a minute.
const BEGIN: i64 = 1_700_000_040;
/// Minutes between two comparisons.
const EVERY: usize = 10;

/// What fires at each comparison, by our own engine: objective, severity, long and short window.
fn firing(replay: &Replay) -> Vec<(usize, Vec<[&'static str; 4]>)> {
    let slo = Slo::open(DEFAULTS, None, BEGIN);
    let mut all = Vec::new();
    for minute in 0..replay.answered.len() {
        let now = BEGIN + i64::try_from(minute).unwrap() * MINUTE;
        slo.observe(now, replay.events(minute));
        if minute % EVERY == 0 {
            let status = slo.status();
            let objectives = status.objectives.iter();
            let firing = objectives.flat_map(|objective| {
                let alerts = objective.alerts.iter().filter(|alert| alert.is_firing);
                alerts.map(|alert| [objective.name, alert.severity, alert.long, alert.short])
            });
            all.push((minute, firing.collect()));
        }
    }
    all
}

/// A test of promtool's that fails unless exactly these alerts fire.
fn promtool_test(replay: &Replay, expected: &[(usize, Vec<[&str; 4]>)]) -> String {
    let mut text = format!(
        "rule_files: [rules.yml]\nevaluation_interval: {EVERY}m\ntests:\n  - interval: 1m\n    input_series:\n{}    \
         alert_rule_test:\n",
        replay.series()
    );
    for (minute, firing) in expected {
        let _ = write!(
            text,
            "      - eval_time: {minute}m\n        alertname: DoorbusterErrorBudgetBurn\n"
        );
        if firing.is_empty() {
            continue;
        }
        text.push_str("        exp_alerts:\n");
        for [slo, severity, long, short] in firing {
            let factor = match *long {
                "1h" => "14.4",
                "6h" => "6",
                "1d" => "3",
                _ => "1",
            };
            let advice = if *severity == "page" { "now" } else { "today" };
            let _ = write!(
                text,
                "          - exp_labels: {{slo: {slo}, severity: {severity}, long: {long}, short: {short}}}\n            \
                 exp_annotations:\n              summary: The error budget of {slo} is spent more than {factor} times too \
                 fast over {long} and over {short}. Look {advice}.\n              runbook: \
                 docs/runbook.md#doorbustererrorbudgetburn\n"
            );
        }
    }
    text
}

#[test]
fn prometheus_fires_and_clears_exactly_when_we_do() {
    let folder = tempfile::tempdir().unwrap();
    let replay = four_days();
    let expected = firing(&replay);
    // A comparison in which nothing fires, or everything does, would tell nothing.
    for severity in ["page", "ticket"] {
        for slo in ["availability", "latency", "errors"] {
            let is_firing = |(_, firing): &&(usize, Vec<[&str; 4]>)| {
                firing.iter().any(|it| it[0] == slo && it[1] == severity)
            };
            let times = expected.iter().filter(is_firing).count();
            assert!(
                (1..expected.len() / 2).contains(&times),
                "{slo} {severity}: {times}"
            );
        }
    }
    fs::write(
        folder.path().join("rules.yml"),
        export::prometheus(&DEFAULTS),
    )
    .unwrap();
    let test = promtool_test(&replay, &expected);
    fs::write(folder.path().join("test.yml"), &test).unwrap();
    let promtool = |arguments: &[&str]| {
        let output = Command::new("promtool")
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .expect("promtool runs: scripts/setup installs it");
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    };
    let (is_good, said) = promtool(&["check", "rules", "rules.yml"]);
    assert!(is_good, "{said}");
    let (is_good, said) = promtool(&["test", "rules", "test.yml"]);
    assert!(is_good, "{said}");

    // And it would tell: where one alert is missing from what is expected, the same test fails.
    let (minute, firing) = expected.iter().find(|(_, it)| !it.is_empty()).unwrap();
    let wrong = [(*minute, firing[1..].to_vec())];
    fs::write(
        folder.path().join("test.yml"),
        promtool_test(&replay, &wrong),
    )
    .unwrap();
    let (is_good, said) = promtool(&["test", "rules", "test.yml"]);
    assert!(!is_good && said.contains("FAILED"), "{said}");
}

fn objectives(server: &Server) -> Vec<Value> {
    let status = server.get_admin("/admin/slo").with(200).json();
    status["objectives"].as_array().unwrap().clone()
}

#[test]
fn a_node_counts_what_customers_got_and_remembers_it() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    for _ in 0..3 {
        server.get("/products/1").with(200);
    }
    server.get("/products/2").with(404);
    server.get("/healthz").with(200);
    let before = objectives(&server);
    let [availability, latency, errors] = before.as_slice() else {
        panic!("{before:?}")
    };
    assert_eq!(
        (&availability["events"], &availability["bad"]),
        (&json!(4), &json!(0))
    );
    assert_eq!((&errors["events"], &errors["bad"]), (&json!(4), &json!(0)));
    assert_eq!(latency["events"], 4);
    assert_eq!(availability["budget"]["left_ratio"], 1.0);
    assert_eq!(availability["budget"]["minutes"].to_string()[..4], *"21.6");
    server.stop();

    let server = shop.serve();
    let after = objectives(&server);
    assert_eq!(after[0]["events"], 4, "of before the restart");
    assert_eq!(after[0]["counted"]["total"], 0, "of this process");

    let node = format!("--node=http://{}", server.admin);
    let said = shop.run("slo", &[&node]).with(0).stdout;
    for word in [
        "availability",
        "99.95",
        "99.90",
        "latency",
        "errors",
        "21.6 of 21.6",
    ] {
        assert!(said.contains(word), "{word}: {said}");
    }
    let said = shop.run("slo", &[&node, "--json"]).with(0).summary();
    assert_eq!(said["nodes"][0]["answer"]["objectives"][0]["events"], 4);
    shop.run("slo", &["--node=http://127.0.0.1:1"]).with(1);
}

#[test]
fn a_shed_spends_the_budget_and_a_risky_flag_waits_until_there_is_some() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve_with(&[], &[("DOORBUSTER_SLO_MIN_REQUESTS", "5")]);
    let put = |key: &str, body: Value| {
        let headers = [("content-type", "application/json")];
        let path = format!("/admin/flags/{key}");
        server.send_admin("PUT", &path, &headers, body.to_string())
    };
    let risky = |variant: &str| {
        json!({
            "state": "ENABLED",
            "variants": { "on": true, "off": false },
            "defaultVariant": variant,
            "metadata": { "risky": true },
        })
    };
    put("new_checkout", json!({ "definition": risky("off") })).with(200);
    put("new_checkout", json!({ "variant": "on" })).with(200);
    put("new_checkout", json!({ "variant": "off" })).with(200);

    put("search", json!({ "variant": "off", "reason": "a test" })).with(200);
    for _ in 0..5 {
        server.get("/search?q=lamp").with(503);
    }
    within(PATIENCE, "the budget is gone", || {
        let status = server.get_admin("/admin/slo").with(200).json();
        (status["is_frozen"] == true).then_some(())
    });
    let seen = objectives(&server);
    assert_eq!(seen[0]["bad"], 5, "{seen:?}");
    assert_eq!(seen[2]["bad"], 0, "nothing failed: {seen:?}");

    let refused = put("new_checkout", json!({ "variant": "on" }))
        .with(409)
        .json();
    assert_eq!(refused["code"], "budget-gone");
    // Neither is a way around it…
    let mut tame = risky("on");
    tame["metadata"] = json!({});
    put("new_checkout", json!({ "definition": tame })).with(409);
    put("other", json!({ "definition": risky("on") })).with(409);
    // …and what is not risky, or is switched off, is nobody's worry.
    put("new_checkout", json!({ "variant": "off" })).with(200);
    put("search", json!({ "variant": "on" })).with(200);
    put(
        "new_checkout",
        json!({ "variant": "on", "despite_budget": true }),
    )
    .with(200);
}

#[test]
fn objectives_are_exported_as_they_are_configured() {
    let shop = Shop::empty();
    let rules = shop.run("slo", &["export", "--format=prometheus"]).with(0);
    assert_eq!(rules.stdout, export::prometheus(&DEFAULTS));
    let documents = shop
        .run("slo", &["export", "--format=openslo"])
        .with(0)
        .stdout;
    assert_eq!(
        documents.matches("apiVersion: openslo/v1").count(),
        4,
        "{documents}"
    );
    assert!(documents.contains("target: 0.9995"), "{documents}");
    shop.run("slo", &["export", "--format=pyrra"]).with(64);
}
