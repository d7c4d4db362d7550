//! Beginning jobs: when their time has come, and again when their worker says nothing any more.
//!
//! These statements, and those that end jobs, are planned anew each time. The table is empty when there is nothing to do,
//! and has a million rows a minute after a spike began; a plan that was made for the one, which reads all there is instead
//! of an index, is kept until vacuum comes, and took a minute for 500 jobs of 200,000. Planning takes half a
//! millisecond, once for all jobs of a batch.
//!
//! They name the rows of `job` that they change by an array, and join it with nothing: a join may be planned, for a table
//! that has a page, as a loop that reads it from end to end for each row of the other side. It has thousands a moment
//! later, none of which such a statement sees, but all of which it passes by, again and again, and the longer that takes
//! the more there are: one began nothing in 22 seconds.

use std::time::Duration;

use super::end::{CLOCK, IS_HELD, KEEP, NOW, history};
use crate::db::postgres::{Connection, Parameters, PostgresError, Row, Transaction, Type};
use crate::jobs::job::{Job, Lease, millis};
use crate::jobs::store::{Extended, Fetch, Fetched, Looked};

/// Nobody waits for a row that another one is at.
const FETCH: &str = "
    WITH clock AS MATERIALIZED (SELECT job_now() AS now), next AS MATERIALIZED (
        SELECT id FROM job
        WHERE state = 'ready' AND kind = $1
            AND NOT EXISTS (SELECT 1 FROM job_kind k WHERE k.kind = $1 AND k.is_paused)
        ORDER BY priority, id LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE job
    SET state = 'running', attempt = attempt + 1, fence = fence + 1, started_at = (SELECT now FROM clock),
        lease_until = (SELECT now FROM clock) + $3, worker = $4
    WHERE id = ANY (ARRAY(SELECT id FROM next))
    RETURNING id, fence, payload, attempt, max_attempts, unique_key IS NOT NULL, greatest(started_at - run_at, 0), trace,
        priority";

/// Begins jobs of a kind.
pub(super) async fn fetch(
    connection: &mut Connection,
    fetch: &Fetch,
) -> Result<Fetched, PostgresError> {
    let jobs = begin(connection, fetch, fetch.limit).await?;
    Ok(Fetched {
        jobs,
        next_in: None,
    })
}

async fn begin(
    connection: &mut Connection,
    fetch: &Fetch,
    limit: usize,
) -> Result<Vec<Job>, PostgresError> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = connection
        .query_anew(
            FETCH,
            &[
                (&fetch.kind, Type::TEXT),
                (&limit, Type::INT8),
                (&millis(fetch.lease), Type::INT8),
                (&fetch.worker, Type::TEXT),
            ],
        )
        .await?;
    let jobs = rows.iter().map(|row| Ok((row.try_get(8)?, job(row)?)));
    let mut jobs = jobs.collect::<Result<Vec<(i32, Job)>, PostgresError>>()?;
    // RETURNING has no order.
    jobs.sort_unstable_by_key(|(priority, job)| (*priority, job.lease.id));
    Ok(jobs.into_iter().map(|(_, job)| job).collect())
}

fn job(row: &Row) -> Result<Job, PostgresError> {
    let attempts = |index| -> Result<u16, PostgresError> {
        let count: i32 = row.try_get(index)?;
        Ok(u16::try_from(count).unwrap_or(u16::MAX))
    };
    Ok(Job {
        lease: Lease {
            id: row.try_get(0)?,
            fence: row.try_get(1)?,
        },
        payload: row.try_get(2)?,
        attempt: attempts(3)?,
        max_attempts: attempts(4)?,
        is_unique: row.try_get(5)?,
        waited: row.try_get::<_, i64>(6)?.unsigned_abs(),
        trace: row.try_get(7)?,
    })
}

