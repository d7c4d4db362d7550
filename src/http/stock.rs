//! Writing exact stock: `PUT /variants/{sku}/stock` says what was counted, and
//! `POST /variants/{sku}/stock-adjustments` how many units came or went.

use actix_web::http::header::CONTENT_TYPE;
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::problem::ApiError;
use super::writes::{Asked, Done, MediaType, WriteProblem};
use crate::products::catalog::Catalog;
use crate::products::stock::{Stock, StockChange};
use crate::products::store::CatalogTransaction;
use crate::products::validate::Invalid;
use crate::tokens::Scope;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/variants/{sku}/stock").to(set))
        .service(web::resource("/variants/{sku}/stock-adjustments").to(adjust));
}

async fn set(
    request: HttpRequest,
    payload: web::Payload,
    catalog: web::Data<Catalog>,
    sku: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    allow_only(&request, &Method::PUT, "PUT")?;
    change(&request, payload, &catalog, sku, StockChange::set_of).await
}

async fn adjust(
    request: HttpRequest,
    payload: web::Payload,
    catalog: web::Data<Catalog>,
    sku: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    allow_only(&request, &Method::POST, "POST")?;
    change(&request, payload, &catalog, sku, StockChange::adjust_of).await
}

fn allow_only(request: &HttpRequest, method: &Method, allow: &'static str) -> Result<(), ApiError> {
    if request.method() == method {
        Ok(())
    } else {
        Err(ApiError::MethodNotAllowed {
            method: request.method().clone(),
            allow,
        })
    }
}

async fn change(
    request: &HttpRequest,
    payload: web::Payload,
    catalog: &Catalog,
    sku: web::Path<String>,
    read: impl FnOnce(Value) -> Result<StockChange, Vec<Invalid>>,
) -> Result<HttpResponse, ApiError> {
    let asked = Asked::read(request, payload, MediaType::Json, Scope::StockWrite).await?;
    let change = read(asked.json()?).map_err(WriteProblem::InvalidStock)?;
    let sku = sku.into_inner();
    let work = move |transaction: &mut dyn CatalogTransaction| {
        let changed = transaction.change_stock(&sku, &change)?;
        Ok(match changed {
            Ok(stock) => Ok(done(&sku, &stock)),
            Err(refusal) => Err(WriteProblem::Stock { sku, refusal }),
        })
    };
    asked.perform(catalog, work).await
}

/// The stock of a variant after a change. Members in the order promised.
#[derive(Serialize, ToSchema)]
#[schema(as = ChangedStock)]
pub(super) struct ChangedStock<'a> {
    sku: &'a str,
    product_id: i64,
    variant_id: i64,
    /// `deny` or `continue`.
    policy: &'static str,
    on_hand: i64,
    reserved: i64,
    /// `on_hand` less `reserved`.
    available: i64,
    low_stock_at: i64,
    /// Of the product: a new one where what a customer sees has changed.
    version: u64,
}

fn done(sku: &str, stock: &Stock) -> Done {
    let quantities = stock.quantities;
    let body = ChangedStock {
        sku,
        product_id: stock.product_id,
        variant_id: stock.variant_id,
        policy: stock.policy.as_str(),
        on_hand: quantities.on_hand,
        reserved: quantities.reserved,
        available: quantities.available(),
        low_stock_at: quantities.low_stock_at,
        version: stock.version,
    };
    Done {
        status: StatusCode::OK,
        headers: vec![(CONTENT_TYPE, "application/json".to_owned())],
        // Strings and numbers: this cannot fail.
        body: serde_json::to_vec(&body).unwrap_or_default(),
    }
}
