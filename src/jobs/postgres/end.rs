//! Ending jobs, and forgetting those that ended long ago.

use crate::db::postgres::{Connection, PostgresError, Row, Type};
use crate::jobs::job::{End, Fate, JobId, Lease, millis};
use crate::jobs::store::Retention;

/// Puts rows that were live among those that have ended; to be followed by where they are from, with the new history of
/// errors as `history`, the new state as `fate` and the time as `now`.
pub(super) const KEEP: &str = "
    INSERT INTO job_ended (id, kind, state, priority, run_at, attempt, max_attempts, started_at, worker, fence, unique_key,
        payload, errors, trace, created_at, ended_at)
    SELECT id, kind, fate, priority, run_at, attempt, max_attempts, started_at, worker, fence, unique_key, payload, history,
        trace, created_at, now";

/// What ends for good: ids, fences, fates, texts of errors, whether it is remembered. One that was asked for while it was
/// running stays. Rows are locked in order of their numbers, as by all who take several.
fn ends_sql() -> String {
    format!(
        "WITH given AS MATERIALIZED (
             SELECT g.* FROM unnest($1, $2, $3, $4, $5) AS g (id, fence, fate, error, keep)
         ), mine AS MATERIALIZED (
             SELECT id, fence, again_at FROM job WHERE id = ANY ($1) AND state = 'running' ORDER BY id FOR UPDATE
         ), held AS MATERIALIZED (
             SELECT id, fate, error, keep, job_now() AS now FROM mine JOIN given USING (id, fence)
             WHERE again_at IS NULL OR fate = 'cancelled'
         ), gone AS (
             DELETE FROM job WHERE id = ANY (ARRAY(SELECT id FROM held)) RETURNING *
         ), told AS (
             SELECT gone.*, fate, keep, now, CASE WHEN error IS NULL THEN errors ELSE
                 errors || jsonb_build_array(jsonb_build_object('attempt', attempt, 'at', now, 'error', error)) END
                 AS history
             FROM gone JOIN held USING (id)
         ), kept AS ({KEEP} FROM told WHERE keep)
         SELECT id FROM gone"
    )
}

/// The same for one that is done, which is what most are: it takes a third of the time to plan. Id, fence, whether it is
/// remembered.
fn end_one_sql() -> String {
    format!(
        "WITH gone AS (
             DELETE FROM job WHERE id = $1 AND fence = $2 AND state = 'running' AND again_at IS NULL
             RETURNING job.*, 'done'::text AS fate, errors AS history, job_now() AS now
         ), kept AS ({KEEP} FROM gone WHERE $3)
         SELECT id FROM gone"
    )
}

/// What was asked for again while it was running: ids, fences, texts of errors.
const AGAIN: &str = "
    WITH mine AS MATERIALIZED (
        SELECT id, fence, attempt, errors FROM job
        WHERE id = ANY ($1) AND state = 'running' AND again_at IS NOT NULL ORDER BY id FOR UPDATE
    ), told AS MATERIALIZED (
        SELECT id, CASE WHEN error IS NULL THEN errors ELSE
            errors || jsonb_build_array(jsonb_build_object('attempt', attempt, 'at', job_now(), 'error', error)) END
            AS history
        FROM mine JOIN unnest($1, $2, $3) AS g (id, fence, error) USING (id, fence)
    )
    UPDATE job
    SET state = 'scheduled', run_at = again_at, again_at = NULL, attempt = 0, lease_until = NULL, worker = NULL,
        errors = (SELECT history FROM told WHERE told.id = job.id)
    WHERE id = ANY (ARRAY(SELECT id FROM told))
    RETURNING id";

/// What goes back to those that wait: ids, fences, waits, texts of errors. Without an error it is no attempt. One that
/// somebody cancelled meanwhile is not begun again.
fn back_sql() -> String {
    format!(
        "WITH clock AS MATERIALIZED (SELECT job_now() AS now), mine AS MATERIALIZED (
             SELECT id, fence, is_cancelled, attempt, errors FROM job
             WHERE id = ANY ($1) AND state = 'running' ORDER BY id FOR UPDATE
         ), told AS MATERIALIZED (
             SELECT id, wait, error, now, is_cancelled, CASE WHEN error IS NULL THEN errors ELSE
                 errors || jsonb_build_array(jsonb_build_object('attempt', attempt, 'at', now, 'error', error)) END
                 AS history
             FROM mine JOIN unnest($1, $2, $3, $4) AS g (id, fence, wait, error) USING (id, fence), clock
         ), gone AS (
             DELETE FROM job WHERE id = ANY (ARRAY(SELECT id FROM told WHERE is_cancelled)) RETURNING *
         ), ended AS (
             SELECT gone.*, 'cancelled' AS fate, history, now FROM gone JOIN told USING (id)
         ), kept AS ({KEEP} FROM ended), back AS (
             UPDATE job
             SET (state, run_at, attempt, errors) = (
                     SELECT CASE WHEN wait > 0 THEN 'scheduled' ELSE 'ready' END,
                         CASE WHEN wait > 0 THEN now + wait ELSE job.run_at END,
                         job.attempt - CASE WHEN error IS NULL THEN 1 ELSE 0 END, history
                     FROM told WHERE told.id = job.id),
                 lease_until = NULL, worker = NULL
             WHERE id = ANY (ARRAY(SELECT id FROM told WHERE NOT is_cancelled))
             RETURNING id
         )
         SELECT id FROM back UNION ALL SELECT id FROM gone"
    )
}

/// Ends a job in the caller's transaction, as done. False where the lease was lost: then the transaction has to be rolled
/// back, since another worker does the job, or did it.
pub async fn end_in(
    connection: &mut Connection,
    lease: Lease,
    keep: bool,
) -> Result<bool, PostgresError> {
    let end = End {
        lease,
        attempt: 0,
        fate: Fate::Done { keep },
    };
    Ok(!self::end(connection, &[end]).await?.is_empty())
}

