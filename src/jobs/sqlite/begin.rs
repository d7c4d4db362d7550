//! Beginning jobs: when their time has come, and again when their worker says nothing any more.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use super::end::{AGAIN, MOVE, lost_error};
use super::now;
use crate::jobs::job::{Job, Lease, millis};
use crate::jobs::store::{Extended, Fetch, Fetched};

/// Most jobs that are made ready, or retaken, at a time: what is more waits for the next look.
const AT_A_TIME: usize = 1_000;

const FETCH: &str = "
    UPDATE job
    SET state = 'running', attempt = attempt + 1, fence = fence + 1, started_at = ?1, lease_until = ?1 + ?2, worker = ?3
    WHERE id IN (SELECT id FROM job WHERE state = 'ready' AND kind = ?4 ORDER BY priority, id LIMIT ?5)
    RETURNING id, fence, payload, attempt, max_attempts, unique_key IS NOT NULL, max(?1 - run_at, 0), trace, priority";

/// A lease that lies further ahead than any is given was given by a clock that has been set back since.
const EXPIRED: &str = "state = 'running' AND (lease_until < ?1 OR lease_until > ?1 + 2 * ?2)";

/// Begins jobs of a kind.
pub(super) fn fetch(connection: &Connection, fetch: &Fetch) -> rusqlite::Result<Fetched> {
    let kind: Option<(bool, i64)> = connection
        .prepare_cached("SELECT is_paused, next_at FROM job_kind WHERE kind = ?1")?
        .query_row([fetch.kind], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (is_paused, next_at) = kind.unwrap_or_default();
    if is_paused {
        return Ok(Fetched::default());
    }
    let now = now();
    let allowed = fetch
        .rate
        .map_or(usize::MAX, |rate| rate.allowed(now, next_at));
    let limit = fetch.limit.min(allowed);
    let jobs = begin(connection, fetch, now, limit)?;
    let Some(rate) = fetch.rate else {
        return Ok(Fetched {
            jobs,
            next_in: None,
        });
    };
    let next_at = rate.next_at(now, next_at, jobs.len());
    if !jobs.is_empty() {
        connection
            .prepare_cached(
                "INSERT INTO job_kind (kind, next_at) VALUES (?1, ?2)
                 ON CONFLICT (kind) DO UPDATE SET next_at = excluded.next_at",
            )?
            .execute(params![fetch.kind, next_at])?;
    }
    let next_in = (jobs.len() == allowed).then(|| rate.wait(now, next_at));
    Ok(Fetched { jobs, next_in })
}

fn begin(
    connection: &Connection,
    fetch: &Fetch,
    now: i64,
    limit: usize,
) -> rusqlite::Result<Vec<Job>> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(FETCH)?;
    let rows = statement.query_map(
        params![now, millis(fetch.lease), fetch.worker, fetch.kind, limit],
        |row| {
            let job = Job {
                lease: Lease {
                    id: row.get(0)?,
                    fence: row.get(1)?,
                },
                payload: row.get(2)?,
                attempt: row.get(3)?,
                max_attempts: row.get(4)?,
                is_unique: row.get(5)?,
                waited: row.get::<_, i64>(6)?.unsigned_abs(),
                trace: row.get(7)?,
            };
            Ok((row.get::<_, i32>(8)?, job))
        },
    )?;
    let mut jobs = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    // RETURNING has no order.
    jobs.sort_unstable_by_key(|(priority, job)| (*priority, job.lease.id));
    Ok(jobs.into_iter().map(|(_, job)| job).collect())
}

/// Extends leases that still stand.
pub(super) fn extend(
    connection: &Connection,
    leases: &[Lease],
    lease: Duration,
) -> rusqlite::Result<Vec<Extended>> {
    let until = now() + millis(lease);
    let mut statement = connection.prepare_cached(
        "UPDATE job SET lease_until = ?3 WHERE id = ?1 AND fence = ?2 AND state = 'running'
         RETURNING is_cancelled",
    )?;
    of_each(leases, |lease| {
        statement.query_row(params![lease.id, lease.fence, until], |row| row.get(0))
    })
}

/// Which of the leases are nobody else's yet.
pub(super) fn held(connection: &Connection, leases: &[Lease]) -> rusqlite::Result<Vec<Extended>> {
    let mut statement = connection.prepare_cached(
        "SELECT is_cancelled FROM job WHERE id = ?1 AND fence = ?2 AND state = 'running'",
    )?;
    of_each(leases, |lease| {
        statement.query_row(params![lease.id, lease.fence], |row| row.get(0))
    })
}

