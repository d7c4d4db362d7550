//! What became of jobs of late.

use std::collections::BTreeMap;

use crate::db::postgres::{Connection, PostgresError, Type};
use crate::jobs::history::{HOUR, MINUTE, Outcomes, Recent, SLOT};

/// Slot, kind, done, failed, waits, waited, runs, ran. A program of another version may have other buckets.
const TELL: &str = "
    INSERT INTO job_history AS h (slot, kind, done, failed, waits, waited, runs, ran)
    SELECT (SELECT job_now()) / $1 * $1, $2, $3, $4, $5, $6, $7, $8
    ON CONFLICT (slot, kind) DO UPDATE SET
        done = h.done + excluded.done, failed = h.failed + excluded.failed,
        waits = ARRAY(SELECT coalesce(a, 0) + coalesce(b, 0)
            FROM unnest(h.waits, excluded.waits) WITH ORDINALITY AS u (a, b, n) ORDER BY n),
        waited = h.waited + excluded.waited,
        runs = ARRAY(SELECT coalesce(a, 0) + coalesce(b, 0)
            FROM unnest(h.runs, excluded.runs) WITH ORDINALITY AS u (a, b, n) ORDER BY n),
        ran = h.ran + excluded.ran";

const RECENT: &str = "
    SELECT kind, slot >= (SELECT job_now()) - $2, done, failed, waits, waited, runs, ran
    FROM job_history WHERE slot >= (SELECT job_now()) - $1";

/// Adds what was done of a kind now.
pub(super) async fn tell(
    connection: &mut Connection,
    kind: &str,
    outcomes: &Outcomes,
) -> Result<(), PostgresError> {
    let Outcomes {
        done,
        failed,
        waited,
        ran,
    } = outcomes;
    connection
        .execute(
            TELL,
            &[
                (&SLOT, Type::INT8),
                (&kind, Type::TEXT),
                (done, Type::INT8),
                (failed, Type::INT8),
                (&waited.buckets.as_slice(), Type::INT8_ARRAY),
                (&waited.sum, Type::INT8),
                (&ran.buckets.as_slice(), Type::INT8_ARRAY),
                (&ran.sum, Type::INT8),
            ],
        )
        .await?;
    Ok(())
}

/// What was done in the last hour.
pub(super) async fn recent(
    connection: &mut Connection,
) -> Result<BTreeMap<String, Recent>, PostgresError> {
    let rows = connection
        .query(RECENT, &[(&HOUR, Type::INT8), (&MINUTE, Type::INT8)])
        .await?;
    let mut kinds = BTreeMap::<String, Recent>::new();
    for row in &rows {
        let recent = kinds.entry(row.try_get(0)?).or_default();
        let (done, failed): (i64, i64) = (row.try_get(2)?, row.try_get(3)?);
        if row.try_get(1)? {
            recent.done_in_a_minute += done;
            recent.failed_in_a_minute += failed;
        }
        let hour = &mut recent.hour;
        hour.done += done;
        hour.failed += failed;
        let buckets = |index| row.try_get::<_, Vec<i64>>(index);
        hour.waited.add_stored(&buckets(4)?, row.try_get(5)?);
        hour.ran.add_stored(&buckets(6)?, row.try_get(7)?);
    }
    Ok(kinds)
}

/// Removes what is told of no more.
pub(super) async fn forget(connection: &mut Connection) -> Result<(), PostgresError> {
    let sql = "DELETE FROM job_history WHERE slot < (SELECT job_now()) - $1";
    connection.execute(sql, &[(&HOUR, Type::INT8)]).await?;
    Ok(())
}
