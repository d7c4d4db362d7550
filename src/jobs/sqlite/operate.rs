//! What operators ask and do.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::end::MOVE;
use super::now;
use crate::jobs::job::{JobId, JobRecord, KindStats, Selection, State};

/// Of the live ones and of those that ended, alike.
const LIVE: &str = "id, kind, state, priority, run_at, attempt, max_attempts, started_at, NULL, worker, unique_key,
    payload, errors, trace, created_at";
const ENDED: &str = "id, kind, state, priority, run_at, attempt, max_attempts, started_at, ended_at, worker, unique_key,
    payload, errors, trace, created_at";

/// The conditions of a [`Selection`], each of which holds where nothing is said: ids as JSON, kind, state.
const SELECTED: &str = "(?1 IS NULL OR id IN (SELECT value FROM json_each(?1)))
    AND (?2 IS NULL OR kind = ?2) AND (?3 IS NULL OR state = ?3)";

type Said<'s> = (Option<String>, Option<&'s str>, Option<&'static str>);

fn said(selection: &Selection) -> Said<'_> {
    let ids = selection.ids.as_ref();
    (
        ids.map(|ids| serde_json::json!(ids).to_string()),
        selection.kind.as_deref(),
        selection.state.map(State::as_str),
    )
}

fn record(row: &Row<'_>) -> rusqlite::Result<JobRecord> {
    let damaged = |_| rusqlite::Error::InvalidQuery;
    let state = State::parse(row.get_ref(2)?.as_str()?);
    Ok(JobRecord {
        id: row.get(0)?,
        kind: row.get(1)?,
        state: state.ok_or(rusqlite::Error::InvalidQuery)?,
        priority: row.get(3)?,
        run_at: row.get(4)?,
        attempt: row.get(5)?,
        max_attempts: row.get(6)?,
        started_at: row.get(7)?,
        ended_at: row.get(8)?,
        worker: row.get(9)?,
        unique_key: row.get(10)?,
        payload: serde_json::from_str(row.get_ref(11)?.as_str()?).map_err(damaged)?,
        errors: serde_json::from_str(row.get_ref(12)?.as_str()?).map_err(damaged)?,
        trace: row.get(13)?,
        created_at: row.get(14)?,
    })
}

pub(super) fn find(connection: &Connection, id: JobId) -> rusqlite::Result<Option<JobRecord>> {
    let sql = format!(
        "SELECT {LIVE} FROM job WHERE id = ?1 UNION ALL SELECT {ENDED} FROM job_ended WHERE id = ?1"
    );
    connection.query_row(&sql, [id], record).optional()
}

pub(super) fn list(
    connection: &Connection,
    selection: &Selection,
    limit: usize,
) -> rusqlite::Result<Vec<JobRecord>> {
    let sql = format!(
        "SELECT * FROM (SELECT {LIVE} FROM job WHERE {SELECTED} ORDER BY id DESC LIMIT ?4)
         UNION ALL
         SELECT * FROM (SELECT {ENDED} FROM job_ended WHERE {SELECTED} ORDER BY id DESC LIMIT ?4)
         ORDER BY id DESC LIMIT ?4"
    );
    let (ids, kind, state) = said(selection);
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![ids, kind, state, limit], record)?;
    rows.collect()
}

pub(super) fn stats(connection: &Connection) -> rusqlite::Result<Vec<KindStats>> {
    let now = now();
    let mut kinds = BTreeMap::<String, KindStats>::new();
    let mut live = connection.prepare_cached(
        "SELECT kind, count(*) FILTER (WHERE state = 'ready'), count(*) FILTER (WHERE state = 'scheduled'),
             count(*) FILTER (WHERE state = 'running'), min(run_at) FILTER (WHERE state = 'ready')
         FROM job GROUP BY kind",
    )?;
    let mut rows = live.query([])?;
    while let Some(row) = rows.next()? {
        let kind: String = row.get(0)?;
        let oldest: Option<i64> = row.get(4)?;
        let stats = kinds.entry(kind).or_default();
        stats.ready = row.get(1)?;
        stats.scheduled = row.get(2)?;
        stats.running = row.get(3)?;
        stats.oldest_ready_ms = oldest.map_or(0, |oldest| (now - oldest).max(0).unsigned_abs());
    }
    let mut dead = connection.prepare_cached(
        "SELECT kind, count(*) FROM job_ended WHERE state = 'dead' GROUP BY kind",
    )?;
    let mut rows = dead.query([])?;
    while let Some(row) = rows.next()? {
        kinds.entry(row.get(0)?).or_default().dead = row.get(1)?;
    }
    let mut paused = connection.prepare_cached("SELECT kind FROM job_kind WHERE is_paused")?;
    let mut rows = paused.query([])?;
    while let Some(row) = rows.next()? {
        kinds.entry(row.get(0)?).or_default().is_paused = true;
    }
    let named = kinds
        .into_iter()
        .map(|(kind, stats)| KindStats { kind, ..stats });
    Ok(named.collect())
}

pub(super) fn retry(connection: &Connection, selection: &Selection) -> rusqlite::Result<u64> {
    let now = now();
    let (ids, kind, state) = said(selection);
    let at_once = format!(
        "UPDATE job SET state = 'ready', run_at = ?4 WHERE state = 'scheduled' AND {SELECTED}"
    );
    let mut retried = connection.execute(&at_once, params![ids, kind, state, now])?;
    let over =
        format!("SELECT id FROM job_ended WHERE state IN ('dead', 'cancelled') AND {SELECTED}");
    let over: Vec<i64> = connection
        .prepare_cached(&over)?
        .query_map(params![ids, kind, state], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for id in over {
        let rows = connection
            .prepare_cached(
                "INSERT INTO job (id, kind, state, priority, run_at, max_attempts, fence, unique_key, payload, errors,
                     trace, created_at)
                 SELECT id, kind, 'ready', priority, ?2, max_attempts, fence, unique_key, payload, errors, trace,
                     created_at
                 FROM job_ended WHERE id = ?1
                 ON CONFLICT (kind, unique_key) WHERE unique_key IS NOT NULL DO NOTHING",
            )?
            .execute(params![id, now])?;
        if rows > 0 {
            connection
                .prepare_cached("DELETE FROM job_ended WHERE id = ?1")?
                .execute([id])?;
        }
        retried += rows;
    }
    Ok(retried as u64)
}

pub(super) fn cancel(connection: &Connection, selection: &Selection) -> rusqlite::Result<u64> {
    let now = now();
    let (ids, kind, state) = said(selection);
    let running = format!("UPDATE job SET is_cancelled = 1 WHERE state = 'running' AND {SELECTED}");
    let mut cancelled = connection.execute(&running, params![ids, kind, state])?;
    let waiting = format!("SELECT id FROM job WHERE state <> 'running' AND {SELECTED}");
    let waiting: Vec<i64> = connection
        .prepare_cached(&waiting)?
        .query_map(params![ids, kind, state], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for id in waiting {
        connection
            .prepare_cached(MOVE)?
            .execute(params![id, "cancelled", now])?;
        cancelled += connection
            .prepare_cached("DELETE FROM job WHERE id = ?1")?
            .execute([id])?;
    }
    Ok(cancelled as u64)
}

pub(super) fn purge(connection: &Connection, selection: &Selection) -> rusqlite::Result<u64> {
    let (ids, kind, state) = said(selection);
    let sql = format!("DELETE FROM job_ended WHERE {SELECTED}");
    Ok(connection.execute(&sql, params![ids, kind, state])? as u64)
}
