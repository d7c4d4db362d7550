//! Keeps pages of the web out. The listener asks for no token, and an operator's browser reaches it: without this any
//! page that the operator visits could purge the cache. The console is the one page that may, with a session.

use actix_web::HttpRequest;
use actix_web::http::header::{AUTHORIZATION, HOST, HeaderMap, ORIGIN};
use actix_web::web;

use super::session;
use crate::console::Vitals;
use crate::http::authorization::{AuthorizationError, authorize};
use crate::http::problem::ApiError;
use crate::tokens::{Principal, Scope};

/// Who asks, for those who are told later. Somebody on this machine needs no token; one that comes all the same has to
/// be good, and is who it was made for.
pub(super) async fn operator(request: &HttpRequest) -> Result<String, ApiError> {
    if request.headers().contains_key(AUTHORIZATION) {
        let principal = authorize(request, Scope::Ops).await?;
        return Ok(named(&principal));
    }
    if let Some(principal) = session::resume(request).await? {
        return Ok(named(&principal));
    }
    if is_local(request) {
        return Ok("somebody on this machine".to_owned());
    }
    Err(AuthorizationError::Missing.into())
}

/// Who wants something changed that needs no token of a program. A page has to be our own, and to have a session: browsers
/// send `Origin` with every request that changes something (Fetch standard, "append a request `Origin` header"), be it to
/// the page's own origin, to which a name may be rebound; nobody else does.
pub(super) async fn changer(request: &HttpRequest) -> Result<String, ApiError> {
    if request.headers().contains_key(ORIGIN) {
        refuse_foreign_pages(request)?;
        let principal = session::resume(request).await?;
        let principal = principal.ok_or(AuthorizationError::Missing)?;
        return Ok(named(&principal));
    }
    let peer = request.peer_addr();
    Ok(peer.map_or("somebody".to_owned(), |peer| {
        format!("somebody at {}", peer.ip())
    }))
}

/// As [`changer`] where a page asks, and as [`operator`] where a program does.
pub(super) async fn changing_operator(request: &HttpRequest) -> Result<String, ApiError> {
    if request.headers().contains_key(ORIGIN) {
        changer(request).await
    } else {
        operator(request).await
    }
}

/// Refuses what a page of another origin has asked for. To have a session is another question, which a name that was
/// rebound to this address cannot answer: the cookie is not the name's.
pub(super) fn refuse_foreign_pages(request: &HttpRequest) -> Result<(), ApiError> {
    if is_foreign(request.headers()) {
        return Err(ApiError::FromAPage);
    }
    Ok(())
}

fn is_foreign(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else {
        return false;
    };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let own = origin.to_str().ok().and_then(|origin| {
        let (scheme, authority) = origin.split_once("://")?;
        matches!(scheme, "http" | "https").then_some(authority)
    });
    own.is_none() || own != host
}

/// Whether the request comes from this machine.
pub(super) fn is_local(request: &HttpRequest) -> bool {
    let is_local = |peer: std::net::SocketAddr| peer.ip().to_canonical().is_loopback();
    request.peer_addr().is_some_and(is_local)
}

pub(super) fn named(principal: &Principal) -> String {
    format!("token {} {}", principal.token, principal.name)
}

/// Has it noted who did what, and why.
pub(super) fn note(request: &HttpRequest, who: &str, what: impl Into<String>, reason: &str) {
    if let Some(vitals) = request.app_data::<web::Data<Vitals>>() {
        vitals.audit().note(who, what, reason);
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn only_a_page_of_this_very_origin_is_ours() {
        for (origin, host, expected) in [
            (None, "127.0.0.1:9090", false),
            (Some("http://127.0.0.1:9090"), "127.0.0.1:9090", false),
            (Some("https://ops.example"), "ops.example", false),
            (Some("http://127.0.0.1:8080"), "127.0.0.1:9090", true),
            (Some("http://evil.example"), "127.0.0.1:9090", true),
            (Some("null"), "null", true),
            (Some("file://127.0.0.1:9090"), "127.0.0.1:9090", true),
        ] {
            let mut request = TestRequest::get().insert_header((HOST, host));
            if let Some(origin) = origin {
                request = request.insert_header((ORIGIN, origin));
            }
            let request = request.to_http_request();
            assert_eq!(is_foreign(request.headers()), expected, "{origin:?} {host}");
        }
    }
}
