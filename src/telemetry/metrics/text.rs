//! Metrics as Prometheus reads them.

use std::collections::HashSet;
use std::fmt::{Display, Write as _};

use super::{BUILD_INFO, Metric, Number, Samples, seconds};
use crate::telemetry::histogram::{BOUNDS, Durations};

/// Prometheus's text format, version 0.0.4. A family is begun, and its samples follow.
pub struct Exposition {
    text: String,
    metric: &'static Metric,
    begun: HashSet<&'static str>,
}

/// Its media type.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

impl Default for Exposition {
    fn default() -> Self {
        Self {
            text: String::with_capacity(64 * 1024),
            metric: &BUILD_INFO,
            begun: HashSet::new(),
        }
    }
}

impl Samples for Exposition {
    fn begin(&mut self, metric: &'static Metric) -> &mut Self {
        debug_assert!(self.begun.insert(metric.name), "{} twice", metric.name);
        self.metric = metric;
        let (name, kind, help) = (metric.name, metric.kind.name(), metric.help);
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        self
    }

    fn sample(&mut self, labels: &[&str], value: impl Into<Number>) -> &mut Self {
        self.line("", labels, None, value.into());
        self
    }

    #[expect(clippy::cast_precision_loss, reason = "seconds of a sum")]
    fn durations(&mut self, labels: &[&str], durations: &Durations) -> &mut Self {
        let mut below = 0;
        for (at, count) in durations.buckets.iter().enumerate() {
            below += count;
            let bound = BOUNDS
                .get(at)
                .map_or("+Inf".to_owned(), |bound| seconds(*bound).to_string());
            self.line("_bucket", labels, Some(&bound), below);
        }
        self.line("_sum", labels, None, durations.sum as f64 / 1e9);
        self.line("_count", labels, None, below);
        self
    }
}

impl Exposition {
    /// All that was written.
    pub fn finish(self) -> String {
        self.text
    }

    fn line(&mut self, suffix: &str, values: &[&str], bound: Option<&str>, value: impl Display) {
        let labels = self.metric.labels;
        debug_assert_eq!(labels.len(), values.len(), "{}", self.metric.name);
        self.text.extend([self.metric.name, suffix]);
        let names = labels
            .iter()
            .map(|label| label.name)
            .chain(bound.map(|_| "le"));
        for (at, (name, value)) in names.zip(values.iter().copied().chain(bound)).enumerate() {
            self.text.push(if at == 0 { '{' } else { ',' });
            self.text.extend([name, "=\""]);
            for sign in value.chars() {
                match sign {
                    '\\' => self.text.push_str("\\\\"),
                    '"' => self.text.push_str("\\\""),
                    '\n' => self.text.push_str("\\n"),
                    sign => self.text.push(sign),
                }
            }
            self.text.push('"');
        }
        if !values.is_empty() || bound.is_some() {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{DATABASE_IN_FLIGHT, HTTP_DURATION, TAIL_LAG};
    use super::*;
    use crate::telemetry::requests::{Code, Requests, Route};

    #[test]
    fn samples_are_written_as_prometheus_reads_them() {
        let mut exposition = Exposition::default();
        exposition
            .begin(&DATABASE_IN_FLIGHT)
            .sample(&["a\"b\\c\nd", "primary"], 2_u64)
            .begin(&TAIL_LAG)
            .sample(&[], 0.25);
        assert_eq!(
            exposition.finish().lines().collect::<Vec<_>>(),
            [
                "# HELP doorbuster_database_reads_in_flight Reads that a server is at.",
                "# TYPE doorbuster_database_reads_in_flight gauge",
                "doorbuster_database_reads_in_flight{server=\"a\\\"b\\\\c\\nd\",role=\"primary\"} 2",
                "# HELP doorbuster_outbox_tail_lag_seconds Time since everything that was committed had been heard of.",
                "# TYPE doorbuster_outbox_tail_lag_seconds gauge",
                "doorbuster_outbox_tail_lag_seconds 0.25",
            ]
        );
    }

    #[test]
    fn a_histogram_counts_up_to_all() {
        let requests = Requests::default();
        for millis in [1, 150, 20_000] {
            let took = Duration::from_millis(millis);
            requests.count(Route::Product, Code::Success, took);
        }
        let durations = requests.read()[0].durations;
        let mut exposition = Exposition::default();
        exposition
            .begin(&HTTP_DURATION)
            .durations(&["product"], &durations);
        let text = exposition.finish();
        let name = HTTP_DURATION.name;
        for line in [
            "_bucket{route=\"product\",le=\"0.000001\"} 0",
            "_bucket{route=\"product\",le=\"0.001\"} 1",
            "_bucket{route=\"product\",le=\"0.15\"} 2",
            "_bucket{route=\"product\",le=\"10\"} 2",
            "_bucket{route=\"product\",le=\"+Inf\"} 3",
            "_count{route=\"product\"} 3",
            "_sum{route=\"product\"} 20.151",
        ] {
            let line = format!("\n{name}{line}\n");
            assert!(text.contains(&line), "{line}: {text}");
        }
    }
}
