//! `POST /products:bulk`: JSON Lines in, a result for each line out, while more lines come.
//!
//! Lines are read, parsed and written in batches, each stage beside the other. A batch is one transaction, and
//! its results are sent after the COMMIT. A client that does not take its results gets no more lines read,
//! so that memory does not grow with the body.

mod batches;
pub(super) mod results;

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::body::BodyStream;
use actix_web::error::BlockingError;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt, try_unfold};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use self::batches::{Batches, BodyError, Line, Text};
use self::results::{Results, whole_line};
use super::authorization::authorize;
use super::export::JSON_LINES;
use super::problem::ApiError;
use super::products::refuse_all_but_post;
use super::streams::Streams;
use super::writes::{self, WriteProblem};
use crate::products::bulk::{PutOutcomes, read_line, too_long};
use crate::products::catalog::Catalog;
use crate::products::input::ProductInput;
use crate::products::store::{Decision, StoreError, WriteError};
use crate::products::validate::Invalid;
use crate::tokens::Scope;

/// Batches parsed ahead of the one that is written.
const AHEAD: usize = 2;
/// How long a batch is tried while another process, an import perhaps, holds the catalogue. The first one is tried
/// once: then the client can still be told by the status to come back.
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(50);

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/products:bulk").to(bulk));
}

async fn bulk(
    request: HttpRequest,
    body: web::Payload,
    catalog: web::Data<Catalog>,
    streams: web::Data<Streams>,
) -> Result<HttpResponse, ApiError> {
    refuse_all_but_post(&request)?;
    authorize(&request, Scope::CatalogWrite).await?;
    if let Some(coding) = request.headers().get(CONTENT_ENCODING) {
        let coding = String::from_utf8_lossy(coding.as_bytes()).into_owned();
        return Err(WriteProblem::Coding(coding).into());
    }
    let turn = writes::limits(&request)?.patience;
    let admitted = streams.admit_bulk_write()?;
    let mut results = Box::pin(write_all(body, catalog.get_ref().clone(), admitted, turn));
    // Before the head is sent, so that what keeps everything from being written is told by the status.
    let first = match results.next().await {
        Some(Err(BulkError::Write(error))) => return Err(error.into()),
        Some(Err(BulkError::Body(_))) => return Err(WriteProblem::Cut.into()),
        Some(Err(error @ BulkError::Blocking(_))) => {
            return Err(ApiError::Unavailable(error.to_string()));
        }
        Some(Ok(first)) => Some(Ok(first)),
        None => None,
    };
    let body = BodyStream::new(stream::iter(first).chain(results));
    let mut response = HttpResponse::build(StatusCode::OK).body(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON_LINES));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Why results end early. What was told is written; the client sees a body that is cut off.
#[derive(Debug, thiserror::Error)]
enum BulkError {
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("the thread that parses the lines has gone")]
    Blocking(#[from] BlockingError),
}

/// What one line says, with its number.
type ParsedLine = (u64, Result<ProductInput, Vec<Invalid>>);

/// The results of a body, a batch at a time.
fn write_all(
    body: web::Payload,
    catalog: Catalog,
    admitted: OwnedSemaphorePermit,
    turn: Duration,
) -> impl Stream<Item = Result<Bytes, BulkError>> {
    let (parsed, batches) = mpsc::channel(AHEAD);
    // A task of its own, so that the next lines are read while these are written. It ends with the receiver.
    actix_web::rt::spawn(parse_ahead(Batches::of(body), parsed));
    let writing = Writing {
        _admitted: admitted,
        catalog,
        batches,
        turn,
        patience: Duration::ZERO,
    };
    try_unfold(writing, |mut writing| async move {
        match writing.batches.recv().await {
            None => Ok(None),
            Some(lines) => {
                let results = writing.write(lines?).await?;
                writing.patience = PATIENCE;
                Ok(Some((results, writing)))
            }
        }
    })
}

/// Parses batch after batch, until the body ends or nobody wants more.
async fn parse_ahead(
    mut batches: Batches,
    parsed: mpsc::Sender<Result<Vec<ParsedLine>, BulkError>>,
) {
    loop {
        let lines = match batches.next().await {
            Ok(None) => return,
            Ok(Some(lines)) => web::block(move || parse(lines)).await.map_err(Into::into),
            Err(error) => Err(error.into()),
        };
        let is_over = lines.is_err();
        if parsed.send(lines).await.is_err() || is_over {
            return;
        }
    }
}

/// Takes milliseconds.
fn parse(lines: Vec<Line>) -> Vec<ParsedLine> {
    let parsed = lines.into_iter().map(|Line { number, text }| match text {
        Text::Whole(text) => (number, read_line(&text)),
        Text::TooLong(bytes) => (number, Err(vec![whole_line(too_long(bytes))])),
    });
    parsed.collect()
}

/// A body on its way into the catalogue.
struct Writing {
    _admitted: OwnedSemaphorePermit,
    catalog: Catalog,
    batches: mpsc::Receiver<Result<Vec<ParsedLine>, BulkError>>,
    /// How long one attempt waits for its turn.
    turn: Duration,
    /// How long it is tried.
    patience: Duration,
}

impl Writing {
    /// Writes what can be written of a batch; returns a result for each line of it.
    async fn write(&self, lines: Vec<ParsedLine>) -> Result<Bytes, BulkError> {
        let mut products = Vec::with_capacity(lines.len());
        let mut readings = Vec::with_capacity(lines.len());
        for (number, line) in lines {
            readings.push((number, line.map(|product| products.push(product))));
        }
        let products = products.into();
        let outcomes = self.put(&products).await?;
        let mut put = outcomes.into_iter().zip(products.iter());
        let mut results = Results::default();
        for (number, reading) in readings {
            if let Err(wrong) = reading {
                results.invalid(number, &wrong);
            } else {
                let (outcome, product) = put.next().ok_or_else(no_outcome)?;
                results.put(number, outcome, product);
            }
        }
        Ok(results.into_bytes())
    }

    /// Puts the products, trying again while others are in the way.
    async fn put(&self, products: &Arc<[ProductInput]>) -> Result<PutOutcomes, WriteError> {
        if products.is_empty() {
            return Ok(Vec::new());
        }
        let begun = Instant::now();
        loop {
            let batch = Arc::clone(products);
            let deadline = Instant::now() + self.turn;
            let put = self.catalog.write(deadline, move |transaction| {
                Ok((Decision::Commit, transaction.put_each(&batch)?))
            });
            match put.await {
                Err(WriteError::Busy) if begun.elapsed() < self.patience => {
                    // A queue that is full says so at once.
                    tokio::time::sleep(PAUSE).await;
                }
                outcome => return outcome,
            }
        }
    }
}

fn no_outcome() -> WriteError {
    WriteError::Store(StoreError::new(
        "a product was put and nothing was told of it".to_owned(),
    ))
}
