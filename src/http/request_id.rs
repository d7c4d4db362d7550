//! The request id: a client's own `X-Request-Id` where it is sane, else one of ours. Every response
//! bears it, and so do the problem document and the log lines of the request.

use std::cell::Cell;
use std::future::poll_fn;
use std::hash::{BuildHasher, RandomState};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{ConnectionType, Method};
use actix_web::{Error, HttpMessage, HttpRequest, web};
use futures_util::future::LocalBoxFuture;
use futures_util::{FutureExt, poll};
use tracing::Instrument;
use tracing::field::display;

use super::Readiness;
use super::body;
use super::connections::Connection;
use super::cors::Cors;
use super::deadline;
use super::degraded;
use super::digits::hexadecimal;
use super::gate;
use super::later::Routes;
use super::measure::Measure;
use super::patience;
use super::problem::{self, ApiError};
use super::products;
use super::rate::{self, Passage, RateGate};
use super::trace::RequestTrace;
use crate::flags::Features;
use crate::limits::Fields;
use crate::limits::overload::{Context, context};
use crate::telemetry::traces::{SpanKind, TraceId, Tracer, span};
use crate::telemetry::{Requests, request_span};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id taken from a client.
const MAX_LENGTH: usize = 64;

thread_local! {
    /// A random place to start from.
    static NEXT: Cell<u64> = Cell::new(RandomState::new().hash_one(0));
}

/// Answers that failed on our side, for whoever watches how many. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Failures(Arc<AtomicU64>);

impl Failures {
    fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// So far.
    pub fn so_far(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The id of a request.
#[derive(Debug)]
struct RequestId(HeaderValue);

impl RequestId {
    fn assign(request: &ServiceRequest) -> Self {
        let theirs = request.headers().get(X_REQUEST_ID);
        let id = theirs.filter(|id| is_sane(id.as_bytes())).cloned();
        Self(id.unwrap_or_else(next))
    }

    fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// Has it be found by what a request leaves to be done later. One that reads leaves nothing, and is spared the price.
    fn attach(&self, request: &ServiceRequest) {
        if !request.method().is_safe() {
            request.extensions_mut().insert(Self(self.0.clone()));
        }
    }
}

/// The id of a request that changes something.
pub(super) fn of(request: &HttpRequest) -> Option<String> {
    let extensions = request.extensions();
    let id = extensions.get::<RequestId>()?;
    Some(id.as_str().to_owned())
}

/// What may be written to a log and a header as it stands.
fn is_sane(id: &[u8]) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte);
    !id.is_empty() && id.len() <= MAX_LENGTH && id.iter().all(allowed)
}

/// Sixteen hexadecimal digits. `SplitMix64` (Steele, Lea and Flood, 2014) visits every 64-bit number once, in an
/// order that looks random, so ids of one thread never repeat and ids of two hardly ever meet.
fn next() -> HeaderValue {
    let state = NEXT.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
    NEXT.set(state);
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    let text = hexadecimal(mixed ^ (mixed >> 31));
    HeaderValue::from_bytes(&text).unwrap_or_else(|_| HeaderValue::from_static("none"))
}

/// Whose requests they are.
#[derive(Clone)]
pub(super) enum Listener {
    /// Customers', and their browsers', which may read answers from the pages of some origins.
    Public {
        cors: Option<Rc<Cors>>,
        rate: RateGate,
        routes: Routes,
        features: Features,
        requests: Rc<Requests>,
        readiness: Readiness,
        /// How long a client waits that does not say.
        timeout: Duration,
        /// Where something is traced.
        tracer: Option<Rc<Tracer>>,
    },
    /// Operators'.
    Admin,
}

impl Listener {
    fn cors(&self) -> Option<&Rc<Cors>> {
        match self {
            Self::Public { cors, .. } => cors.as_ref(),
            Self::Admin => None,
        }
    }

    /// Those of customers are counted.
    fn measure(&self, request: &ServiceRequest, started: Instant) -> Option<Measure> {
        match self {
            Self::Public { requests, .. } => Some(Measure::begin(requests, request, started)),
            Self::Admin => None,
        }
    }

    /// Those of customers are traced, where anything is.
    fn trace(
        &self,
        request: &ServiceRequest,
        measure: Option<&Measure>,
        started: Instant,
    ) -> Option<RequestTrace> {
        let Self::Public { tracer, .. } = self else {
            return None;
        };
        let route = measure?.route();
        Some(RequestTrace::begin(
            tracer.as_ref()?,
            request,
            route,
            started,
        ))
    }

    /// Whether the server is about to stop: the client is to come by another connection.
    fn closes_connections(&self) -> bool {
        matches!(self, Self::Public { readiness, .. } if readiness.closes_connections())
    }

