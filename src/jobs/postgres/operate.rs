//! What operators ask and do.

use super::end::KEEP;
use crate::db::postgres::{Connection, PostgresError, Row, ToSql, Type};
use crate::jobs::job::{JobId, JobRecord, KindStats, Selection, State};
use crate::jobs::store::JobStoreError;

/// Of the live ones and of those that ended, alike.
const LIVE: &str = "id, kind, state, priority, run_at, attempt, max_attempts, started_at, NULL::bigint, worker, unique_key,
    payload, errors::text, trace, created_at";
const ENDED: &str = "id, kind, state, priority, run_at, attempt, max_attempts, started_at, ended_at, worker, unique_key,
    payload, errors::text, trace, created_at";

/// The conditions of a [`Selection`], each of which holds where nothing is said.
const SELECTED: &str = "($1::bigint[] IS NULL OR id = ANY ($1)) AND ($2::text IS NULL OR kind = $2)
    AND ($3::text IS NULL OR state = $3)";

/// A [`Selection`] as parameters.
struct Said<'s> {
    ids: &'s Option<Vec<JobId>>,
    kind: &'s Option<String>,
    state: Option<&'static str>,
}

impl<'s> Said<'s> {
    fn new(selection: &'s Selection) -> Self {
        Self {
            ids: &selection.ids,
            kind: &selection.kind,
            state: selection.state.map(State::as_str),
        }
    }

    fn parameters(&self) -> [(&(dyn ToSql + Sync), Type); 3] {
        [
            (self.ids, Type::INT8_ARRAY),
            (self.kind, Type::TEXT),
            (&self.state, Type::TEXT),
        ]
    }
}

pub(super) fn record(row: &Row) -> Result<JobRecord, JobStoreError> {
    let get = |index| -> Result<i32, PostgresError> { Ok(row.try_get(index)?) };
    let attempts = |index| Ok::<_, PostgresError>(u16::try_from(get(index)?).unwrap_or(u16::MAX));
    let json = |index: usize| {
        let text: &str = row.try_get(index).map_err(PostgresError::from)?;
        serde_json::from_str(text).map_err(|error| JobStoreError::Damaged(error.to_string()))
    };
    let state: &str = row.try_get(2).map_err(PostgresError::from)?;
    let state = State::parse(state).ok_or_else(|| JobStoreError::Damaged(state.to_owned()))?;
    let (payload, errors) = (json(11)?, json(12)?);
    let record = || {
        Ok::<_, PostgresError>(JobRecord {
            id: row.try_get(0)?,
            kind: row.try_get(1)?,
            state,
            priority: get(3)?,
            run_at: row.try_get(4)?,
            attempt: attempts(5)?,
            max_attempts: attempts(6)?,
            started_at: row.try_get(7)?,
            ended_at: row.try_get(8)?,
            worker: row.try_get(9)?,
            unique_key: row.try_get(10)?,
            payload,
            errors,
            trace: row.try_get(13)?,
            created_at: row.try_get(14)?,
        })
    };
    Ok(record()?)
}

pub(super) async fn find(
    connection: &mut Connection,
    id: JobId,
) -> Result<Option<Row>, PostgresError> {
    let sql = format!(
        "SELECT {LIVE} FROM job WHERE id = $1 UNION ALL SELECT {ENDED} FROM job_ended WHERE id = $1"
    );
    let found = connection.query_anew(&sql, &[(&id, Type::INT8)]).await?;
    Ok(found.into_iter().next())
}

pub(super) async fn list(
    connection: &mut Connection,
    selection: &Selection,
    limit: usize,
) -> Result<Vec<Row>, PostgresError> {
    let sql = format!(
        "(SELECT {LIVE} FROM job WHERE {SELECTED} ORDER BY id DESC LIMIT $4)
         UNION ALL
         (SELECT {ENDED} FROM job_ended WHERE {SELECTED} ORDER BY id DESC LIMIT $4)
         ORDER BY id DESC LIMIT $4"
    );
    let said = Said::new(selection);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut parameters = said.parameters().to_vec();
    parameters.push((&limit, Type::INT8));
    connection.query_anew(&sql, &parameters).await
}

