//! The objectives in the words of others: rules for Prometheus, which works out the same for a whole fleet, and `OpenSLO`.

use std::fmt::Write as _;

use super::objective::{ALERTS, Name, Objectives, Severity, WINDOWS};
use crate::telemetry::{Route, metrics};

/// Health is nobody's request; a client that asks too often, or leaves, has itself to thank.
const REQUESTS: &str = r#"route!="health",code!~"429|cancelled""#;

/// What is counted, in the language of Prometheus.
struct Indicator {
    total: String,
    /// The bad ones, or what is to be taken from all for them.
    bad: Part,
}

enum Part {
    Is(String),
    AllBut(String),
}

impl Indicator {
    fn of(objectives: &Objectives, name: Name) -> Self {
        let requests = metrics::HTTP_REQUESTS.name;
        let durations = metrics::HTTP_DURATION.name;
        let all = format!("{requests}{{{REQUESTS}}}");
        let bad = |code: &str| Part::Is(format!("{requests}{{route!=\"health\",{code}}}"));
        match name {
            Name::Availability => Self {
                total: all,
                bad: bad("code=~\"5xx|503\""),
            },
            Name::Errors => Self {
                total: all,
                bad: bad("code=\"5xx\""),
            },
            Name::Latency => {
                let reads = Route::ALL.into_iter().filter(|it| it.is_product_read());
                let reads: Vec<_> = reads.map(Route::name).collect();
                let reads = format!("route=~\"{}\"", reads.join("|"));
                let bound = objectives.fast.slo.as_secs_f64();
                Self {
                    total: format!("{durations}_count{{{reads}}}"),
                    bad: Part::AllBut(format!("{durations}_bucket{{{reads},le=\"{bound}\"}}")),
                }
            }
        }
    }

    fn total(&self, function: &str, window: &str) -> String {
        format!("sum({function}({}[{window}]))", self.total)
    }

    fn bad(&self, function: &str, window: &str) -> String {
        match &self.bad {
            Part::Is(bad) => format!("sum({function}({bad}[{window}]))"),
            Part::AllBut(good) => format!(
                "({} - sum({function}({good}[{window}])))",
                self.total(function, window)
            ),
        }
    }
}

/// Recording and alerting rules, as a file of Prometheus's.
pub fn prometheus(objectives: &Objectives) -> String {
    let mut text =
        "# Written by `doorbuster slo export --format prometheus`.\ngroups:\n".to_owned();
    for name in Name::ALL {
        group(&mut text, objectives, name);
    }
    let built = metrics::BUILD_INFO.name;
    let _ = write!(
        text,
        "- name: doorbuster-slo-absence
  rules:
  - alert: DoorbusterMetricsAbsent
    expr: absent({built})
    for: 5m
    labels:
      severity: page
    annotations:
      summary: No node of Doorbuster is seen. No objective can be watched.
      runbook: docs/runbook.md#doorbustermetricsabsent
"
    );
    text
}

fn group(text: &mut String, objectives: &Objectives, name: Name) {
    let indicator = Indicator::of(objectives, name);
    let slo = name.as_str();
    let allowed = objectives.target(name).slo.rest().ratio();
    let mut rules = Vec::new();
    for window in WINDOWS {
        let window = window.name;
        let (bad, total) = (
            indicator.bad("rate", window),
            indicator.total("rate", window),
        );
        rules.push(record(
            slo,
            "bad:ratio_rate",
            window,
            &format!("{bad} / {total}"),
        ));
    }
    for alert in ALERTS {
        let window = WINDOWS[alert.long].name;
        let total = indicator.total("increase", window);
        rules.push(record(slo, "events:increase", window, &total));
    }
    let month = WINDOWS[WINDOWS.len() - 1].name;
    rules.push(record(
        slo,
        "budget_left:ratio",
        "",
        &format!("1 - doorbuster:slo_bad:ratio_rate{month}{{slo=\"{slo}\"}} / {allowed}"),
    ));
    for alert in ALERTS {
        let (long, short) = (WINDOWS[alert.long].name, WINDOWS[alert.short].name);
        let (factor, severity) = (alert.factor, alert.severity.as_str());
        let least = objectives.min_requests;
        let advice = match alert.severity {
            Severity::Page => "Look now.",
            Severity::Ticket => "Look today.",
        };
        rules.push(format!(
            r#"  - alert: DoorbusterErrorBudgetBurn
    expr: >-
      doorbuster:slo_bad:ratio_rate{long}{{slo="{slo}"}} > ({factor} * {allowed})
      and doorbuster:slo_bad:ratio_rate{short}{{slo="{slo}"}} > ({factor} * {allowed})
      and doorbuster:slo_events:increase{long}{{slo="{slo}"}} >= {least}
    labels:
      slo: {slo}
      severity: {severity}
      long: {long}
      short: {short}
    annotations:
      summary: The error budget of {slo} is spent more than {factor} times too fast over {long} and over {short}. {advice}
      runbook: docs/runbook.md#doorbustererrorbudgetburn
"#
        ));
    }
    let _ = write!(
        text,
        "- name: doorbuster-slo-{slo}\n  rules:\n{}",
        rules.concat()
    );
}

fn record(slo: &str, what: &str, window: &str, expression: &str) -> String {
    format!(
        "  - record: doorbuster:slo_{what}{window}\n    expr: {expression}\n    labels:\n      slo: {slo}\n"
    )
}

/// One service and its objectives, as documents of `OpenSLO` v1.
pub fn openslo(objectives: &Objectives) -> String {
    let mut text = "# Written by `doorbuster slo export --format openslo`.
apiVersion: openslo/v1
kind: Service
metadata:
  name: doorbuster
  displayName: Doorbuster
spec:
  description: Serves a shop's product catalogue.
"
    .to_owned();
    for name in Name::ALL {
        let indicator = Indicator::of(objectives, name);
        let (slo, target) = (name.as_str(), objectives.target(name));
        let (kind, query) = match &indicator.bad {
            Part::Is(bad) => ("bad", bad),
            Part::AllBut(good) => ("good", good),
        };
        let metric = |query: &str| {
            format!(
                "
          metricSource:
            type: Prometheus
            spec:
              query: sum({query})"
            )
        };
        let _ = write!(
            text,
            "---
apiVersion: openslo/v1
kind: SLO
metadata:
  name: doorbuster-{slo}
  displayName: Doorbuster, {slo}
spec:
  description: Promised to customers are {} (SLA).
  service: doorbuster
  indicator:
    metadata:
      name: doorbuster-{slo}
    spec:
      ratioMetric:
        counter: true
        {kind}:{}
        total:{}
  timeWindow:
  - duration: 30d
    isRolling: true
  budgetingMethod: Occurrences
  objectives:
  - displayName: {slo}
    target: {}
",
            target.sla,
            metric(query),
            metric(&indicator.total),
            target.slo.ratio(),
        );
    }
    text
}