/// Those that there is a row of, which says whether the job is cancelled.
fn of_each(
    leases: &[Lease],
    mut ask: impl FnMut(&Lease) -> rusqlite::Result<bool>,
) -> rusqlite::Result<Vec<Extended>> {
    let mut there = Vec::with_capacity(leases.len());
    for lease in leases {
        there.extend(ask(lease).optional()?.map(|is_cancelled| Extended {
            id: lease.id,
            is_cancelled,
        }));
    }
    Ok(there)
}

/// Whether jobs are to be made ready or retaken, and which kinds have jobs that are.
pub(super) fn look(
    connection: &Connection,
    lease: Duration,
) -> rusqlite::Result<(bool, Vec<String>)> {
    let now = now();
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM job WHERE state = 'scheduled' AND run_at <= ?1)
             OR EXISTS (SELECT 1 FROM job WHERE {EXPIRED})"
    );
    let is_due = connection
        .prepare_cached(&sql)?
        .query_row(params![now, millis(lease)], |row| row.get(0))?;
    // From one kind to the next, without a look at all that lies between.
    let ready = connection
        .prepare_cached(
            "WITH RECURSIVE ready (kind) AS (
                 SELECT (SELECT min(kind) FROM job WHERE state = 'ready')
                 UNION ALL
                 SELECT (SELECT min(kind) FROM job WHERE state = 'ready' AND kind > ready.kind)
                 FROM ready WHERE ready.kind IS NOT NULL)
             SELECT kind FROM ready WHERE kind IS NOT NULL",
        )?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok((is_due, ready))
}

/// Has jobs ready whose time has come.
pub(super) fn promote(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE job SET state = 'ready' WHERE id IN (
                 SELECT id FROM job WHERE state = 'scheduled' AND run_at <= ?1 ORDER BY run_at LIMIT ?2)",
        )?
        .execute(params![now(), AT_A_TIME])?;
    Ok(())
}

/// A job whose worker said nothing for longer than its lease.
struct Lost {
    id: i64,
    attempt: u16,
    is_last: bool,
    is_cancelled: bool,
    worker: Option<String>,
    again_at: Option<i64>,
}

/// Takes jobs from workers that said nothing for longer than their lease. The first time one is begun again at once; what
/// may have killed a process twice waits longer each time, so that it does not take one worker after another along.
/// One that was asked for while its last attempt ran begins with its first one again.
pub(super) fn retake(connection: &Connection, lease: Duration) -> rusqlite::Result<u64> {
    let now = now();
    let sql = format!(
        "SELECT id, attempt, attempt >= max_attempts, is_cancelled, worker, again_at FROM job
         WHERE {EXPIRED} LIMIT {AT_A_TIME}"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let lost = statement
        .query_map(params![now, millis(lease)], |row| {
            Ok(Lost {
                id: row.get(0)?,
                attempt: row.get(1)?,
                is_last: row.get(2)?,
                is_cancelled: row.get(3)?,
                worker: row.get(4)?,
                again_at: row.get(5)?,
            })
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    for job in &lost {
        let Lost { id, attempt, .. } = job;
        let error = lost_error(*attempt, job.worker.as_deref(), now);
        connection
            .prepare_cached(
                "UPDATE job SET errors = json_insert(errors, '$[#]', json(?2)) WHERE id = ?1",
            )?
            .execute(params![id, error])?;
        let wait = crate::jobs::job::after_a_loss(*attempt);
        let state = match (job.is_cancelled, job.is_last, job.again_at) {
            (true, ..) => "cancelled",
            (_, true, None) => "dead",
            (_, true, Some(again_at)) => {
                connection
                    .prepare_cached("UPDATE job SET again_at = ?2 WHERE id = ?1")?
                    .execute(params![id, again_at.max(now + wait)])?;
                connection.prepare_cached(AGAIN)?.execute([id])?;
                continue;
            }
            _ => {
                connection
                    .prepare_cached(
                        "UPDATE job
                         SET state = CASE WHEN ?2 > 0 THEN 'scheduled' ELSE 'ready' END, run_at = ?3 + ?2,
                             lease_until = NULL, worker = NULL
                         WHERE id = ?1",
                    )?
                    .execute(params![id, wait, now])?;
                continue;
            }
        };
        connection
            .prepare_cached(MOVE)?
            .execute(params![id, state, now])?;
        connection
            .prepare_cached("DELETE FROM job WHERE id = ?1")?
            .execute([id])?;
    }
    Ok(lost.len() as u64)
}
