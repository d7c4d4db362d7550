//! A collector of traces and metrics: OTLP over HTTP, on the official messages.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::ResourceMetrics;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

use super::{PATIENCE, within};

/// Takes traces, until the test ends.
pub(crate) struct Collector {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    spans: Mutex<Vec<Seen>>,
    metrics: Mutex<Vec<ResourceMetrics>>,
    heads: Mutex<Vec<String>>,
}

/// A span that was received.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) span: Span,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) service: BTreeMap<String, String>,
}

impl Seen {
    pub(crate) fn trace_id(&self) -> String {
        hexadecimal(&self.span.trace_id)
    }

    pub(crate) fn id(&self) -> String {
        hexadecimal(&self.span.span_id)
    }

    pub(crate) fn parent(&self) -> String {
        hexadecimal(&self.span.parent_span_id)
    }

    pub(crate) fn is_error(&self) -> bool {
        self.span
            .status
            .as_ref()
            .is_some_and(|status| status.code == 2)
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}

impl Collector {
    pub(crate) fn start() -> Self {
        Self::serve(true)
    }

    /// Accepts connections, and never says a word.
    pub(crate) fn that_hangs() -> Self {
        Self::serve(false)
    }

    fn serve(answers: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::<Shared>::default();
        let of = Arc::clone(&shared);
        thread::spawn(move || {
            let mut silent = Vec::new();
            for stream in listener.incoming().flatten() {
                if answers {
                    let of = Arc::clone(&of);
                    thread::spawn(move || of.take_all(&stream));
                } else {
                    silent.push(stream);
                }
            }
        });
        Self { address, shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What came so far.
    pub(crate) fn spans(&self) -> Vec<Seen> {
        self.shared.spans.lock().unwrap().clone()
    }

    /// Metrics so far, the newest last.
    pub(crate) fn metrics(&self) -> Vec<ResourceMetrics> {
        self.shared.metrics.lock().unwrap().clone()
    }

    /// Heads of the messages of spans so far.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.shared.heads.lock().unwrap().clone()
    }

    /// Awaits a span that is such.
    pub(crate) fn wait_for(&self, what: &str, is_it: impl Fn(&Seen) -> bool) -> Seen {
        within(PATIENCE, what, || {
            thread::sleep(std::time::Duration::from_millis(5));
            self.spans().into_iter().find(&is_it)
        })
    }

    /// The spans of a trace that came so far.
    pub(crate) fn trace(&self, id: &str) -> Vec<Seen> {
        let mut spans = self.spans();
        spans.retain(|span| span.trace_id() == id);
        spans
    }
}

impl Shared {
    fn take_all(&self, stream: &TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream);
        loop {
            let (mut head, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).ok()? == 0 {
                    return None;
                }
                let line = line.trim_end().to_ascii_lowercase();
                if line.is_empty() {
                    break;
                }
                if let Some(value) = line.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                head.push_str(&line);
                head.push('\n');
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).ok()?;
            if head.starts_with("post /v1/metrics ") {
                let request = ExportMetricsServiceRequest::decode(body.as_slice()).unwrap();
                self.metrics
                    .lock()
                    .unwrap()
                    .extend(request.resource_metrics);
            } else {
                let request = ExportTraceServiceRequest::decode(body.as_slice()).unwrap();
                self.heads.lock().unwrap().push(head);
                self.keep(request);
            }
            let mut writer = stream;
            writer
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n")
                .ok()?;
        }
    }

    fn keep(&self, request: ExportTraceServiceRequest) {
        for of_resource in request.resource_spans {
            let service = texts(&of_resource.resource.unwrap_or_default().attributes);
            let scopes = of_resource.scope_spans.into_iter();
            let spans = scopes.flat_map(|scope| scope.spans).map(|span| Seen {
                attributes: texts(&span.attributes),
                service: service.clone(),
                span,
            });
            self.spans.lock().unwrap().extend(spans);
        }
    }
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |attribute: &KeyValue| {
        let value = attribute.value.as_ref()?.value.as_ref()?;
        let value = match value {
            Value::StringValue(text) => text.clone(),
            Value::IntValue(number) => number.to_string(),
            Value::BoolValue(flag) => flag.to_string(),
            other => panic!("{other:?}"),
        };
        Some((attribute.key.clone(), value))
    };
    attributes.iter().filter_map(text).collect()
}
