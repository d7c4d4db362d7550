//! Writing single products: `POST /products`, and `PUT`, `PATCH` and `DELETE` of `/products/{id}`.

mod body;
mod idempotency;
mod problem;

use std::time::{Duration, Instant};

use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_LOCATION, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LOCATION,
};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;

use super::authorization::authorize;
use super::conditional::{EntityTags, IfMatch};
use super::problem::ApiError;
use super::products::parse_id;
use crate::products::catalog::Catalog;
use crate::products::edit::{Edit, EditError, Edited, Representation, edit};
use crate::products::store::{
    CatalogTransaction, Decision, KeptAnswer, RequestKey, StoreError, WriteError,
};
use crate::tokens::Scope;
pub(super) use body::MediaType;
pub(super) use idempotency::InFlight;
pub(super) use problem::WriteProblem;

/// Said of an answer that was given before.
const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// What a write may take.
#[derive(Debug, Clone, Copy)]
pub struct WriteLimits {
    /// Longest body, in bytes.
    pub body: usize,
    /// How long it may wait for its turn.
    pub patience: Duration,
}

/// `POST /products`.
pub(super) async fn create(
    request: HttpRequest,
    payload: web::Payload,
    catalog: web::Data<Catalog>,
) -> Result<HttpResponse, ApiError> {
    let asked = Asked::read(&request, payload, MediaType::Json).await?;
    let document = asked.json()?;
    asked.perform(&catalog, Edit::Create(document)).await
}

/// `PUT /products/{id}`.
pub(super) async fn replace(
    request: HttpRequest,
    payload: web::Payload,
    catalog: web::Data<Catalog>,
) -> Result<HttpResponse, ApiError> {
    let asked = Asked::read(&request, payload, MediaType::Json).await?;
    let edit = Edit::Replace(id(&request)?, asked.json()?);
    asked.perform(&catalog, edit).await
}

/// `PATCH /products/{id}`.
pub(super) async fn patch(
    request: HttpRequest,
    payload: web::Payload,
    catalog: web::Data<Catalog>,
) -> Result<HttpResponse, ApiError> {
    let asked = Asked::read(&request, payload, MediaType::MergePatch).await?;
    let edit = Edit::Patch(id(&request)?, asked.json()?);
    asked.perform(&catalog, edit).await
}

/// `DELETE /products/{id}`.
pub(super) async fn delete(
    request: HttpRequest,
    catalog: web::Data<Catalog>,
) -> Result<HttpResponse, ApiError> {
    let asked = Asked::without_body(&request).await?;
    let edit = Edit::Delete(id(&request)?);
    asked.perform(&catalog, edit).await
}

fn id(request: &HttpRequest) -> Result<i64, ApiError> {
    parse_id(request.match_info().query("id"))
}

/// A request whose bearer may write.
struct Asked<'r> {
    request: &'r HttpRequest,
    token_id: String,
    body: web::Bytes,
}

impl<'r> Asked<'r> {
    /// The body is not looked at before the token.
    async fn read(
        request: &'r HttpRequest,
        payload: web::Payload,
        media_type: MediaType,
    ) -> Result<Self, ApiError> {
        let mut asked = Self::without_body(request).await?;
        media_type.check(request.headers())?;
        asked.body = body::read(request.headers(), payload, limits(request)?.body).await?;
        Ok(asked)
    }

    async fn without_body(request: &'r HttpRequest) -> Result<Self, ApiError> {
        let principal = authorize(request, Scope::CatalogWrite).await?;
        Ok(Self {
            request,
            token_id: principal.token.to_string(),
            body: web::Bytes::new(),
        })
    }

    fn json(&self) -> Result<Value, ApiError> {
        body::parse(&self.body)
    }

    async fn perform(self, catalog: &Catalog, edit: Edit) -> Result<HttpResponse, ApiError> {
        let headers = self.request.headers();
        let key = idempotency::key(headers, &self.token_id)?;
        let in_flight = self.request.app_data::<web::Data<InFlight>>();
        let _only_one = match (&key, in_flight) {
            (Some(key), Some(in_flight)) => Some(in_flight.enter(key)?),
            _ => None,
        };
        let write = Write {
            key,
            fingerprint: idempotency::fingerprint(self.request, &self.body),
            condition: IfMatch::of(headers),
            edit,
        };
        let deadline = Instant::now() + limits(self.request)?.patience;
        let answer = catalog.write(deadline, move |transaction| write.perform(transaction));
        let Answer { kept, is_replayed } = answer.await??;
        let mut response = respond(kept)?;
        if is_replayed {
            let yes = HeaderValue::from_static("true");
            response.headers_mut().insert(IDEMPOTENT_REPLAYED, yes);
        } else {
            let (method, path) = (self.request.method(), self.request.path());
            tracing::info!(token = self.token_id, %method, path, "a product was written");
        }
        Ok(response)
    }
}

