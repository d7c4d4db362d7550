//! A request as a span: whose trace it is part of, and what is told of it when it ends.

use std::borrow::Cow;
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix_web::HttpRequest;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use actix_web::http::{Method, Version};

use super::status_header::CACHE_STATUS;
use crate::telemetry::Route;
use crate::telemetry::traces::{
    Attributes, Carried, Ending, Entered, Root, SpanKind, TraceId, Traceparent, Tracer,
    span_of_sampled, tracestate,
};

pub(super) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
/// Of the third level of the standard, a draft.
const TRACERESPONSE: HeaderName = HeaderName::from_static("traceresponse");
/// Texts of clients are told up to so many bytes.
const LONGEST_TEXT: usize = 256;
/// What is behind it opens what a customer was sent by mail.
const LINKS: &str = "/back-in-stock/";

/// A request that is being answered. One that is dropped before it ended was left by its client.
pub(super) struct RequestTrace {
    tracer: Rc<Tracer>,
    /// `None` once it ended.
    root: Option<Root>,
    method: Method,
    route: Route,
    started: Instant,
}

impl RequestTrace {
    pub(super) fn begin(
        tracer: &Rc<Tracer>,
        request: &ServiceRequest,
        route: Route,
        started: Instant,
    ) -> Self {
        let headers = request.headers();
        let root = Root::begin(tracer, parent(headers), || state(headers));
        Self {
            tracer: Rc::clone(tracer),
            root: Some(root),
            method: request.method().clone(),
            route,
            started,
        }
    }

    /// From here to the end of the result this thread works for it. Not to be held across an await.
    pub(super) fn enter(&mut self) -> Option<Entered<'_>> {
        self.root.as_mut().map(Root::enter)
    }

    /// Asks the limits about it. Where what they say is not known at once, the step is that of who awaits it.
    pub(super) fn limited<T>(
        &mut self,
        ask: impl FnOnce() -> T,
        is_known: impl FnOnce(&T) -> bool,
    ) -> T {
        if self.sampled().is_none() {
            return ask();
        }
        let _entered = self.enter();
        let step = span_of_sampled("rate limit", SpanKind::Internal);
        let said = ask();
        if !is_known(&said) {
            step.forget();
        }
        said
    }

    /// Where it is certain that the trace is kept.
    fn sampled(&self) -> Option<Traceparent> {
        self.root.as_ref()?.sampled()
    }

    /// For the log, where it is certain that the trace is kept.
    pub(super) fn trace_id(&self) -> Option<TraceId> {
        self.sampled().map(|it| TraceId(it.trace_id))
    }

    /// The head of its answer is ready, after so long.
    pub(super) fn end(mut self, response: &mut ServiceResponse, request_id: &str, took: Duration) {
        let Some(root) = self.root.take() else { return };
        let status = response.status();
        let is_notable = status.is_server_error() || self.tracer.is_slow(took);
        if !root.is_kept(&self.tracer, is_notable) {
            root.forget();
            return;
        }
        let attributes = attributes(response, request_id);
        let name = name(&self.method, response.request().match_pattern().as_deref());
        let error = status.is_server_error().then_some(Cow::Borrowed(""));
        self.tell_client(&root, response);
        let ending = self.ending(name, attributes, error);
        root.keep(&self.tracer, ending);
    }

    /// Says in an answer that nobody keeps for others which trace it is part of.
    fn tell_client(&self, root: &Root, response: &mut ServiceResponse) {
        let is_shared = matches!(self.method, Method::GET | Method::HEAD)
            && !response.status().is_server_error();
        let value = root.sampled().filter(|_| !is_shared);
        let value = value.and_then(|it| HeaderValue::from_str(&it.to_string()).ok());
        if let Some(value) = value {
            response.headers_mut().insert(TRACERESPONSE, value);
        }
    }

    fn ending(
        &self,
        name: String,
        attributes: Attributes,
        error: Option<Cow<'static, str>>,
    ) -> Ending {
        Ending {
            name: name.into(),
            kind: SpanKind::Server,
            started: self.started,
            attributes,
            error,
        }
    }
}

impl Drop for RequestTrace {
    fn drop(&mut self) {
        let Some(root) = self.root.take() else { return };
        let is_notable = self.tracer.is_slow(self.started.elapsed());
        if !root.is_kept(&self.tracer, is_notable) {
            root.forget();
            return;
        }
        let method = method(&self.method);
        let attributes = vec![
            ("http.request.method", method.to_owned().into()),
            ("doorbuster.route", self.route.name().into()),
            ("error.type", "cancelled".into()),
        ];
        let error = Some(Cow::Borrowed("the client left"));
        let ending = self.ending(format!("{method} {}", self.route.name()), attributes, error);
        root.keep(&self.tracer, ending);
    }
}

