//! Writing single products: `POST /products`, and `PUT`, `PATCH` and `DELETE` of `/products/{id}`.

pub(super) mod body;
pub(super) mod idempotency;
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
use crate::limits::overload::context;
use crate::products::catalog::Catalog;
use crate::products::edit::{Edit, EditError, Edited, Representation, edit as perform_edit};
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
    let asked = Asked::read(&request, payload, MediaType::Json, Scope::CatalogWrite).await?;
    let document = asked.json()?;
    asked.edit(&catalog, Edit::Create(document)).await
}

/// `PUT /products/{id}`.
pub(super) async fn replace(
    request: HttpRequest,
    payload: web::Payload,
    catalog: web::Data<Catalog>,
) -> Result<HttpResponse, ApiError> {
    let asked = Asked::read(&request, payload, MediaType::Json, Scope::CatalogWrite).await?;
    let edit = Edit::Replace(id(&request)?, asked.json()?);
    asked.edit(&catalog, edit).await
}

/// `PATCH /products/{id}`.
pub(super) async fn patch(
    request: HttpRequest,
    payload: web::Payload,
    catalog: web::Data<Catalog>,
) -> Result<HttpResponse, ApiError> {
    let asked = Asked::read(
        &request,
        payload,
        MediaType::MergePatch,
        Scope::CatalogWrite,
    )
    .await?;
    let edit = Edit::Patch(id(&request)?, asked.json()?);
    asked.edit(&catalog, edit).await
}

/// `DELETE /products/{id}`.
pub(super) async fn delete(
    request: HttpRequest,
    catalog: web::Data<Catalog>,
) -> Result<HttpResponse, ApiError> {
    let asked = Asked::without_body(&request, Scope::CatalogWrite).await?;
    let edit = Edit::Delete(id(&request)?);
    asked.edit(&catalog, edit).await
}

fn id(request: &HttpRequest) -> Result<i64, ApiError> {
    parse_id(request.match_info().query("id"))
}

/// A request whose bearer may write.
pub(super) struct Asked<'r> {
    request: &'r HttpRequest,
    token_id: String,
    body: web::Bytes,
}

impl<'r> Asked<'r> {
    /// The body is not looked at before the token.
    pub(super) async fn read(
        request: &'r HttpRequest,
        payload: web::Payload,
        media_type: MediaType,
        scope: Scope,
    ) -> Result<Self, ApiError> {
        let mut asked = Self::without_body(request, scope).await?;
        media_type.check(request.headers())?;
        asked.body = body::read(request.headers(), payload, limits(request)?.body).await?;
        Ok(asked)
    }

    async fn without_body(request: &'r HttpRequest, scope: Scope) -> Result<Self, ApiError> {
        let principal = authorize(request, scope).await?;
        Ok(Self {
            request,
            token_id: principal.token.to_string(),
            body: web::Bytes::new(),
        })
    }

    pub(super) fn json(&self) -> Result<Value, ApiError> {
        body::parse(&self.body)
    }

    async fn edit(self, catalog: &Catalog, edit: Edit) -> Result<HttpResponse, ApiError> {
        let condition = IfMatch::of(self.request.headers());
        let work = move |transaction: &mut dyn CatalogTransaction| {
            let status = match edit {
                Edit::Create(_) => StatusCode::CREATED,
                Edit::Replace(..) | Edit::Patch(..) => StatusCode::OK,
                Edit::Delete(_) => StatusCode::NO_CONTENT,
            };
            let holds = move |version: u64, representation: &Representation| {
                let fingerprint = representation.document.fingerprint();
                let condition = condition.as_ref();
                condition.is_none_or(|condition| condition.holds_for(version, fingerprint))
            };
            match perform_edit(transaction, edit, &holds) {
                Ok(edited) => Ok(Ok(done(status, &edited))),
                Err(EditError::Store(error)) => Err(error),
                Err(refused) => Ok(Err(WriteProblem::Refused(refused))),
            }
        };
        self.perform(catalog, work).await
    }

