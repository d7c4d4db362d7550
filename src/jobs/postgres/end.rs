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

/// Whether a row is that of one of the leases whose ids and fences are the first two parameters, in order of their ids. What
/// else is said of it is found by [`PLACE`], not by a join: for a table that was nearly empty when it was last vacuumed that
/// may be planned as a loop, a thousand times a thousand rows.
pub(super) const IS_HELD: &str =
    "id = ANY ($1) AND state = 'running' AND fence = $2[width_bucket(id, $1)]";

/// Of a row of `job` among the leases, which are in order of their ids: a binary search.
const PLACE: &str = "width_bucket(id, $1)";

/// What goes before the statements that use [`history`].
pub(super) const CLOCK: &str = "WITH clock AS MATERIALIZED (SELECT job_now() AS now)";
pub(super) const NOW: &str = "(SELECT now FROM clock)";

/// The errors of a row of `job` with one more, where there is one.
pub(super) fn history(error: &str) -> String {
    format!(
        "CASE WHEN {error} IS NULL THEN errors ELSE errors ||
            jsonb_build_array(jsonb_build_object('attempt', attempt, 'at', {NOW}, 'error', {error})) END"
    )
}

/// What ends for good: ids, fences, fates, texts of errors, whether it is remembered. One that was asked for while it was
/// running stays. Rows are locked in order of their numbers, as by all who take several.
fn ends_sql() -> String {
    let history = history("$4[place]");
    format!(
        "{CLOCK}, mine AS MATERIALIZED (
             SELECT id FROM job WHERE {IS_HELD} AND (again_at IS NULL OR $3[{PLACE}] = 'cancelled')
             ORDER BY id FOR UPDATE
         ), gone AS (
             DELETE FROM job WHERE id = ANY (ARRAY(SELECT id FROM mine)) RETURNING *, {PLACE} AS place
         ), kept AS (
             {KEEP} FROM (
                 SELECT *, $3[place] AS fate, {history} AS history, {NOW} AS now FROM gone WHERE $5[place]) told
         )
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
fn again_sql() -> String {
    let history = history(&format!("$3[{PLACE}]"));
    format!(
        "{CLOCK}, mine AS MATERIALIZED (
             SELECT id FROM job WHERE {IS_HELD} AND again_at IS NOT NULL ORDER BY id FOR UPDATE
         )
         UPDATE job
         SET state = 'scheduled', run_at = again_at, again_at = NULL, attempt = 0, lease_until = NULL, worker = NULL,
             errors = {history}
         WHERE id = ANY (ARRAY(SELECT id FROM mine))
         RETURNING id"
    )
}

/// What goes back to those that wait: ids, fences, waits, texts of errors. Without an error it is no attempt. One that
/// somebody cancelled meanwhile is not begun again.
fn back_sql() -> String {
    let (wait, error) = (format!("$3[{PLACE}]"), format!("$4[{PLACE}]"));
    let history = history(&error);
    format!(
        "{CLOCK}, mine AS MATERIALIZED (
             SELECT id, is_cancelled FROM job WHERE {IS_HELD} ORDER BY id FOR UPDATE
         ), gone AS (
             DELETE FROM job WHERE id = ANY (ARRAY(SELECT id FROM mine WHERE is_cancelled))
             RETURNING *, 'cancelled'::text AS fate, {history} AS history, {NOW} AS now
         ), kept AS ({KEEP} FROM gone), back AS (
             UPDATE job
             SET state = CASE WHEN {wait} > 0 THEN 'scheduled' ELSE 'ready' END,
                 run_at = CASE WHEN {wait} > 0 THEN {NOW} + {wait} ELSE run_at END,
                 attempt = attempt - CASE WHEN {error} IS NULL THEN 1 ELSE 0 END,
                 errors = {history}, lease_until = NULL, worker = NULL
             WHERE id = ANY (ARRAY(SELECT id FROM mine WHERE NOT is_cancelled))
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
    // In order, for `PLACE`. Of two leases of one job the older one is lost.
    let mut ends: Vec<&End> = ends.iter().collect();
    ends.sort_unstable_by_key(|end| (end.lease.id, end.lease.fence));
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
                    &again_sql(),
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
