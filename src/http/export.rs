//! `GET` and `HEAD` of `/products:export`: the filtered catalogue as JSON Lines, as `doorbuster import` reads it.
//!
//! The lines come in order of id, so the id of the last whole line that arrived is the cursor to go on with.
//! Each page is read, encoded and compressed when the client has taken the one before; between two pages
//! nothing is held but the encoder.

use std::io;

use actix_web::body::BodyStream;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, VARY};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::try_unfold;
use tokio::sync::OwnedSemaphorePermit;

use super::authorization::{AuthorizationError, authorize};
use super::lists::filters;
use super::negotiation::Accepted;
use super::problem::ApiError;
use super::products::refuse_other_methods;
use super::query::{Query, invalid};
use super::streams::Streams;
use crate::products::catalog::Catalog;
use crate::products::coding::StreamEncoder;
use crate::products::export::Exporter;
use crate::products::export::jsonl::JsonlExporter;
use crate::products::export::page::{ExportFilter, ExportPage};
use crate::products::input::{ProductInput, Status};
use crate::products::store::StoreError;
use crate::tokens::Scope;

pub(super) const JSON_LINES: &str = "application/x-ndjson";

/// The filters of lists, and those that make sense for a whole catalogue only.
pub(super) const PARAMETERS: [&str; 11] = [
    "category",
    "vendor",
    "product_type",
    "tag",
    "price_min",
    "price_max",
    "currency",
    "availability",
    "updated_since",
    "status",
    "cursor",
];

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/products:export").to(export));
}

async fn export(
    request: HttpRequest,
    catalog: web::Data<Catalog>,
    streams: web::Data<Streams>,
) -> Result<HttpResponse, ApiError> {
    refuse_other_methods(&request)?;
    may_see_everything(&request).await?;
    let query = Query::of(&request, &PARAMETERS)?;
    let filter = ExportFilter {
        status: status(&query)?,
        listing: filters::listing(&query)?,
    };
    let after = cursor(&query)?;
    let coding = Accepted::by(request.headers()).ranked().next();
    let coding = coding.ok_or(ApiError::NotAcceptable {
        header: "Accept-Encoding",
        offered: "br, zstd, gzip, identity",
    })?;

    let mut response = if request.method() == Method::HEAD {
        HttpResponse::new(StatusCode::OK)
    } else {
        let admitted = streams.admit_export()?;
        // Before the head is sent, so that a catalogue that cannot be read is told by the status.
        let first = catalog.export(&filter, after).await?;
        let export = Export {
            _admitted: admitted,
            catalog: catalog.get_ref().clone(),
            filter,
            encoder: StreamEncoder::new(coding).map_err(|error| broken(&error))?,
        };
        HttpResponse::Ok().body(BodyStream::new(export.stream(first)))
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON_LINES));
    if let Some(coding) = coding {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.token()));
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    Ok(response)
}

/// An export shows costs and drafts: to operators, and to those who may write them.
async fn may_see_everything(request: &HttpRequest) -> Result<(), ApiError> {
    match authorize(request, Scope::Ops).await {
        Err(ApiError::Authorization(AuthorizationError::Insufficient(_))) => {
            authorize(request, Scope::CatalogWrite).await.map(|_| ())
        }
        other => other.map(|_| ()),
    }
}

fn status(query: &Query<'_>) -> Result<Option<Status>, ApiError> {
    let Some(word) = query.one("status")? else {
        return Ok(None);
    };
    let status = Status::parse(word).ok_or_else(|| {
        let reason = format!("{word:?} is not known; use one of draft, active, archived");
        invalid("status", reason)
    })?;
    Ok(Some(status))
}

/// The id to go on after; 0 is before all of them.
fn cursor(query: &Query<'_>) -> Result<i64, ApiError> {
    let Some(given) = query.one("cursor")? else {
        return Ok(0);
    };
    let digits = !given.is_empty() && given.bytes().all(|byte| byte.is_ascii_digit());
    let id = digits.then(|| given.parse().ok()).flatten();
    id.ok_or_else(|| {
        let reason = format!("{given:?} is not the id of the last product that arrived");
        invalid("cursor", reason)
    })
}

/// An export on its way.
struct Export {
    _admitted: OwnedSemaphorePermit,
    catalog: Catalog,
    filter: ExportFilter,
    encoder: StreamEncoder,
}

/// Why an export ended early. The client sees a body that is cut off, which tells it to go on from there.
#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot encode the products: {0}")]
    Encode(#[from] io::Error),
    #[error("the thread that encodes the products has gone")]
    Blocking(#[from] actix_web::error::BlockingError),
}

/// Where an export stands.
enum Stage {
    /// This page is to be sent.
    Page(Export, ExportPage),
    /// The page after this id is to be read.
    Next(Export, i64),
    /// All was sent.
    Over,
}

impl Export {
    fn stream(self, first: ExportPage) -> impl Stream<Item = Result<Bytes, ExportError>> {
        try_unfold(Stage::Page(self, first), |mut stage| async move {
            loop {
                let (export, page) = match stage {
                    Stage::Page(export, page) => (export, page),
                    Stage::Next(export, after) => {
                        let page = export.catalog.export(&export.filter, after).await?;
                        (export, page)
                    }
                    Stage::Over => return Ok(None),
                };
                let (bytes, next) = web::block(move || export.send(&page)).await??;
                // A stretch without a product that passes has nothing to send.
                if bytes.is_empty() {
                    stage = next;
                } else {
                    return Ok(Some((Bytes::from(bytes), next)));
                }
            }
        })
    }

    /// Encodes a page. Takes milliseconds.
    fn send(mut self, page: &ExportPage) -> io::Result<(Vec<u8>, Stage)> {
        write_lines(&mut self.encoder, &page.products)?;
        match page.next {
            Some(after) if page.products.is_empty() => Ok((Vec::new(), Stage::Next(self, after))),
            Some(after) => Ok((self.encoder.piece()?, Stage::Next(self, after))),
            None => Ok((self.encoder.finish()?, Stage::Over)),
        }
    }
}

fn write_lines(encoder: &mut StreamEncoder, products: &[ProductInput]) -> io::Result<()> {
    let mut exporter = JsonlExporter::new(encoder);
    for product in products {
        exporter.product(product)?;
    }
    exporter.finish()
}

fn broken(error: &io::Error) -> ApiError {
    ApiError::Unavailable(format!("cannot encode the products: {error}"))
}
