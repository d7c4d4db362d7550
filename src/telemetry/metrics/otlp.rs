//! Metrics in the messages of OTLP 1 (<https://opentelemetry.io/docs/specs/otlp/>): cumulative from the start of the process,
//! as Prometheus has them.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric as Family,
    NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message as _;

use super::{Kind, Metric, Number, Samples, seconds};
use crate::telemetry::histogram::{BOUNDS, Durations};
use crate::telemetry::otlp::{scope, text};

/// One message with all metrics.
pub struct Message {
    families: Vec<Family>,
    labels: &'static [super::Label],
    /// In nanoseconds since 1970.
    started: u64,
    now: u64,
}

impl Message {
    /// Of a process that was started then. In seconds since 1970.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "negative times are none"
    )]
    pub fn new(started: f64, now: f64) -> Self {
        let nanos = |seconds: f64| (seconds * 1e9) as u64;
        Self {
            families: Vec::new(),
            labels: &[],
            started: nanos(started),
            now: nanos(now),
        }
    }

    /// All of it, of this process.
    pub(super) fn encode(self, resource: &Resource) -> Vec<u8> {
        let request = ExportMetricsServiceRequest {
            resource_metrics: vec![ResourceMetrics {
                resource: Some(resource.clone()),
                scope_metrics: vec![ScopeMetrics {
                    scope: Some(scope()),
                    metrics: self.families,
                    ..ScopeMetrics::default()
                }],
                ..ResourceMetrics::default()
            }],
        };
        request.encode_to_vec()
    }

    fn attributes(&self, values: &[&str]) -> Vec<KeyValue> {
        debug_assert_eq!(self.labels.len(), values.len());
        let labels = self.labels.iter().zip(values);
        labels
            .map(|(label, value)| text(label.name, value))
            .collect()
    }

    fn data(&mut self) -> Option<&mut Data> {
        self.families.last_mut()?.data.as_mut()
    }
}

impl Samples for Message {
    fn begin(&mut self, metric: &'static Metric) -> &mut Self {
        self.labels = metric.labels;
        let cumulative = AggregationTemporality::Cumulative.into();
        let data = match metric.kind {
            Kind::Counter => Data::Sum(Sum {
                aggregation_temporality: cumulative,
                is_monotonic: true,
                ..Sum::default()
            }),
            Kind::Gauge => Data::Gauge(Gauge::default()),
            Kind::Histogram => Data::Histogram(Histogram {
                aggregation_temporality: cumulative,
                ..Histogram::default()
            }),
        };
        self.families.push(Family {
            name: metric.name.to_owned(),
            description: metric.help.to_owned(),
            unit: metric.unit().to_owned(),
            data: Some(data),
            ..Family::default()
        });
        self
    }

    fn sample(&mut self, labels: &[&str], value: impl Into<Number>) -> &mut Self {
        let value = match value.into() {
            Number::Whole(number) => Value::AsInt(i64::try_from(number).unwrap_or(i64::MAX)),
            Number::Real(number) => Value::AsDouble(number),
        };
        let mut point = NumberDataPoint {
            attributes: self.attributes(labels),
            time_unix_nano: self.now,
            value: Some(value),
            ..NumberDataPoint::default()
        };
        let started = self.started;
        match self.data() {
            Some(Data::Sum(sum)) => {
                point.start_time_unix_nano = started;
                sum.data_points.push(point);
            }
            Some(Data::Gauge(gauge)) => gauge.data_points.push(point),
            _ => {}
        }
        self
    }

    #[expect(clippy::cast_precision_loss, reason = "seconds of a sum")]
    fn durations(&mut self, labels: &[&str], durations: &Durations) -> &mut Self {
        let point = HistogramDataPoint {
            attributes: self.attributes(labels),
            start_time_unix_nano: self.started,
            time_unix_nano: self.now,
            count: durations.count(),
            sum: Some(durations.sum as f64 / 1e9),
            bucket_counts: durations.buckets.to_vec(),
            explicit_bounds: BOUNDS.iter().map(|bound| seconds(*bound)).collect(),
            ..HistogramDataPoint::default()
        };
        if let Some(Data::Histogram(histogram)) = self.data() {
            histogram.data_points.push(point);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{CACHE_BYTES, HTTP_DURATION, HTTP_REQUESTS, LOOP_LAG};
    use super::*;
    use crate::telemetry::requests::{Code, Requests, Route};

    fn told() -> Vec<Family> {
        let requests = Requests::default();
        requests.count(Route::Product, Code::Success, Duration::from_millis(150));
        requests.count(Route::Product, Code::Success, Duration::from_secs(20));
        let durations = requests.read()[0].durations;
        let mut message = Message::new(1.0, 2.5);
        message
            .begin(&HTTP_REQUESTS)
            .sample(&["product", "2xx"], 7_u64)
            .begin(&LOOP_LAG)
            .sample(&[], 0.25)
            .begin(&CACHE_BYTES)
            .begin(&HTTP_DURATION)
            .durations(&["product"], &durations);
        let bytes = message.encode(&Resource::default());
        let request = ExportMetricsServiceRequest::decode(bytes.as_slice()).unwrap();
        request.resource_metrics[0].scope_metrics[0].metrics.clone()
    }

    #[test]
    fn what_rises_is_a_sum_since_the_start_and_what_does_not_is_a_gauge() {
        let families = told();
        let Some(Data::Sum(sum)) = &families[0].data else {
            panic!("{families:?}")
        };
        assert!(sum.is_monotonic && sum.aggregation_temporality == 2);
        let point = &sum.data_points[0];
        assert_eq!(point.value, Some(Value::AsInt(7)));
        assert_eq!(
            (point.start_time_unix_nano, point.time_unix_nano),
            (1_000_000_000, 2_500_000_000)
        );
        let expected = [text("route", "product"), text("code", "2xx")];
        assert_eq!(point.attributes, expected);
        let Some(Data::Gauge(gauge)) = &families[1].data else {
            panic!("{families:?}")
        };
        assert_eq!(gauge.data_points[0].value, Some(Value::AsDouble(0.25)));
    }

    #[test]
    fn a_histogram_has_the_bounds_of_the_promises_and_units_are_those_of_the_names() {
        let families = told();
        let Some(Data::Histogram(histogram)) = &families[3].data else {
            panic!("{families:?}")
        };
        let point = &histogram.data_points[0];
        assert_eq!(
            (point.count, point.bucket_counts.len()),
            (2, BOUNDS.len() + 1)
        );
        let within = point
            .explicit_bounds
            .iter()
            .position(|bound| bound.total_cmp(&0.15).is_eq());
        assert_eq!(point.bucket_counts[within.unwrap()], 1);
        assert_eq!(
            point.bucket_counts.last(),
            Some(&1),
            "beyond the last bound"
        );
        let units: Vec<_> = families.iter().map(|it| it.unit.as_str()).collect();
        assert_eq!(units, ["1", "s", "By", "s"]);
    }
}