/// What the client says; `None` where it says nothing, or nothing that can be understood.
pub(super) fn parent(headers: &HeaderMap) -> Option<Traceparent> {
    let parent = Traceparent::parse(headers.get(TRACEPARENT)?.as_bytes())?;
    // Of two, none can be believed.
    headers
        .get_all(TRACEPARENT)
        .nth(1)
        .is_none()
        .then_some(parent)
}

/// The same, for what is done later.
pub(super) fn carried(headers: &HeaderMap) -> Option<Carried> {
    Some(Carried {
        traceparent: parent(headers)?,
        state: state(headers),
    })
}

fn state(headers: &HeaderMap) -> Option<Box<str>> {
    tracestate(headers.get_all(TRACESTATE).map(HeaderValue::as_bytes))
}

/// Names of methods that are none would be any number.
fn method(method: &Method) -> &str {
    match method.as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" | "CONNECT"
        | "TRACE") => known,
        _ => "_OTHER",
    }
}

fn name(asked: &Method, route: Option<&str>) -> String {
    let method = match method(asked) {
        "_OTHER" => "HTTP",
        known => known,
    };
    match route {
        Some(route) => format!("{method} {route}"),
        None => method.to_owned(),
    }
}

fn attributes(response: &ServiceResponse, request_id: &str) -> Attributes {
    let request = response.request();
    let status = response.status();
    let route = request.match_pattern();
    let path = request.path();
    let path = match &route {
        Some(route) if path.starts_with(LINKS) => route.as_str(),
        _ => path,
    };
    let mut attributes: Attributes = vec![
        (
            "http.request.method",
            method(request.method()).to_owned().into(),
        ),
        (
            "http.response.status_code",
            i64::from(status.as_u16()).into(),
        ),
        ("url.path", clipped(path).into()),
        ("url.scheme", scheme(request).into()),
        (
            "network.protocol.version",
            protocol(request.version()).into(),
        ),
        ("doorbuster.request_id", request_id.to_owned().into()),
    ];
    if method(request.method()) == "_OTHER" {
        let original = clipped(request.method().as_str());
        attributes.push(("http.request.method_original", original.into()));
    }
    if let Some(route) = route {
        attributes.push(("http.route", route.into()));
    }
    if !request.query_string().is_empty() {
        attributes.push(("url.query", clipped(request.query_string()).into()));
    }
    if let Some((address, port)) = server(request) {
        attributes.push(("server.address", address.into()));
        if let Some(port) = port {
            attributes.push(("server.port", i64::from(port).into()));
        }
    }
    let text = |headers: &HeaderMap, name| Some(clipped(headers.get(name)?.to_str().ok()?));
    if let Some(agent) = text(request.headers(), USER_AGENT) {
        attributes.push(("user_agent.original", agent.into()));
    }
    if let Some(cache) = text(response.headers(), CACHE_STATUS) {
        attributes.push(("doorbuster.cache_status", cache.into()));
    }
    if status.is_server_error() {
        attributes.push(("error.type", status.as_u16().to_string().into()));
    }
    attributes
}

fn scheme(request: &HttpRequest) -> &'static str {
    if request.app_config().secure() {
        "https"
    } else {
        "http"
    }
}

fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        _ => "1.1",
    }
}

/// As the client calls it.
fn server(request: &HttpRequest) -> Option<(String, Option<u16>)> {
    let host = request.headers().get(HOST)?.to_str().ok()?;
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()),
        _ => (host, None),
    };
    Some((clipped(name), port))
}

/// The beginning of a text.
fn clipped(text: &str) -> String {
    text[..text.floor_char_boundary(LONGEST_TEXT)].to_owned()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    const SAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn one_parent_is_believed_and_two_are_not() {
        let of = |values: &[&'static str]| {
            let mut request = TestRequest::default();
            for value in values {
                request = request.append_header((TRACEPARENT, *value));
            }
            parent(request.to_srv_request().headers())
        };
        assert!(of(&[SAMPLE]).is_some());
        for values in [&[][..], &["nonsense"], &[SAMPLE, SAMPLE]] {
            assert_eq!(of(values), None, "{values:?}");
        }
    }

    #[test]
    fn names_are_few_whatever_is_asked() {
        let strange = Method::from_bytes(b"BREW").unwrap();
        assert_eq!(
            name(&Method::GET, Some("/products/{id}")),
            "GET /products/{id}"
        );
        assert_eq!(name(&strange, None), "HTTP");
        assert_eq!(method(&strange), "_OTHER");
        assert_eq!(clipped(&"ä".repeat(200)).len(), 256);
    }
}
