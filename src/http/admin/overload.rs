//! `GET /admin/overload`: how the limits stand that are found while the program runs, and who was turned away by them.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use super::json;
use crate::http::problem::ApiError;
use crate::http::products::refuse_other_methods;
use crate::http::query::Query;
use crate::limits::overload::{Overload, RetryCounts, Signals};
use crate::products::catalog::Catalog;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/admin/overload").to(overload));
}

#[derive(Serialize)]
struct View {
    #[serde(flatten)]
    signals: Signals,
    /// `null` where nothing is ever tried again.
    retries: Option<RetryCounts>,
}

async fn overload(
    request: HttpRequest,
    overload: web::Data<Overload>,
    catalog: web::Data<Catalog>,
) -> Result<HttpResponse, ApiError> {
    refuse_other_methods(&request)?;
    Query::of(&request, &[])?;
    Ok(json(View {
        signals: overload.signals(),
        retries: catalog.retries(),
    }))
}
