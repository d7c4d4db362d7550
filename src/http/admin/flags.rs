//! `GET /admin/flags`, `GET`, `PUT` and `DELETE /admin/flags/{key}`, `GET /admin/flag-history`.

use std::time::Duration;

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::guard::{changing_operator, note, operator};
use super::json;
use crate::config::parse_duration;
use crate::console::Vitals;
use crate::flags::{
    Definition, FLAGS_NOTE, Feature, FlagStore, FlagStoreError, Flags, Layer, Said, Word,
};
use crate::http::problem::ApiError;
use crate::http::products::refuse_other_methods;
use crate::http::query::{Query, invalid};
use crate::http::writes::{MediaType, body};
use crate::products::catalog::Catalog;

/// Longest body: a definition and a few words.
const MAX_BODY: usize = 128 * 1024;
/// Longest reason, in characters.
const MAX_REASON: usize = 500;
/// Words of the history where the request says nothing, and at most.
const HISTORY: usize = 100;
const MAX_HISTORY: usize = 1_000;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/admin/flags").to(all))
        .service(web::resource("/admin/flags/{key}").to(one))
        .service(web::resource("/admin/flag-history").to(history));
}

async fn all(request: HttpRequest, flags: web::Data<Flags>) -> Result<HttpResponse, ApiError> {
    refuse_other_methods(&request)?;
    operator(&request).await?;
    Query::of(&request, &[])?;
    let in_force = flags.in_force();
    let shown: Vec<_> = in_force
        .iter()
        .map(|(key, entry)| entry.to_json(key))
        .collect();
    let features = flags.features().now();
    let features =
        Feature::ALL.map(|feature| (feature.name().to_owned(), features.is_on(feature).into()));
    let trouble = flags.trouble().now().into_iter();
    let trouble: Vec<_> = trouble
        .map(|(place, what)| json!({ "place": place.name(), "what": what }))
        .collect();
    Ok(json(json!({
        "features": Value::Object(features.into_iter().collect()),
        "flags": shown,
        "trouble": { "count": flags.trouble().count(), "now": trouble },
    })))
}

async fn one(
    request: HttpRequest,
    payload: web::Payload,
    flags: web::Data<Flags>,
    store: web::Data<FlagStore>,
    catalog: web::Data<Catalog>,
    vitals: web::Data<Vitals>,
    key: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let key = key.into_inner();
    match *request.method() {
        Method::GET | Method::HEAD => {
            operator(&request).await?;
            Query::of(&request, &[])?;
            let in_force = flags.in_force();
            let entry = in_force.get(&key).ok_or_else(|| unknown(&key))?;
            Ok(json(entry.to_json(&key)))
        }
        Method::PUT => {
            let who = changing_operator(&request).await?;
            // A form of a page cannot say that it is JSON.
            MediaType::Json.check(request.headers())?;
            let body = body::read(request.headers(), payload, MAX_BODY).await?;
            let word = word(&flags, key, &body, &who, vitals.slo().is_frozen())?;
            note_word(&request, &word);
            say(&flags, &store, &catalog, word).await
        }
        Method::DELETE => {
            let who = changing_operator(&request).await?;
            let query = Query::of(&request, &["reason", "by"])?;
            let reason = reason(query.one("reason")?.unwrap_or_default())?;
            if flags.said_by(Layer::Database, &key).is_none() {
                return Err(unknown(&key));
            }
            let word = Word {
                key,
                definition: None,
                reason,
                set_by: named(&who, query.one("by")?),
                lifetime: None,
            };
            note_word(&request, &word);
            say(&flags, &store, &catalog, word).await
        }
        ref method => Err(ApiError::MethodNotAllowed {
            method: method.clone(),
            allow: "GET, HEAD, PUT, DELETE",
        }),
    }
}

async fn history(
    request: HttpRequest,
    store: web::Data<FlagStore>,
) -> Result<HttpResponse, ApiError> {
    refuse_other_methods(&request)?;
    operator(&request).await?;
    let query = Query::of(&request, &["key", "limit"])?;
    let key = query.one("key")?.map(str::to_owned);
    let limit = match query.one("limit")? {
        None => HISTORY,
        Some(given) => given
            .parse()
            .ok()
            .filter(|limit| (1..=MAX_HISTORY).contains(limit))
            .ok_or_else(|| invalid("limit", format!("is not from 1 to {MAX_HISTORY}")))?,
    };
    let store = store.into_inner();
    let said = web::block(move || store.history(key.as_deref(), limit)).await;
    let said = said
        .map_err(|error| ApiError::Unavailable(error.to_string()))?
        .map_err(|error| ApiError::Unavailable(error.to_string()))?;
    let words: Vec<_> = said.iter().map(Said::to_json).collect();
    Ok(json(json!({ "history": words })))
}

