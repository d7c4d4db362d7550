//! Keeps pages of the web out. The listener asks for no token, and an operator's browser reaches it: without this any
//! page that the operator visits could purge the cache.

use actix_web::HttpRequest;
use actix_web::http::header::ORIGIN;

use crate::http::problem::ApiError;

/// Refuses what a page has asked for. Browsers send `Origin` with every request that changes something (Fetch standard,
/// "append a request `Origin` header"), be it to the page's own origin, to which a name may be rebound; nobody else does.
pub(super) fn refuse_pages(request: &HttpRequest) -> Result<(), ApiError> {
    if request.headers().contains_key(ORIGIN) {
        return Err(ApiError::FromAPage);
    }
    Ok(())
}