    /// What goes along with a request behind the caches.
    fn context(&self, request: &ServiceRequest) -> Context {
        match self {
            Self::Public { timeout, .. } => deadline::context_of(request, *timeout),
            Self::Admin => deadline::OPERATOR,
        }
    }

    /// Whether a request may pass, and where to if that is known later.
    fn passage(&self, request: &ServiceRequest) -> (Passage, Option<&Routes>) {
        match self {
            Self::Public { rate, routes, .. } => (rate.ask(request), Some(routes)),
            Self::Admin => (Passage::Allowed(None), None),
        }
    }

    /// What is switched off is not asked. Where nothing is, this is one load of a number.
    fn refusal(&self, request: &ServiceRequest) -> Option<ApiError> {
        let Self::Public { features, .. } = self else {
            return None;
        };
        let features = features.now();
        if features.is_none() {
            return None;
        }
        degraded::refusal(features, request.method(), request.path())
    }
}

/// Wraps every request: assigns the id, turns errors into problem documents, logs.
///
/// A span, which gives the id to every line logged within, costs as much as a read of the embedded store, so
/// only a request that has to wait gets one. One that is answered at once logs nothing but what is logged
/// here.
pub(super) fn wrap<S, B>(
    mut request: ServiceRequest,
    service: &S,
    access_log: bool,
    listener: &Listener,
) -> impl Future<Output = Result<ServiceResponse, Error>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    let started = Instant::now();
    let measure = listener.measure(&request, started);
    let mut trace = listener.trace(&request, measure.as_ref(), started);
    let id = RequestId::assign(&request);
    id.attach(&request);
    let in_flight = request.conn_data::<Rc<Connection>>().map(Connection::begin);
    patience::limit(&mut request);
    let is_public = matches!(listener, Listener::Public { .. });
    let closes = listener.closes_connections();
    let cors = listener.cors();
    let mut fields = None;
    let answer = gate::answer(&request, cors.map(Rc::as_ref));
    let answer = match answer.or_else(|| listener.refusal(&request).map(Err)) {
        None => match limited(listener, &request, &mut trace) {
            (Passage::Allowed(standing), _) => {
                fields = standing;
                if is_public && products::is_by_id(&request) {
                    Answer::Product(Box::pin(products::without_routing(request)))
                } else {
                    // A product by its id is set up for a miss when it is one.
                    Answer::Route(listener.context(&request), service.call(request))
                }
            }
            (Passage::Refused(error), _) => Answer::Ready(request.error_response(error)),
            (Passage::Asked(passage), routes) => {
                let routes = routes.cloned().unwrap_or_default();
                let context = listener.context(&request);
                Answer::Later(
                    context::scope(context, later(request, passage, routes)).boxed_local(),
                )
            }
        },
        Some(Ok(answer)) => Answer::Ready(request.into_response(answer)),
        Some(Err(error)) => Answer::Ready(request.error_response(error)),
    };
    let cors = cors.cloned();
    async move {
        let response = match answer {
            Answer::Product(answer) => finished(answer, &id, &mut trace).await?,
            Answer::Route(context, answer) => {
                finished(context::scope(context, answer), &id, &mut trace).await?
            }
            Answer::Later(answer) => {
                let answer = answer.map(|(answer, standing)| {
                    fields = standing;
                    answer
                });
                finished(answer, &id, &mut trace).await?
            }
            Answer::Ready(response) => response,
        };
        let mut response = if response.response().error().is_some() {
            as_problem(response, &id, trace.as_ref())
        } else {
            response
        };
        if let Some(fields) = &fields {
            rate::add_fields(fields, response.headers_mut());
        }
        if let Some(cors) = cors {
            cors.apply(&mut response);
        }
        response.headers_mut().insert(X_REQUEST_ID, id.0.clone());
        let took = measure.map(|measure| measure.end(response.status()));
        let trace_id = trace.as_ref().and_then(RequestTrace::trace_id);
        if let Some((trace, took)) = trace.zip(took) {
            trace.end(&mut response, id.as_str(), took);
        }
        if closes {
            let head = response.response_mut().head_mut();
            head.set_connection_type(ConnectionType::Close);
        }
        if access_log {
            log(&response, &id, trace_id, started);
        }
        if response.response().body().size() == BodySize::Stream {
            // It is being answered until the end of the stream.
            return Ok(response.map_body(|_, body| body::holding(body, in_flight)));
        }
        drop(in_flight);
        Ok(response)
    }
}

