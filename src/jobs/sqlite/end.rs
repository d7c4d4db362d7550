//! Ending jobs, and forgetting those that ended long ago.

use rusqlite::{Connection, OptionalExtension, params};

use super::now;
use crate::jobs::job::{End, Fate, JobId, Lease, error_entry, millis};
use crate::jobs::store::Retention;

/// Puts a live job among those that have ended, as it is.
pub(super) const MOVE: &str = "
    INSERT INTO job_ended (id, kind, state, priority, run_at, attempt, max_attempts, started_at, worker, fence,
        unique_key, payload, errors, trace, created_at, ended_at)
    SELECT id, kind, ?2, priority, run_at, attempt, max_attempts, started_at, worker, fence, unique_key, payload, errors,
        trace, created_at, ?3
    FROM job WHERE id = ?1";
const DELETE: &str = "DELETE FROM job WHERE id = ?1";

/// Has a job that was asked for while it was running done again, however this beginning ended.
pub(super) const AGAIN: &str = "
    UPDATE job
    SET state = 'scheduled', run_at = again_at, again_at = NULL, attempt = 0, lease_until = NULL, worker = NULL
    WHERE id = ?1";

const BACK: &str = "
    UPDATE job
    SET state = CASE WHEN ?2 > 0 THEN 'scheduled' ELSE 'ready' END, run_at = CASE WHEN ?2 > 0 THEN ?3 + ?2 ELSE run_at END,
        attempt = attempt - ?4, lease_until = NULL, worker = NULL
    WHERE id = ?1";

/// Rows that are removed at a time, so that no other write waits for long.
const BATCH: usize = 1_000;

/// Ends a job in the caller's transaction, as done. False where the lease was lost: then the transaction has to be rolled
/// back, since another worker does the job, or did it.
pub fn end_in(connection: &Connection, lease: Lease, keep: bool) -> rusqlite::Result<bool> {
    let end = End {
        lease,
        attempt: 0,
        fate: Fate::Done { keep },
    };
    Ok(!self::end(connection, &[end])?.is_empty())
}

/// Ends those that are still the caller's to end.
pub(super) fn end(connection: &Connection, ends: &[End]) -> rusqlite::Result<Vec<JobId>> {
    let now = now();
    let mut ended = Vec::with_capacity(ends.len());
    for End {
        lease,
        attempt,
        fate,
    } in ends
    {
        let held: Option<(bool, bool)> = connection
            .prepare_cached(
                "SELECT is_cancelled, again_at IS NOT NULL FROM job
                 WHERE id = ?1 AND fence = ?2 AND state = 'running'",
            )?
            .query_row(params![lease.id, lease.fence], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        let Some((is_cancelled, is_wanted_again)) = held else {
            continue;
        };
        ended.push(lease.id);
        if let Fate::Again { error, .. } | Fate::Dead { error } = fate {
            connection
                .prepare_cached(
                    "UPDATE job SET errors = json_insert(errors, '$[#]', json(?2)) WHERE id = ?1",
                )?
                .execute(params![lease.id, error_entry(*attempt, now, error)])?;
        }
        let state = match fate {
            Fate::Again { .. } | Fate::Returned if is_cancelled => "cancelled",
            Fate::Again { delay, .. } => {
                let back = params![lease.id, millis(*delay), now, 0];
                connection.prepare_cached(BACK)?.execute(back)?;
                continue;
            }
            Fate::Returned => {
                let back = params![lease.id, 0, now, 1];
                connection.prepare_cached(BACK)?.execute(back)?;
                continue;
            }
            Fate::Cancelled => "cancelled",
            Fate::Done { .. } => "done",
            Fate::Dead { .. } => "dead",
        };
        if is_wanted_again && state != "cancelled" {
            connection.prepare_cached(AGAIN)?.execute([lease.id])?;
            continue;
        }
        if !matches!(fate, Fate::Done { keep: false }) {
            let moved = params![lease.id, state, now];
            connection.prepare_cached(MOVE)?.execute(moved)?;
        }
        connection.prepare_cached(DELETE)?.execute([lease.id])?;
    }
    Ok(ended)
}

/// What is said of a worker that was lost.
pub(super) fn lost_error(attempt: u16, worker: Option<&str>, now: i64) -> String {
    let worker = worker.unwrap_or("a worker");
    error_entry(
        attempt,
        now,
        &format!("{worker} said nothing for longer than its lease"),
    )
}

/// Removes a batch of what ended long ago; true where there may be more.
pub(super) fn forget(connection: &Connection, retention: Retention) -> rusqlite::Result<bool> {
    super::history::forget(connection)?;
    let now = now();
    // Each along an index of its own: dead letters are kept for long, and would be passed over each time.
    let remove = |states: &str, age| {
        let sql = format!(
            "DELETE FROM job_ended WHERE id IN (
                 SELECT id FROM job_ended WHERE {states} AND ended_at < ?1 ORDER BY ended_at LIMIT ?2)"
        );
        let before = now - millis(age);
        connection
            .prepare_cached(&sql)?
            .execute(params![before, BATCH])
    };
    let ended = remove("state <> 'dead'", retention.ended)?;
    let dead = remove("state = 'dead'", retention.dead)?;
    Ok(ended == BATCH || dead == BATCH)
}