/// What is to be said of a flag: one of the first two.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// A variant of the flag as it is: the one for everyone of whom no rule says anything else.
    variant: Option<String>,
    /// The whole flag, in flagd's format.
    definition: Option<Value>,
    /// Why.
    #[serde(default)]
    reason: String,
    /// How long, such as `2h`; for ever unless said.
    r#for: Option<String>,
    /// Who, for the history.
    by: Option<String>,
    /// A risky flag may be switched on while an error budget is gone, too.
    #[serde(default)]
    despite_budget: bool,
}

/// What is to be said. While an error budget is gone (`is_frozen`), a flag that is risky, or is said to be none any more,
/// may be switched off and no more.
fn word(
    flags: &Flags,
    key: String,
    body: &[u8],
    who: &str,
    is_frozen: bool,
) -> Result<Word, ApiError> {
    let asked: Asked =
        serde_json::from_slice(body).map_err(|error| ApiError::InvalidFlag(error.to_string()))?;
    let wrong = |error: &dyn ToString| ApiError::InvalidFlag(error.to_string());
    let definition = match (&asked.variant, &asked.definition) {
        (Some(variant), None) => {
            let in_force = flags.in_force();
            let entry = in_force.get(&key).ok_or_else(|| unknown(&key))?;
            let changed = entry.definition.with_default(variant);
            changed.map_err(|error| wrong(&error))?
        }
        (None, Some(definition)) => {
            Definition::parse(&key, definition).map_err(|error| wrong(&error))?
        }
        _ => return Err(wrong(&"name one of variant and definition")),
    };
    let was_risky = flags
        .in_force()
        .get(&key)
        .is_some_and(|it| it.definition.is_risky());
    let is_risky = was_risky || definition.is_risky();
    if is_frozen && is_risky && !definition.is_off() && !asked.despite_budget {
        return Err(ApiError::BudgetGone(key));
    }
    let lifetime = asked.r#for.as_deref().map(parse_duration).transpose();
    let lifetime = lifetime.map_err(|error| wrong(&format!("for: {error}")))?;
    if lifetime == Some(Duration::ZERO) {
        return Err(wrong(&"for: no time at all; write such as 2h"));
    }
    Ok(Word {
        key,
        definition: Some(definition.source().to_string()),
        reason: reason(&asked.reason)?,
        set_by: named(who, asked.by.as_deref()),
        lifetime,
    })
}

fn reason(text: &str) -> Result<String, ApiError> {
    if text.chars().count() > MAX_REASON || text.contains(char::is_control) {
        return Err(ApiError::InvalidFlag(format!(
            "reason: write up to {MAX_REASON} characters, on one line"
        )));
    }
    Ok(text.to_owned())
}

/// Who it was, with the name that they gave themselves.
fn named(who: &str, by: Option<&str>) -> String {
    const LONGEST: usize = 100;
    match by.filter(|by| !by.trim().is_empty()) {
        None => who.to_owned(),
        Some(by) => {
            let by: String = by
                .chars()
                .filter(|it| !it.is_control())
                .take(LONGEST)
                .collect();
            format!("{by} ({who})")
        }
    }
}

/// This node has heeded it when this returns.
async fn say(
    flags: &web::Data<Flags>,
    store: &web::Data<FlagStore>,
    catalog: &Catalog,
    word: Word,
) -> Result<HttpResponse, ApiError> {
    let (flags, store) = (flags.clone(), store.clone());
    let said = web::block(move || {
        let said = store.say(&word)?;
        flags.take_words(&store.current()?);
        Ok::<_, FlagStoreError>(said)
    });
    let said = said
        .await
        .map_err(|error| ApiError::Unavailable(error.to_string()))?
        .map_err(|error| ApiError::Unavailable(error.to_string()))?;
    if let Some(l2) = catalog.l2() {
        l2.note(FLAGS_NOTE).await;
    }
    tracing::warn!(
        "flag {}: {} by {}: {:?}",
        said.key,
        if said.definition.is_some() {
            "set"
        } else {
            "taken back"
        },
        said.set_by,
        said.reason
    );
    Ok(json(said.to_json()))
}

fn note_word(request: &HttpRequest, word: &Word) {
    let what = if word.definition.is_some() {
        "said something of"
    } else {
        "took back what was said of"
    };
    let what = format!("{what} the flag {}", word.key);
    note(request, &word.set_by, what, &word.reason);
}

fn unknown(key: &str) -> ApiError {
    ApiError::NoFlag(key.to_owned())
}
