//! What became of jobs of late.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::now;
use crate::jobs::history::{HOUR, MINUTE, Outcomes, Recent, SLOT, Times};

/// Adds what was done of a kind now.
pub(super) fn tell(
    connection: &Connection,
    kind: &str,
    mut outcomes: Outcomes,
) -> rusqlite::Result<()> {
    let now = now();
    let slot = now - now.rem_euclid(SLOT);
    connection
        .prepare_cached(
            "SELECT done, failed, waits, waited, runs, ran FROM job_history WHERE slot = ?1 AND kind = ?2",
        )?
        .query_row(params![slot, kind], |row| add(&mut outcomes, row, 0))
        .optional()?;
    let Outcomes {
        done,
        failed,
        waited,
        ran,
    } = outcomes;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO job_history (slot, kind, done, failed, waits, waited, runs, ran)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            slot,
            kind,
            done,
            failed,
            stored(&waited),
            waited.sum,
            stored(&ran),
            ran.sum
        ])?;
    Ok(())
}

fn stored(times: &Times) -> String {
    serde_json::json!(times.buckets.as_slice()).to_string()
}

/// Adds a row, whose columns begin at `from`.
fn add(sum: &mut Outcomes, row: &Row<'_>, from: usize) -> rusqlite::Result<()> {
    let buckets = |index| -> rusqlite::Result<Vec<i64>> {
        let damaged = |_| rusqlite::Error::InvalidQuery;
        serde_json::from_str(row.get_ref(index)?.as_str()?).map_err(damaged)
    };
    sum.done += row.get::<_, i64>(from)?;
    sum.failed += row.get::<_, i64>(from + 1)?;
    sum.waited
        .add_stored(&buckets(from + 2)?, row.get(from + 3)?);
    sum.ran.add_stored(&buckets(from + 4)?, row.get(from + 5)?);
    Ok(())
}

/// What was done in the last hour.
pub(super) fn recent(connection: &Connection) -> rusqlite::Result<BTreeMap<String, Recent>> {
    let now = now();
    let mut kinds = BTreeMap::<String, Recent>::new();
    let mut statement = connection.prepare_cached(
        "SELECT kind, slot >= ?2, done, failed, waits, waited, runs, ran FROM job_history WHERE slot >= ?1",
    )?;
    let mut rows = statement.query([now - HOUR, now - MINUTE])?;
    while let Some(row) = rows.next()? {
        let recent = kinds.entry(row.get(0)?).or_default();
        add(&mut recent.hour, row, 2)?;
        if row.get(1)? {
            recent.done_in_a_minute += row.get::<_, i64>(2)?;
            recent.failed_in_a_minute += row.get::<_, i64>(3)?;
        }
    }
    Ok(kinds)
}

/// Removes what is told of no more.
pub(super) fn forget(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM job_history WHERE slot < ?1")?
        .execute([now() - HOUR])?;
    Ok(())
}