/// The same, no faster than all workers together may. The row of the kind is the lock under which they count.
pub(super) fn fetch_at_a_rate(
    mut transaction: Transaction,
    fetch: &Fetch,
) -> Result<Fetched, PostgresError> {
    let Some(rate) = fetch.rate else {
        return transaction.on(async |connection| self::fetch(connection, fetch).await);
    };
    let kind = fetch.kind;
    transaction.execute(
        "INSERT INTO job_kind (kind) VALUES ($1) ON CONFLICT DO NOTHING",
        &[(&kind, Type::TEXT)],
    )?;
    let row = transaction.query_one(
        "SELECT next_at, job_now() FROM job_kind WHERE kind = $1 FOR UPDATE",
        &[(&kind, Type::TEXT)],
    )?;
    // The time is taken before the lock is waited for, which makes the wait for the next one longer by that at most.
    let (next_at, now): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    let allowed = rate.allowed(now, next_at);
    let limit = fetch.limit.min(allowed);
    let jobs = transaction.on(async |connection| begin(connection, fetch, limit).await)?;
    let next_at = rate.next_at(now, next_at, jobs.len());
    if !jobs.is_empty() {
        transaction.execute(
            "UPDATE job_kind SET next_at = $2 WHERE kind = $1",
            &[(&kind, Type::TEXT), (&next_at, Type::INT8)],
        )?;
    }
    transaction.commit()?;
    let next_in = (jobs.len() == allowed).then(|| rate.wait(now, next_at));
    Ok(Fetched { jobs, next_in })
}

/// Extends leases that still stand.
pub(super) async fn extend(
    connection: &mut Connection,
    leases: &[Lease],
    lease: Duration,
) -> Result<Vec<Extended>, PostgresError> {
    // In order of their numbers, for `IS_HELD`; rows are locked so, too, as by all who take several.
    let mut leases = leases.to_vec();
    leases.sort_unstable_by_key(|lease| (lease.id, lease.fence));
    let ids: Vec<i64> = leases.iter().map(|lease| lease.id).collect();
    let fences: Vec<i64> = leases.iter().map(|lease| lease.fence).collect();
    let sql = format!(
        "WITH mine AS MATERIALIZED (SELECT id FROM job WHERE {IS_HELD} ORDER BY id FOR NO KEY UPDATE)
         UPDATE job SET lease_until = job_now() + $3 WHERE id = ANY (ARRAY(SELECT id FROM mine))
         RETURNING id, is_cancelled"
    );
    let rows = connection
        .query_anew(
            &sql,
            &[
                (&ids, Type::INT8_ARRAY),
                (&fences, Type::INT8_ARRAY),
                (&millis(lease), Type::INT8),
            ],
        )
        .await?;
    let extended = rows.iter().map(|row| {
        Ok(Extended {
            id: row.try_get(0)?,
            is_cancelled: row.try_get(1)?,
        })
    });
    extended.collect()
}

/// The time is asked for once, by a subquery: compared with a function that may say something else for each row, all that is
/// scheduled is looked at.
const PROMOTE: &str = "
    WITH due AS MATERIALIZED (
        SELECT id FROM job WHERE state = 'scheduled' AND run_at <= (SELECT job_now())
        ORDER BY run_at LIMIT 1000 FOR NO KEY UPDATE SKIP LOCKED)
    UPDATE job SET state = 'ready' WHERE id = ANY (ARRAY(SELECT id FROM due))";

/// A lease that lies further ahead than any is given was given by a clock that has been set back since.
const EXPIRED: &str = "state = 'running'
    AND (lease_until < (SELECT job_now()) OR lease_until > (SELECT job_now()) + 2 * $1)";

