//! The answers to writes that a client may ask for again.

use std::str::FromStr;

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Map, Value};

use crate::products::store::{KeptAnswer, RequestKey, StoreError};

const RECALL: &str = include_str!("../../../sql/sqlite/queries/recall_answer.sql");
const REMEMBER: &str = include_str!("../../../sql/sqlite/queries/remember_answer.sql");
const FORGET: &str = include_str!("../../../sql/sqlite/queries/forget_answers.sql");

pub(super) fn recall(
    connection: &Connection,
    key: &RequestKey,
) -> Result<Option<KeptAnswer>, StoreError> {
    let row = connection
        .prepare_cached(RECALL)?
        .query_row([&key.token_id, &key.key], |row| {
            let headers: String = row.get(2)?;
            Ok((row.get(0)?, row.get(1)?, headers, row.get(3)?))
        })
        .optional()?;
    let Some((request, status, headers, body)) = row else {
        return Ok(None);
    };
    let headers = Map::from_str(&headers).map_err(|error| StoreError::new(error.to_string()))?;
    Ok(Some(KeptAnswer {
        request,
        status,
        headers: headers
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())))
            .collect(),
        body,
    }))
}

pub(super) fn remember(
    connection: &Connection,
    key: &RequestKey,
    answer: &KeptAnswer,
) -> Result<(), StoreError> {
    let headers: Map<String, Value> = answer
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
        .collect();
    connection.prepare_cached(FORGET)?.execute([])?;
    connection.prepare_cached(REMEMBER)?.execute(params![
        key.token_id,
        key.key,
        answer.request,
        answer.status,
        Value::Object(headers).to_string(),
        answer.body,
    ])?;
    Ok(())
}
