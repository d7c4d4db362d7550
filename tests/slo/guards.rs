//! What counts, what does not, and what is told where there is nothing to be counted.

use std::fs;
use std::process::Command;

use doorbuster::slo::export;
use serde_json::json;

use super::{DEFAULTS, objectives};
use crate::harness::{PATIENCE, Shop, product, within};

#[test]
fn who_asks_too_often_spends_no_budget_and_is_counted() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let window = json!({ "name": "hour", "quota": 2, "window": "1h" });
    let policy = json!([{ "name": "few", "windows": [window] }]).to_string();
    let server = shop.serve_with(&[], &[("DOORBUSTER_LIMITS_POLICY", &policy)]);
    for status in [200, 200, 429, 429, 429] {
        server.get("/products/1").with(status);
    }
    within(PATIENCE, "all is counted", || {
        (objectives(&server)[0]["events"] == 2).then_some(())
    });
    let seen = objectives(&server);
    let [availability, latency, errors] = seen.as_slice() else {
        panic!("{seen:?}")
    };
    // Whether a busy machine was fast enough with those is another matter.
    assert_eq!(latency["events"], 2);
    for objective in [availability, errors] {
        assert_eq!(
            (&objective["events"], &objective["bad"]),
            (&json!(2), &json!(0))
        );
    }
    let text = String::from_utf8(server.get_admin("/metrics").with(200).body).unwrap();
    let counted = text.lines().find(|line| {
        line.starts_with("doorbuster_http_requests_total{")
            && line.contains("route=\"product\"")
            && line.contains("code=\"429\"")
    });
    assert!(counted.is_some_and(|line| line.ends_with(" 3")), "{text}");
}

#[test]
fn it_is_told_where_no_node_is_seen() {
    // There for ten minutes, gone for thirty, and back. What was seen last counts for five, and the alert waits for five.
    const TEST: &str = "\
rule_files: [rules.yml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - series: doorbuster_build_info{version=\"1\"}
        values: '1x10 _x30 1x10'
    alert_rule_test:
      - {eval_time: 10m, alertname: DoorbusterMetricsAbsent}
      - {eval_time: 18m, alertname: DoorbusterMetricsAbsent}
      - eval_time: 25m
        alertname: DoorbusterMetricsAbsent
        exp_alerts:
          - exp_labels: {severity: page}
            exp_annotations:
              summary: No node of Doorbuster is seen. No objective can be watched.
              runbook: docs/runbook.md#doorbustermetricsabsent
      - {eval_time: 43m, alertname: DoorbusterMetricsAbsent}
";
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    put("rules.yml", &export::prometheus(&DEFAULTS));
    put("test.yml", TEST);
    let output = Command::new("promtool")
        .args(["test", "rules", "test.yml"])
        .current_dir(folder.path())
        .output()
        .expect("promtool runs: scripts/setup installs it");
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "{said}");
}
