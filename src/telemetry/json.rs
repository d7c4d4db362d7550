//! One flat JSON object a line.

use std::fmt;

use serde_json::{Map, Value};
use tracing::{Event, Subscriber};
use tracing_log::NormalizeEvent;
use tracing_serde::fields::AsMap;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// Writes `timestamp`, `level`, `target`, `message`, the event's fields and then those of the spans
/// around it, innermost first; where a name repeats, the inner value stays. The formatter that comes
/// with `tracing-subscriber` nests the spans, which log stores index badly.
///
/// Needs [`JsonFields`](tracing_subscriber::fmt::format::JsonFields) for the spans.
pub(super) struct FlatJson;

impl<S, N> FormatEvent<S, N> for FlatJson
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        // An event of the `log` crate has its own target among its fields.
        let normalized = event.normalized_metadata();
        let metadata = normalized.as_ref().unwrap_or_else(|| event.metadata());
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;

        let mut line = Map::new();
        line.insert("timestamp".to_owned(), timestamp.into());
        line.insert("level".to_owned(), metadata.level().as_str().into());
        line.insert("target".to_owned(), metadata.target().into());

        let mut fields = object(serde_json::to_value(event.field_map()))?;
        if normalized.is_some() {
            fields.retain(|name, _| !name.starts_with("log."));
        }
        let message = fields.shift_remove("message").unwrap_or_else(|| "".into());
        line.insert("message".to_owned(), message);
        add_fields(&mut line, fields);

        for span in context.event_scope().into_iter().flatten() {
            if let Some(fields) = span.extensions().get::<FormattedFields<N>>() {
                add_fields(&mut line, object(serde_json::from_str(fields))?);
            }
        }
        let line = serde_json::to_string(&line).map_err(|_| fmt::Error)?;
        writeln!(writer, "{line}")
    }
}

/// Adds what is not there yet. Fields that bear the name of a fixed one are kept under `field.NAME`.
fn add_fields(line: &mut Map<String, Value>, fields: Map<String, Value>) {
    for (name, value) in fields {
        let name = match name.as_str() {
            "timestamp" | "level" | "target" | "message" => format!("field.{name}"),
            _ => name,
        };
        line.entry(name).or_insert(value);
    }
}

fn object(value: serde_json::Result<Value>) -> Result<Map<String, Value>, fmt::Error> {
    match value {
        Ok(Value::Object(map)) => Ok(map),
        _ => Err(fmt::Error),
    }
}
