//! The answers to writes that a client may ask for again.

use std::str::FromStr;

use serde_json::{Map, Value};

use crate::db::postgres::{PostgresError, Transaction, Type};
use crate::products::store::{KeptAnswer, RequestKey, StoreError};

const RECALL: &str = include_str!("../../../sql/postgres/queries/recall_answer.sql");
const REMEMBER: &str = include_str!("../../../sql/postgres/queries/remember_answer.sql");
const FORGET: &str = include_str!("../../../sql/postgres/queries/forget_answers.sql");

/// Of two transactions with the same key the second waits here for the end of the first.
const ONE_AT_A_TIME: &str =
    "SELECT pg_advisory_xact_lock(hashtextextended(concat($1, ' ', $2), 0))";

pub(super) fn recall(
    transaction: &mut Transaction,
    key: &RequestKey,
) -> Result<Option<KeptAnswer>, StoreError> {
    let names = [
        (&key.token_id as _, Type::TEXT),
        (&key.key as _, Type::TEXT),
    ];
    transaction.query(ONE_AT_A_TIME, &names)?;
    let Some(row) = transaction.query_opt(RECALL, &names)? else {
        return Ok(None);
    };
    let damaged = || StoreError::new("a kept answer is damaged".to_owned());
    let request: &[u8] = row.try_get(0).map_err(PostgresError::from)?;
    let status: i32 = row.try_get(1).map_err(PostgresError::from)?;
    let headers: &str = row.try_get(2).map_err(PostgresError::from)?;
    let headers = Map::from_str(headers).map_err(|error| StoreError::new(error.to_string()))?;
    Ok(Some(KeptAnswer {
        request: request.try_into().map_err(|_| damaged())?,
        status: u16::try_from(status).map_err(|_| damaged())?,
        headers: headers
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())))
            .collect(),
        body: row.try_get(3).map_err(PostgresError::from)?,
    }))
}

pub(super) fn remember(
    transaction: &mut Transaction,
    key: &RequestKey,
    answer: &KeptAnswer,
) -> Result<(), PostgresError> {
    let headers: Map<String, Value> = answer
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
        .collect();
    transaction.execute(FORGET, &[])?;
    transaction.execute(
        REMEMBER,
        &[
            (&key.token_id, Type::TEXT),
            (&key.key, Type::TEXT),
            (&&answer.request[..], Type::BYTEA),
            (&i32::from(answer.status), Type::INT4),
            (&Value::Object(headers).to_string(), Type::TEXT),
            (&answer.body, Type::BYTEA),
        ],
    )?;
    Ok(())
}