/// Ends those that are still the caller's to end.
pub(super) async fn end(
    connection: &mut Connection,
    ends: &[End],
) -> Result<Vec<JobId>, PostgresError> {
    if let [one] = ends
        && let Fate::Done { keep } = one.fate
        && end_one(connection, one.lease, keep).await?
    {
        return Ok(vec![one.lease.id]);
    }
    let (mut over, mut back) = (Over::default(), Back::default());
    for end in ends {
        match &end.fate {
            Fate::Done { keep } => over.push(end.lease, "done", None, *keep),
            Fate::Dead { error } => over.push(end.lease, "dead", Some(error), true),
            Fate::Cancelled => over.push(end.lease, "cancelled", None, true),
            Fate::Again { delay, error } => back.push(end.lease, millis(*delay), Some(error)),
            Fate::Returned => back.push(end.lease, 0, None),
        }
    }
    let mut ended = over.end(connection).await?;
    ended.append(&mut back.end(connection).await?);
    Ok(ended)
}

/// False where it is not the caller's to end, or was asked for again.
async fn end_one(
    connection: &mut Connection,
    lease: Lease,
    keep: bool,
) -> Result<bool, PostgresError> {
    let ended = connection
        .query_anew(
            &end_one_sql(),
            &[
                (&lease.id, Type::INT8),
                (&lease.fence, Type::INT8),
                (&keep, Type::BOOL),
            ],
        )
        .await?;
    Ok(!ended.is_empty())
}

#[derive(Default)]
struct Over<'e> {
    ids: Vec<i64>,
    fences: Vec<i64>,
    fates: Vec<&'static str>,
    errors: Vec<Option<&'e str>>,
    kept: Vec<bool>,
}

impl<'e> Over<'e> {
    fn push(&mut self, lease: Lease, fate: &'static str, error: Option<&'e String>, keep: bool) {
        self.ids.push(lease.id);
        self.fences.push(lease.fence);
        self.fates.push(fate);
        self.errors.push(error.map(String::as_str));
        self.kept.push(keep);
    }

    async fn end(&self, connection: &mut Connection) -> Result<Vec<JobId>, PostgresError> {
        if self.ids.is_empty() {
            return Ok(Vec::new());
        }
        let rows = connection
            .query_anew(
                &ends_sql(),
                &[
                    (&self.ids, Type::INT8_ARRAY),
                    (&self.fences, Type::INT8_ARRAY),
                    (&self.fates, Type::TEXT_ARRAY),
                    (&self.errors, Type::TEXT_ARRAY),
                    (&self.kept, Type::BOOL_ARRAY),
                ],
            )
            .await?;
        let mut ended = ids(&rows)?;
        // Those that are missing were lost, or are to be done again: only then there is more to do.
        if ended.len() < self.ids.len() {
            let rows = connection
                .query_anew(
                    AGAIN,
                    &[
                        (&self.ids, Type::INT8_ARRAY),
                        (&self.fences, Type::INT8_ARRAY),
                        (&self.errors, Type::TEXT_ARRAY),
                    ],
                )
                .await?;
            ended.append(&mut ids(&rows)?);
        }
        Ok(ended)
    }
}

#[derive(Default)]
struct Back<'e> {
    ids: Vec<i64>,
    fences: Vec<i64>,
    waits: Vec<i64>,
    errors: Vec<Option<&'e str>>,
}

impl<'e> Back<'e> {
    fn push(&mut self, lease: Lease, wait: i64, error: Option<&'e String>) {
        self.ids.push(lease.id);
        self.fences.push(lease.fence);
        self.waits.push(wait);
        self.errors.push(error.map(String::as_str));
    }

    async fn end(&self, connection: &mut Connection) -> Result<Vec<JobId>, PostgresError> {
        if self.ids.is_empty() {
            return Ok(Vec::new());
        }
        let rows = connection
            .query_anew(
                &back_sql(),
                &[
                    (&self.ids, Type::INT8_ARRAY),
                    (&self.fences, Type::INT8_ARRAY),
                    (&self.waits, Type::INT8_ARRAY),
                    (&self.errors, Type::TEXT_ARRAY),
                ],
            )
            .await?;
        ids(&rows)
    }
}

fn ids(rows: &[Row]) -> Result<Vec<JobId>, PostgresError> {
    let ids = rows.iter().map(|row| row.try_get(0));
    Ok(ids.collect::<Result<_, _>>()?)
}

/// Removes a batch of what ended long ago; true where there may be more.
pub(super) async fn forget(
    connection: &mut Connection,
    retention: Retention,
) -> Result<bool, PostgresError> {
    /// So many that no other statement waits for long.
    const BATCH: usize = 1_000;
    super::history::forget(connection).await?;
    let most = i64::try_from(BATCH).unwrap_or(i64::MAX);
    let mut is_all = true;
    // Each along an index of its own: dead letters are kept for long, and would be passed over each time.
    for (states, age) in [
        ("state <> 'dead'", retention.ended),
        ("state = 'dead'", retention.dead),
    ] {
        let sql = format!(
            "DELETE FROM job_ended WHERE id = ANY (ARRAY(
                 SELECT id FROM job_ended WHERE {states} AND ended_at < (SELECT job_now()) - $1
                 ORDER BY ended_at LIMIT $2 FOR UPDATE SKIP LOCKED))
             RETURNING id"
        );
        let age = millis(age);
        let removed = connection
            .query_anew(&sql, &[(&age, Type::INT8), (&most, Type::INT8)])
            .await?;
        is_all &= removed.len() < BATCH;
    }
    Ok(!is_all)
}
