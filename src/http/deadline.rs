//! How much a request matters, and until when it is waited for: what goes along with it behind the caches.

use std::time::{Duration, Instant};

use actix_web::HttpRequest;
use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderName};

use super::route_class;
use crate::config::parse_duration;
use crate::limits::RouteClass;
use crate::limits::overload::{Context, Priority, context};

const X_REQUEST_TIMEOUT: HeaderName = HeaderName::from_static("x-request-timeout");
/// Whose answers take as long as somebody reads them.
const EXPORT: &str = "/products:export";

/// How long a client waits that does not say.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequestTimeout(pub(super) Duration);

/// Of an operator, who goes before everybody and waits as long as it takes.
pub(super) const OPERATOR: Context = Context {
    priority: Priority::Request(RouteClass::Write),
    deadline: None,
};

/// That of a request that came this moment.
pub(super) fn context_of(request: &ServiceRequest, timeout: Duration) -> Context {
    new(request.method(), request.path(), request.headers(), timeout)
}

/// The one that is set already, or that of a request that came this moment. For a request that was begun without,
/// since it might have needed none.
pub(super) fn context_of_miss(request: &HttpRequest) -> Context {
    let current = context::current();
    if current.priority != Priority::Background {
        return current;
    }
    let timeout = request.app_data::<RequestTimeout>();
    let timeout = timeout.map_or(Duration::MAX, |timeout| timeout.0);
    new(request.method(), request.path(), request.headers(), timeout)
}

fn new(method: &Method, path: &str, headers: &HeaderMap, timeout: Duration) -> Context {
    // Health is asked by those who have to know at once; what it reads is next to nothing.
    let class = route_class::of(method, path).unwrap_or(RouteClass::Write);
    let timeout = match asked(headers) {
        Some(asked) => Some(asked),
        // How long a write may wait is said elsewhere.
        None if class == RouteClass::Write || path == EXPORT => None,
        None => Some(timeout),
    };
    Context {
        priority: Priority::Request(class),
        deadline: timeout.and_then(|timeout| Instant::now().checked_add(timeout)),
    }
}

/// What the client says, with a unit or in milliseconds. What cannot be understood was not said.
fn asked(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(X_REQUEST_TIMEOUT)?.to_str().ok()?.trim();
    match text.parse() {
        Ok(millis) => Some(Duration::from_millis(millis)),
        Err(_) => parse_duration(text).ok(),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn left(target: &str, method: Method, timeout: Option<&str>) -> Option<Duration> {
        let mut request = TestRequest::with_uri(target).method(method);
        if let Some(timeout) = timeout {
            request = request.insert_header((X_REQUEST_TIMEOUT, timeout));
        }
        let context = context_of(&request.to_srv_request(), Duration::from_secs(10));
        context.left()
    }

    #[test]
    fn a_client_may_say_how_long_it_waits() {
        let path = "/products/456";
        for (said, most) in [
            (Some("250"), 250),
            (Some("250ms"), 250),
            (Some(" 2s "), 2_000),
            (Some("0"), 0),
            (Some("soon"), 10_000),
            (Some("-1"), 10_000),
            (Some("18446744073709551616"), 10_000),
            (None, 10_000),
        ] {
            let most = Duration::from_millis(most);
            let left = left(path, Method::GET, said).unwrap();
            assert!(
                left <= most && left + Duration::from_secs(5) > most,
                "{said:?} {left:?}"
            );
        }
        assert_eq!(left(path, Method::PUT, None), None);
        assert_eq!(left(EXPORT, Method::GET, None), None);
        assert!(left(path, Method::PUT, Some("1s")).is_some());
    }
}
