//! Keeps pages of the web out. The listener asks for no token, and an operator's browser reaches it: without this any
//! page that the operator visits could purge the cache.

use actix_web::HttpRequest;
use actix_web::http::header::{AUTHORIZATION, ORIGIN};

use crate::http::authorization::{AuthorizationError, authorize};
use crate::http::problem::ApiError;
use crate::tokens::Scope;

/// Who asks, for those who are told later. Somebody on this machine needs no token; one that comes all the same has to
/// be good, and is who it was made for.
pub(super) async fn operator(request: &HttpRequest) -> Result<String, ApiError> {
    if request.headers().contains_key(AUTHORIZATION) {
        let principal = authorize(request, Scope::Ops).await?;
        return Ok(format!("token {} {}", principal.token, principal.name));
    }
    let is_local = |peer: std::net::SocketAddr| peer.ip().to_canonical().is_loopback();
    if request.peer_addr().is_some_and(is_local) {
        return Ok("somebody on this machine".to_owned());
    }
    Err(AuthorizationError::Missing.into())
}

/// Refuses what a page has asked for. Browsers send `Origin` with every request that changes something (Fetch standard,
/// "append a request `Origin` header"), be it to the page's own origin, to which a name may be rebound; nobody else does.
pub(super) fn refuse_pages(request: &HttpRequest) -> Result<(), ApiError> {
    if request.headers().contains_key(ORIGIN) {
        return Err(ApiError::FromAPage);
    }
    Ok(())
}
