//! Spans in the messages of OTLP 1 (<https://opentelemetry.io/docs/specs/otlp/>).

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind as Kind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

use super::record::{AttributeValue, SpanKind, SpanRecord};
use super::recorder::{Finished, Recorder};
use crate::telemetry::otlp::scope;

/// One message for all of them.
pub(super) fn request(resource: &Resource, batch: Vec<Finished>) -> ExportTraceServiceRequest {
    let spans = batch.into_iter().flat_map(|finished| {
        let recorder = finished.recorder;
        let spans = finished.spans.into_iter();
        spans.map(move |record| span(&recorder, record))
    });
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource.clone()),
            scope_spans: vec![ScopeSpans {
                scope: Some(scope()),
                spans: spans.collect(),
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
}

fn span(recorder: &Recorder, record: SpanRecord) -> Span {
    /// Bits of the flags: whether the parent is elsewhere is known, and it is.
    const KNOWN: u32 = 0x100;
    const IS_REMOTE: u32 = 0x200;

    let parent = recorder.parent.as_ref();
    let is_root = record.id == recorder.root.span_id;
    let remote = if is_root && parent.is_some() {
        IS_REMOTE
    } else {
        0
    };
    let kind = match record.kind {
        SpanKind::Internal => Kind::Internal,
        SpanKind::Server => Kind::Server,
        SpanKind::Client => Kind::Client,
        SpanKind::Consumer => Kind::Consumer,
    };
    let state = parent.and_then(|parent| parent.state.as_deref());
    let parent_span_id = match record.parent {
        0 => Vec::new(),
        id => id.to_be_bytes().to_vec(),
    };
    let attributes = record.attributes.into_iter();
    Span {
        trace_id: recorder.root.trace_id.to_be_bytes().to_vec(),
        span_id: record.id.to_be_bytes().to_vec(),
        trace_state: state.unwrap_or_default().to_owned(),
        parent_span_id,
        flags: u32::from(recorder.root.flags()) | KNOWN | remote,
        name: record.name.into_owned(),
        kind: kind.into(),
        start_time_unix_nano: record.start,
        end_time_unix_nano: record.end,
        attributes: attributes
            .map(|(name, value)| attribute(name, value))
            .collect(),
        status: record.error.map(|message| Status {
            message: message.into_owned(),
            code: StatusCode::Error.into(),
        }),
        ..Span::default()
    }
}

fn attribute(name: &str, value: AttributeValue) -> KeyValue {
    let value = match value {
        AttributeValue::Text(text) => Value::StringValue(text.into_owned()),
        AttributeValue::Number(number) => Value::IntValue(number),
        AttributeValue::Flag(flag) => Value::BoolValue(flag),
    };
    KeyValue {
        key: name.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}