    /// Does `work` in a transaction and answers what it says, once for each `Idempotency-Key`. What it refuses
    /// leaves nothing.
    pub(super) async fn perform(
        self,
        catalog: &Catalog,
        work: impl FnOnce(&mut dyn CatalogTransaction) -> Worked + Send + 'static,
    ) -> Result<HttpResponse, ApiError> {
        let key = idempotency::key(self.request.headers(), &self.token_id)?;
        let in_flight = self.request.app_data::<web::Data<InFlight>>();
        let _only_one = match (&key, in_flight) {
            (Some(key), Some(in_flight)) => Some(in_flight.enter(key)?),
            _ => None,
        };
        let fingerprint = idempotency::fingerprint(self.request, &self.body);
        let context = context::current();
        context.check()?;
        let deadline = Instant::now() + limits(self.request)?.patience;
        let deadline = context.deadline.map_or(deadline, |it| it.min(deadline));
        let answer = catalog.write(deadline, move |transaction| {
            once(transaction, key.as_ref(), fingerprint, work)
        });
        let Answer { kept, is_replayed } = answer.await??;
        let mut response = respond(kept)?;
        if is_replayed {
            let yes = HeaderValue::from_static("true");
            response.headers_mut().insert(IDEMPOTENT_REPLAYED, yes);
        } else {
            let (method, path) = (self.request.method(), self.request.path());
            tracing::info!(token = self.token_id, %method, path, "written");
        }
        Ok(response)
    }
}

/// What this server allows a write.
pub(super) fn limits(request: &HttpRequest) -> Result<WriteLimits, ApiError> {
    let limits = request.app_data::<WriteLimits>().copied();
    limits.ok_or_else(|| ApiError::Unavailable("no limits of writes here".to_owned()))
}

/// What to answer to a write that was done.
pub(super) struct Done {
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(HeaderName, String)>,
    pub(super) body: Vec<u8>,
}

/// Done, or why not; or the store failed.
pub(super) type Worked = Result<Result<Done, WriteProblem>, StoreError>;

struct Answer {
    kept: KeptAnswer,
    is_replayed: bool,
}

type Performed = (Decision, Result<Answer, WriteProblem>);

/// Answers as before where it was done before; else does it, and keeps the answer in the same transaction. What was
/// refused left nothing, and may be asked again under the same key.
fn once(
    transaction: &mut dyn CatalogTransaction,
    key: Option<&RequestKey>,
    fingerprint: [u8; 32],
    work: impl FnOnce(&mut dyn CatalogTransaction) -> Worked,
) -> Result<Performed, StoreError> {
    if let Some(key) = key
        && let Some(kept) = transaction.recall(key)?
    {
        let answer = if kept.request == fingerprint {
            Ok(Answer {
                kept,
                is_replayed: true,
            })
        } else {
            Err(WriteProblem::KeyReused)
        };
        return Ok((Decision::Rollback, answer));
    }
    let Done {
        status,
        headers,
        body,
    } = match work(transaction)? {
        Ok(done) => done,
        Err(refused) => return Ok((Decision::Rollback, Err(refused))),
    };
    let headers = headers.into_iter();
    let kept = KeptAnswer {
        request: fingerprint,
        status: status.as_u16(),
        headers: headers
            .map(|(name, value)| (name.as_str().to_owned(), value))
            .collect(),
        body,
    };
    if let Some(key) = key {
        transaction.remember(key, &kept)?;
    }
    let answer = Answer {
        kept,
        is_replayed: false,
    };
    Ok((Decision::Commit, Ok(answer)))
}

fn done(status: StatusCode, edited: &Edited) -> Done {
    let mut headers = Vec::new();
    let mut add = |name: HeaderName, value: &str| headers.push((name, value.to_owned()));
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
    Done {
        status,
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
