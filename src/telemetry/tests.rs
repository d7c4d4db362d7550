use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tracing::{debug, info, info_span, warn};

use super::*;
use crate::config::{Config, ConfigFile, Sources};

#[derive(Clone, Default)]
struct Capture(Arc<Mutex<Vec<u8>>>);

impl Write for Capture {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const TERMINAL: Console = Console {
    is_terminal: true,
    colours: true,
};
const PIPE: Console = Console {
    is_terminal: false,
    colours: false,
};

/// What `events` log with the settings of `toml`.
fn logged(toml: &str, console: Console, events: impl FnOnce()) -> String {
    let sources = Sources {
        file: Some(ConfigFile {
            path: "test.toml".into(),
            text: format!("[telemetry]\n{toml}"),
        }),
        ..Sources::default()
    };
    let config = Config::load(&sources).unwrap().telemetry;
    let capture = Capture::default();
    let writer = capture.clone();
    let subscriber = subscriber(&config, console, move || writer.clone());
    tracing::subscriber::with_default(subscriber, events);
    let bytes = capture.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

/// The JSON lines of `events`, each without its timestamp after that has been checked.
fn logged_json(toml: &str, events: impl FnOnce()) -> Vec<Value> {
    let format = time::format_description::well_known::Rfc3339;
    let parse = |line: &str| {
        let mut object: Value = serde_json::from_str(line).unwrap();
        let first = line.split(':').next();
        assert_eq!(first, Some("{\"timestamp\""));
        let timestamp = object.as_object_mut().unwrap().remove("timestamp").unwrap();
        time::OffsetDateTime::parse(timestamp.as_str().unwrap(), &format).unwrap();
        object
    };
    logged(toml, PIPE, events).lines().map(parse).collect()
}

#[test]
fn a_json_line_is_flat_and_bears_the_request_id() {
    let lines = logged_json("", || {
        let _request = request_span("01J9", None).entered();
        let _load = info_span!("load", key = 456, level = "replica").entered();
        info!(target: "shop", bytes = 1900, key = 457, "loaded\n\"it\"");
    });
    assert_eq!(
        lines,
        [json!({
            "level": "INFO",
            "target": "shop",
            "message": "loaded\n\"it\"",
            "bytes": 1900,
            "key": 457,
            "field.level": "replica",
            "request_id": "01J9",
        })]
    );
}

#[test]
fn a_field_recorded_later_is_there_too() {
    let lines = logged_json("", || {
        let span = info_span!("load", status = tracing::field::Empty, key = 1);
        let _entered = span.enter();
        span.record("status", 200);
        info!("done");
    });
    assert_eq!(lines[0]["status"], 200);
    assert_eq!(lines[0]["key"], 1);
}

#[test]
fn the_filter_drops_events_but_not_the_request_id() {
    let lines = logged_json("log_level = 'warn,doorbuster=warn'", || {
        let _request = request_span("01J9", None).entered();
        debug!("no");
        info!("no");
        warn!("yes");
    });
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["message"], "yes");
    assert_eq!(lines[0]["request_id"], "01J9");
}

#[test]
fn text_is_for_people_and_coloured_only_where_that_works() {
    let event = || {
        let _request = request_span("01J9", None).entered();
        info!(bytes = 1900, "loaded");
    };
    let coloured = logged("", TERMINAL, event);
    assert!(coloured.contains("\u{1b}["), "{coloured}");
    assert!(coloured.contains("01J9") && coloured.contains("loaded"));

    let plain = logged("log_format = 'text'", PIPE, event);
    assert!(!plain.contains('\u{1b}'), "{plain}");
    let expected =
        "INFO request{request_id=\"01J9\"}: doorbuster::telemetry::tests: loaded bytes=1900\n";
    assert!(plain.ends_with(expected), "{plain}");
}

#[test]
fn the_format_can_be_chosen_whatever_stderr_is() {
    let line = logged("log_format = 'json'", TERMINAL, || info!("hello"));
    let object: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(object["message"], "hello");
}

#[test]
fn an_event_of_the_log_crate_keeps_its_own_target() {
    use tracing_log::log;
    let lines = logged_json("", || {
        let mut record = log::Record::builder();
        let record = record.level(log::Level::Warn).target("mio::poll");
        tracing_log::format_trace(&record.args(format_args!("slow")).build()).unwrap();
    });
    let expected = json!({"level": "WARN", "target": "mio::poll", "message": "slow"});
    assert_eq!(lines, [expected]);
}
