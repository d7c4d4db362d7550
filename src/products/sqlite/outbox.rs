//! The stream of committed versions, for a reader that remembers over restarts how far it came.

use std::time::Duration;

use rusqlite::{Connection, params};

use super::versions::newest;
use crate::products::store::{Change, OutboxMark, OutboxPage};

const OUTBOX_AFTER: &str = include_str!("../../../sql/sqlite/queries/outbox_after.sql");
const OUTBOX_BEFORE: &str = include_str!("../../../sql/sqlite/queries/outbox_before.sql");

/// Behind the newest row.
pub(super) fn end(connection: &Connection) -> rusqlite::Result<OutboxMark> {
    let snapshot = connection.unchecked_transaction()?;
    let newest = newest(&snapshot)?;
    let rows = rows_from(&snapshot, newest, 1)?;
    // The row may have been removed for its age, its number is kept.
    Ok(rows.first().map_or_else(|| unknown(newest), Row::mark))
}

/// A place before everything that was committed within the last `age`.
pub(super) fn before(connection: &Connection, age: Duration) -> rusqlite::Result<OutboxMark> {
    /// A row tells when it was written, and its transaction may be an import that takes its time.
    const LONGEST_TRANSACTION: Duration = Duration::from_mins(15);
    let age = age.saturating_add(LONGEST_TRANSACTION);
    let snapshot = connection.unchecked_transaction()?;
    let (last_old, first): (Option<i64>, Option<i64>) = snapshot
        .prepare_cached(OUTBOX_BEFORE)?
        .query_row([format!("-{} seconds", age.as_secs())], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    match (last_old, first) {
        (Some(seq), _) => {
            let rows = rows_from(&snapshot, seq, 1)?;
            Ok(rows.first().map_or_else(|| unknown(seq), Row::mark))
        }
        // Rows are removed for their age alone: what is gone was older.
        (None, Some(first)) => Ok(unknown(first - 1)),
        (None, None) => Ok(unknown(newest(&snapshot)?)),
    }
}

/// What follows a mark, which has to be still what it was: numbers alone would not tell a catalogue from one
/// that was put back from a backup and has gone its own way since.
pub(super) fn after(
    connection: &Connection,
    mark: &OutboxMark,
    limit: usize,
) -> rusqlite::Result<Option<OutboxPage>> {
    let seq = mark.0.split(' ').next().and_then(|seq| seq.parse().ok());
    let Some(seq) = seq else { return Ok(None) };
    let snapshot = connection.unchecked_transaction()?;
    let rows = rows_from(&snapshot, seq, limit.saturating_add(1))?;
    let known = rows.iter().take_while(|row| row.seq == seq);
    let is_same = known
        .clone()
        .all(|row| row.mark() == *mark || unknown(seq) == *mark);
    let rows = &rows[known.count()..];
    let rows = &rows[..rows.len().min(limit)];
    // Numbers are given without holes: see `Follower::next_batch`.
    let is_whole = rows
        .iter()
        .zip(seq + 1..)
        .all(|(row, expected)| row.seq == expected);
    let is_all = !rows.is_empty() || newest(&snapshot)? == seq;
    Ok((is_same && is_whole && is_all).then(|| OutboxPage {
        changes: rows.iter().map(|row| row.change).collect(),
        mark: rows.last().map_or_else(|| mark.clone(), Row::mark),
    }))
}

struct Row {
    seq: i64,
    change: Change,
    created_at: String,
}

impl Row {
    fn mark(&self) -> OutboxMark {
        let Change {
            product_id,
            version,
        } = self.change;
        OutboxMark(format!(
            "{} {product_id} {version} {}",
            self.seq, self.created_at
        ))
    }
}

/// A place of which the number alone is known.
fn unknown(seq: i64) -> OutboxMark {
    OutboxMark(seq.to_string())
}

fn rows_from(connection: &Connection, seq: i64, limit: usize) -> rusqlite::Result<Vec<Row>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(OUTBOX_AFTER)?;
    let rows = statement.query_map(params![seq, limit], |row| {
        Ok(Row {
            seq: row.get(0)?,
            change: Change {
                product_id: row.get(1)?,
                version: row.get(2)?,
            },
            created_at: row.get(3)?,
        })
    })?;
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::sqlite::{Access, Sqlite, open};

    fn catalogue() -> (tempfile::TempDir, Connection) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalog.db");
        Sqlite::open(&path).unwrap().migrate().unwrap();
        let connection = open(&path, Access::ReadWrite).unwrap();
        (folder, connection)
    }

    fn insert(connection: &Connection, product_id: i64) {
        let sql =
            "INSERT INTO catalog_outbox (product_id, version, kind) VALUES (?1, 1, 'created')";
        connection.execute(sql, [product_id]).unwrap();
    }

    fn ids(page: &OutboxPage) -> Vec<i64> {
        page.changes
            .iter()
            .map(|change| change.product_id)
            .collect()
    }

    #[test]
    fn every_version_comes_once_and_in_order() {
        let (_folder, connection) = catalogue();
        let start = end(&connection).unwrap();
        (1..=5).for_each(|product_id| insert(&connection, product_id));
        let first = after(&connection, &start, 2).unwrap().unwrap();
        assert_eq!(ids(&first), [1, 2]);
        let second = after(&connection, &first.mark, 10).unwrap().unwrap();
        assert_eq!(ids(&second), [3, 4, 5]);
        assert_eq!(second.mark, end(&connection).unwrap());
        let none = after(&connection, &second.mark, 10).unwrap().unwrap();
        assert_eq!(
            none,
            OutboxPage {
                changes: vec![],
                mark: second.mark
            }
        );
    }

    #[test]
    fn what_is_young_comes_after_what_was_before() {
        let (_folder, connection) = catalogue();
        let young = |connection: &Connection| {
            let mark = before(connection, Duration::from_mins(10)).unwrap();
            ids(&after(connection, &mark, 10).unwrap().unwrap())
        };
        assert_eq!(young(&connection), [0; 0]);
        (1..=4).for_each(|product_id| insert(&connection, product_id));
        assert_eq!(young(&connection), [1, 2, 3, 4]);
        for (rows, minutes) in [(2, 26), (3, 24)] {
            let age = format!("'now', '-{minutes} minutes'");
            let sql = format!(
                "UPDATE catalog_outbox SET created_at = strftime('%Y-%m-%dT%H:%M:%fZ', {age})
                 WHERE seq = {rows} OR ({rows} = 2 AND seq = 1)"
            );
            connection.execute(&sql, []).unwrap();
        }
        assert_eq!(young(&connection), [3, 4]);
        let remove = "DELETE FROM catalog_outbox WHERE seq <=";
        connection.execute(&format!("{remove} 2"), []).unwrap();
        assert_eq!(young(&connection), [3, 4]);
        connection.execute(&format!("{remove} 4"), []).unwrap();
        assert_eq!(young(&connection), [0; 0]);
    }

    #[test]
    fn removed_rows_are_a_gap_only_where_they_were_not_read() {
        let (_folder, connection) = catalogue();
        (1..=3).for_each(|product_id| insert(&connection, product_id));
        let first = after(&connection, &OutboxMark("0".to_owned()), 1)
            .unwrap()
            .unwrap();
        let all = end(&connection).unwrap();
        connection
            .execute("DELETE FROM catalog_outbox", [])
            .unwrap();
        assert_eq!(after(&connection, &first.mark, 10).unwrap(), None);
        assert_eq!(ids(&after(&connection, &all, 10).unwrap().unwrap()), [0; 0]);
        let anew = end(&connection).unwrap();
        insert(&connection, 4);
        for mark in [all, anew] {
            assert_eq!(ids(&after(&connection, &mark, 10).unwrap().unwrap()), [4]);
        }
    }

    #[test]
    fn another_history_is_a_gap() {
        let (_folder, connection) = catalogue();
        (1..=3).for_each(|product_id| insert(&connection, product_id));
        let mark = end(&connection).unwrap();
        let (_other_folder, other) = catalogue();
        assert_eq!(after(&other, &mark, 10).unwrap(), None);
        (4..=7).for_each(|product_id| insert(&other, product_id));
        assert_eq!(after(&other, &mark, 10).unwrap(), None);
        assert_eq!(
            after(&other, &OutboxMark("not ours".to_owned()), 10).unwrap(),
            None
        );
    }
}