pub(super) async fn stats(connection: &mut Connection) -> Result<Vec<KindStats>, PostgresError> {
    let rows = connection
        .query(
            "WITH live AS (
                 SELECT kind, count(*) FILTER (WHERE state = 'ready') AS ready,
                     count(*) FILTER (WHERE state = 'scheduled') AS scheduled,
                     count(*) FILTER (WHERE state = 'running') AS running,
                     job_now() - min(run_at) FILTER (WHERE state = 'ready') AS oldest
                 FROM job GROUP BY kind
             ), dead AS (SELECT kind, count(*) AS dead FROM job_ended WHERE state = 'dead' GROUP BY kind),
             paused AS (SELECT kind, is_paused FROM job_kind WHERE is_paused)
             SELECT kind, coalesce(ready, 0), coalesce(scheduled, 0), coalesce(running, 0), coalesce(dead, 0),
                 greatest(coalesce(oldest, 0), 0), coalesce(is_paused, false)
             FROM live FULL JOIN dead USING (kind) FULL JOIN paused USING (kind) ORDER BY kind",
            &[],
        )
        .await?;
    let stats = rows.iter().map(|row| {
        let count = |index| Ok::<_, PostgresError>(row.try_get::<_, i64>(index)?.unsigned_abs());
        Ok(KindStats {
            kind: row.try_get(0)?,
            ready: count(1)?,
            scheduled: count(2)?,
            running: count(3)?,
            dead: count(4)?,
            oldest_ready_ms: count(5)?,
            is_paused: row.try_get(6)?,
        })
    });
    stats.collect()
}

pub(super) async fn retry(
    connection: &mut Connection,
    selection: &Selection,
) -> Result<u64, PostgresError> {
    let said = Said::new(selection);
    let at_once = format!(
        "UPDATE job SET state = 'ready', run_at = job_now() WHERE state = 'scheduled' AND {SELECTED}"
    );
    let retried = connection.execute(&at_once, &said.parameters()).await?;
    // A key that another live job has keeps its place. Two dead letters of one key: the newer one is begun again.
    let over = format!(
        "WITH chosen AS MATERIALIZED (
             SELECT * FROM job_ended WHERE state IN ('dead', 'cancelled') AND {SELECTED} FOR UPDATE
         ), put AS (
             INSERT INTO job (id, kind, state, priority, run_at, max_attempts, fence, unique_key, payload, errors, trace,
                 created_at)
             SELECT id, kind, 'ready', priority, job_now(), max_attempts, fence, unique_key, payload, errors, trace,
                 created_at
             FROM chosen ORDER BY id DESC
             ON CONFLICT (kind, unique_key) WHERE unique_key IS NOT NULL DO NOTHING
             RETURNING id
         )
         DELETE FROM job_ended WHERE id = ANY (ARRAY(SELECT id FROM put))"
    );
    Ok(retried + connection.execute(&over, &said.parameters()).await?)
}

pub(super) async fn cancel(
    connection: &mut Connection,
    selection: &Selection,
) -> Result<u64, PostgresError> {
    let said = Said::new(selection);
    let running =
        format!("UPDATE job SET is_cancelled = true WHERE state = 'running' AND {SELECTED}");
    let cancelled = connection.execute(&running, &said.parameters()).await?;
    let waiting = format!(
        "WITH gone AS (
             DELETE FROM job WHERE state <> 'running' AND {SELECTED}
             RETURNING *, 'cancelled' AS fate, errors AS history, job_now() AS now
         ) {KEEP} FROM gone"
    );
    Ok(cancelled + connection.execute(&waiting, &said.parameters()).await?)
}

pub(super) async fn purge(
    connection: &mut Connection,
    selection: &Selection,
) -> Result<u64, PostgresError> {
    let sql = format!("DELETE FROM job_ended WHERE {SELECTED}");
    connection
        .execute(&sql, &Said::new(selection).parameters())
        .await
}