/// What this server allows a write.
pub(super) fn limits(request: &HttpRequest) -> Result<WriteLimits, ApiError> {
    let limits = request.app_data::<WriteLimits>().copied();
    limits.ok_or_else(|| ApiError::Unavailable("no limits of writes here".to_owned()))
}

/// What goes to the writer thread.
struct Write {
    key: Option<RequestKey>,
    fingerprint: [u8; 32],
    condition: Option<IfMatch>,
    edit: Edit,
}

struct Answer {
    kept: KeptAnswer,
    is_replayed: bool,
}

type Performed = (Decision, Result<Answer, WriteProblem>);

impl Write {
    /// Answers as before where it was done before; else does it, and keeps the answer in the same
    /// transaction. What was refused left nothing, and may be asked again under the same key.
    fn perform(self, transaction: &mut dyn CatalogTransaction) -> Result<Performed, StoreError> {
        if let Some(key) = &self.key
            && let Some(kept) = transaction.recall(key)?
        {
            let answer = if kept.request == self.fingerprint {
                Ok(Answer {
                    kept,
                    is_replayed: true,
                })
            } else {
                Err(WriteProblem::KeyReused)
            };
            return Ok((Decision::Rollback, answer));
        }
        let status = match self.edit {
            Edit::Create(_) => StatusCode::CREATED,
            Edit::Replace(..) | Edit::Patch(..) => StatusCode::OK,
            Edit::Delete(_) => StatusCode::NO_CONTENT,
        };
        let condition = self.condition;
        let holds = move |version: u64, representation: &Representation| {
            let fingerprint = representation.document.fingerprint();
            let condition = condition.as_ref();
            condition.is_none_or(|condition| condition.holds_for(version, fingerprint))
        };
        let edited = match edit(transaction, self.edit, &holds) {
            Ok(edited) => edited,
            Err(EditError::Store(error)) => return Err(error),
            Err(refused) => return Ok((Decision::Rollback, Err(WriteProblem::Refused(refused)))),
        };
        let kept = kept(status, self.fingerprint, &edited);
        if let Some(key) = &self.key {
            transaction.remember(key, &kept)?;
        }
        let answer = Answer {
            kept,
            is_replayed: false,
        };
        Ok((Decision::Commit, Ok(answer)))
    }
}

fn kept(status: StatusCode, request: [u8; 32], edited: &Edited) -> KeptAnswer {
    let mut headers = Vec::new();
    let mut add = |name: HeaderName, value: &str| {
        headers.push((name.as_str().to_owned(), value.to_owned()));
    };
    let path = format!("/products/{}", edited.id);
    let mut body = Vec::new();
    if status == StatusCode::CREATED {
        add(LOCATION, &path);
    }
    if let Some(Representation {
        document,
        is_public,
    }) = &edited.representation
    {
        body = document.to_vec();
        add(CONTENT_TYPE, "application/json");
        let tag = EntityTags::new(edited.version, document.fingerprint()).header(None);
        add(ETAG, tag.to_str().unwrap_or_default());
        if *is_public {
            add(CONTENT_LOCATION, &path);
        }
    }
    KeptAnswer {
        request,
        status: status.as_u16(),
        headers,
        body,
    }
}

fn respond(kept: KeptAnswer) -> Result<HttpResponse, ApiError> {
    let unreadable =
        |what: &str| ApiError::Unavailable(format!("a kept answer has a wrong {what}"));
    let status = StatusCode::from_u16(kept.status).map_err(|_| unreadable("status"))?;
    let mut response = HttpResponse::new(status)
        .set_body(kept.body)
        .map_into_boxed_body();
    for (name, value) in kept.headers {
        let name = HeaderName::try_from(name).map_err(|_| unreadable("header"))?;
        let value = HeaderValue::try_from(value).map_err(|_| unreadable("header"))?;
        response.headers_mut().insert(name, value);
    }
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    Ok(response)
}

impl From<WriteError> for ApiError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Busy => WriteProblem::Busy.into(),
            WriteError::Store(error) => error.into(),
        }
    }
}