/// The first time a job is begun again at once; what may have killed a process twice waits longer each time, so that it does not take one
/// worker after another along. One that was asked for while its last attempt ran begins with its first one again. At most once, whoever
/// looks.
fn retake_sql() -> String {
    let history =
        history("(coalesce(worker, 'a worker') || ' said nothing for longer than its lease')");
    let wait = "CASE WHEN attempt <= 1 THEN 0 ELSE least(1000 * 2 ^ least(attempt - 1, 9), 300000) END::bigint";
    let begins_at = format!("({NOW} + {wait})");
    let is_anew = "attempt >= max_attempts";
    format!(
        "{CLOCK}, lost AS MATERIALIZED (
             SELECT id, is_cancelled OR attempt >= max_attempts AND again_at IS NULL AS is_over FROM job
             WHERE {EXPIRED}
             ORDER BY id LIMIT 1000 FOR UPDATE SKIP LOCKED
         ), gone AS (
             DELETE FROM job WHERE id = ANY (ARRAY(SELECT id FROM lost WHERE is_over))
             RETURNING *, CASE WHEN is_cancelled THEN 'cancelled' ELSE 'dead' END AS fate, {history} AS history,
                 {NOW} AS now
         ), kept AS ({KEEP} FROM gone), back AS (
             UPDATE job
             SET state = CASE WHEN attempt > 1 OR {is_anew} THEN 'scheduled' ELSE 'ready' END,
                 run_at = CASE WHEN {is_anew} THEN greatest(again_at, {begins_at}) ELSE {begins_at} END,
                 again_at = CASE WHEN {is_anew} THEN NULL ELSE again_at END,
                 attempt = CASE WHEN {is_anew} THEN 0 ELSE attempt END,
                 errors = {history}, lease_until = NULL, worker = NULL
             WHERE id = ANY (ARRAY(SELECT id FROM lost WHERE NOT is_over))
             RETURNING id
         )
         SELECT (SELECT count(*) FROM back) + (SELECT count(*) FROM gone)"
    )
}

/// Whether jobs are to be made ready, or taken from their workers, and which kinds have jobs that are ready: from one kind
/// to the next, without a look at all that lies between.
fn look_sql() -> String {
    format!(
        "SELECT EXISTS (SELECT FROM job WHERE state = 'scheduled' AND run_at <= (SELECT job_now())),
             EXISTS (SELECT FROM job WHERE {EXPIRED}),
             ARRAY(
                 WITH RECURSIVE ready (kind) AS (
                     (SELECT kind FROM job WHERE state = 'ready' ORDER BY kind LIMIT 1)
                     UNION ALL
                     SELECT (SELECT job.kind FROM job WHERE state = 'ready' AND job.kind > ready.kind
                         ORDER BY job.kind LIMIT 1)
                     FROM ready WHERE ready.kind IS NOT NULL)
                 SELECT kind FROM ready WHERE kind IS NOT NULL)"
    )
}

/// Has jobs ready whose time has come, takes jobs from workers that say nothing, and tells which kinds have some.
pub(super) async fn look(
    connection: &mut Connection,
    lease: Duration,
) -> Result<Looked, PostgresError> {
    let lease = [(&millis(lease) as _, Type::INT8)];
    let (is_due, is_lost, ready) = due(connection, &lease).await?;
    // Every process looks all the time: what writes is for when there is something to be written.
    if !is_due && !is_lost {
        return Ok(Looked { ready, retaken: 0 });
    }
    let mut retaken = 0;
    if is_lost {
        let rows = connection.query_anew(&retake_sql(), &lease).await?;
        let row = rows.first().ok_or(PostgresError::Closed)?;
        retaken = row.try_get::<_, i64>(0)?.unsigned_abs();
    }
    if is_due {
        connection.query_anew(PROMOTE, &[]).await?;
    }
    let (_, _, ready) = due(connection, &lease).await?;
    Ok(Looked { ready, retaken })
}

/// Whether some are to be made ready, whether some are lost, and the kinds that have some that are ready.
async fn due(
    connection: &mut Connection,
    lease: Parameters<'_>,
) -> Result<(bool, bool, Vec<String>), PostgresError> {
    let rows = connection.query_anew(&look_sql(), lease).await?;
    let row = rows.first().ok_or(PostgresError::Closed)?;
    Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))
}