/// What answers a request.
enum Answer<P, R> {
    Product(P),
    Route(Context, R),
    Later(LocalBoxFuture<'static, (Result<ServiceResponse, Error>, Option<Fields>)>),
    Ready(ServiceResponse),
}

/// Awaits whether a request may pass, and has it answered.
async fn later(
    request: ServiceRequest,
    passage: LocalBoxFuture<'static, Passage>,
    routes: Routes,
) -> (Result<ServiceResponse, Error>, Option<Fields>) {
    let asking = span("rate limit", SpanKind::Internal);
    let mut passage = asking.scope(passage).await;
    drop(asking);
    loop {
        match passage {
            Passage::Asked(further) => passage = further.await,
            Passage::Refused(error) => return (Ok(request.error_response(error)), None),
            Passage::Allowed(fields) => {
                let answer = if products::is_by_id(&request) {
                    products::without_routing(request).await
                } else {
                    match routes.call(request) {
                        Some(answer) => answer.await,
                        None => Err(ApiError::Unavailable("no routes yet".to_owned()).into()),
                    }
                };
                return (answer, fields);
            }
        }
    }
}

/// Asks the limits about a request.
fn limited<'l>(
    listener: &'l Listener,
    request: &ServiceRequest,
    trace: &mut Option<RequestTrace>,
) -> (Passage, Option<&'l Routes>) {
    match trace {
        Some(trace) => trace.limited(
            || listener.passage(request),
            |(passage, _)| !matches!(passage, Passage::Asked(_)),
        ),
        None => listener.passage(request),
    }
}

/// Awaits what a route answers.
async fn finished<F, B>(
    response: F,
    id: &RequestId,
    trace: &mut Option<RequestTrace>,
) -> Result<ServiceResponse, Error>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
    B: MessageBody + 'static,
{
    let mut response = pin!(response);
    let trace_id = trace.as_ref().and_then(RequestTrace::trace_id);
    // A future that has nothing of its own, so that a hit is polled once and through nothing.
    let mut response = poll_fn(|task| {
        let _entered = trace.as_mut().and_then(RequestTrace::enter);
        response.as_mut().poll(task)
    });
    let response = match poll!(&mut response) {
        Poll::Ready(response) => response,
        Poll::Pending => {
            let span = request_span(id.as_str(), trace_id);
            response.instrument(span).await
        }
    }?;
    Ok(response.map_into_boxed_body())
}

fn as_problem(
    response: ServiceResponse,
    id: &RequestId,
    trace: Option<&RequestTrace>,
) -> ServiceResponse {
    let status = response.status();
    let (request, response) = response.into_parts();
    let error = response.error();
    let api_error = error.and_then(Error::as_error::<ApiError>);
    let is_meant = api_error.is_some_and(ApiError::is_meant);
    if let Some(error) = error.filter(|_| status.is_server_error() && !is_meant) {
        if let Some(failures) = request.app_data::<web::Data<Failures>>() {
            failures.count();
        }
        let (method, path) = (request.method(), request.path());
        let trace_id = trace.and_then(RequestTrace::trace_id).map(display);
        tracing::error!(request_id = id.as_str(), trace_id, %method, path, status = status.as_u16(), %error, "request failed");
    }
    let problem = match api_error {
        // What a route says to a method that it does not know is what it says to OPTIONS.
        Some(ApiError::MethodNotAllowed { allow, .. }) if request.method() == Method::OPTIONS => {
            problem::options(allow)
        }
        Some(error) => error.response(id.as_str()),
        None => problem::foreign(status, id.as_str()),
    };
    ServiceResponse::new(request, problem)
}

fn log(response: &ServiceResponse, id: &RequestId, trace_id: Option<TraceId>, started: Instant) {
    let request = response.request();
    let header = |name: &str| {
        let value = response.headers().get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or("-")
    };
    tracing::info!(
        target: "access",
        request_id = id.as_str(),
        trace_id = trace_id.map(display),
        method = %request.method(),
        path = request.path(),
        status = response.status().as_u16(),
        micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        cache = header("cache-status"),
        "request"
    );
}

/// Answers paths that no route has.
pub(super) async fn no_route(request: HttpRequest) -> Result<&'static str, ApiError> {
    Err(ApiError::NoRoute(request.path().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_ids_are_taken_over() {
        for id in [
            "a",
            "7f3c-11",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert!(is_sane(id.as_bytes()), "{id}");
        }
        for id in ["", "a b", "a\"b", "ä", "{}", &"a".repeat(65)] {
            assert!(!is_sane(id.as_bytes()), "{id}");
        }
    }

    #[test]
    fn ids_of_ours_differ() {
        let ids: std::collections::HashSet<_> = (0..1_000).map(|_| next()).collect();
        assert_eq!(ids.len(), 1_000);
    }
}
