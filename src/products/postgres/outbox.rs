//! The stream of committed versions, for readers that remember how far they came.
//!
//! A mark is a history of the server, a snapshot everything visible in which was read, and, in the middle of a long
//! stretch, the snapshot that is being read up to and the last row of it.

use std::time::Duration;

use crate::db::postgres::{Connection, PostgresError, Type};
use crate::products::store::{Change, OutboxMark, OutboxPage};

const NOW: &str = include_str!("../../../sql/postgres/queries/outbox_now.sql");
const SINCE: &str = include_str!("../../../sql/postgres/queries/outbox_since.sql");
const BETWEEN: &str = include_str!("../../../sql/postgres/queries/outbox_between.sql");

/// How long a transaction may take from its first row, which it makes at its end, to its commit for its rows to be found
/// by time. Documents of a million products are made meanwhile, and a standby may have to be waited for.
const LONGEST_COMMIT: Duration = Duration::from_mins(10);

/// Where the server stands.
struct Now {
    history: String,
    snapshot: String,
    /// Rows of this transaction and of those before it may have been removed, the last of them by the other one.
    horizon: u64,
    removed_by: u64,
    /// How far the log goes, and of which primary it is.
    position: Position,
}

/// A place in the log of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) timeline: u32,
    /// In bytes.
    pub(super) bytes: u64,
}

/// A mark taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    history: String,
    /// All that is visible in it was read.
    read: String,
    /// What is being read: a snapshot, and transaction and number of the last row.
    reading: Option<(String, String, i64)>,
}

impl Place {
    fn parse(mark: &OutboxMark) -> Option<Self> {
        let mut words = mark.0.split(' ');
        let place = Self {
            history: words.next()?.to_owned(),
            read: words.next().filter(|it| bounds(it).is_some())?.to_owned(),
            reading: match words.next() {
                None => None,
                Some(snapshot) => {
                    bounds(snapshot)?;
                    let xid = words.next()?;
                    xid.parse::<u64>().ok()?;
                    let seq = words.next()?.parse().ok()?;
                    Some((snapshot.to_owned(), xid.to_owned(), seq))
                }
            },
        };
        words.next().is_none().then_some(place)
    }

    fn mark(&self) -> OutboxMark {
        let Self { history, read, .. } = self;
        OutboxMark(match &self.reading {
            None => format!("{history} {read}"),
            Some((snapshot, xid, seq)) => format!("{history} {read} {snapshot} {xid} {seq}"),
        })
    }
}

/// The lowest transaction that was running, and the first that had not begun: `xmin:xmax:list`.
fn bounds(snapshot: &str) -> Option<(u64, u64)> {
    let mut parts = snapshot.split(':');
    let bounds = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let running = parts.next()?;
    let is_list = running
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b',');
    (is_list && parts.next().is_none()).then_some(bounds)
}

async fn now(connection: &mut Connection) -> Result<Now, PostgresError> {
    let row = connection.query_one(NOW, &[]).await?;
    let number = |index: usize| -> Result<u64, PostgresError> {
        let number: String = row.try_get(index)?;
        Ok(number.parse().unwrap_or(u64::MAX))
    };
    Ok(Now {
        history: row.try_get(0)?,
        snapshot: row.try_get(1)?,
        horizon: number(2)?,
        removed_by: number(3)?,
        position: Position {
            timeline: u32::try_from(row.try_get::<_, i64>(4)?).unwrap_or(0),
            bytes: row.try_get::<_, i64>(5)?.unsigned_abs(),
        },
    })
}

impl Now {
    fn end(self) -> OutboxMark {
        let place = Place {
            history: self.history,
            read: self.snapshot,
            reading: None,
        };
        place.mark()
    }
}

/// Behind everything that is committed.
pub(super) async fn end(connection: &mut Connection) -> Result<OutboxMark, PostgresError> {
    Ok(now(connection).await?.end())
}

/// The same, and the place in the log in front of which all that was committed.
pub(super) async fn end_and_position(
    connection: &mut Connection,
) -> Result<(OutboxMark, Position), PostgresError> {
    let now = now(connection).await?;
    let position = now.position;
    Ok((now.end(), position))
}

/// A place such that everything committed within the last `age` comes after it, by transactions whose commit took no longer
/// than [`LONGEST_COMMIT`]; `None` where the outbox does not go back so far.
pub(super) async fn before(
    connection: &mut Connection,
    age: Duration,
) -> Result<Option<OutboxMark>, PostgresError> {
    let now = now(connection).await?;
    let (age, longest) = (age.as_secs_f64(), LONGEST_COMMIT.as_secs_f64());
    let seconds = [(&age as _, Type::FLOAT8), (&longest as _, Type::FLOAT8)];
    let first: String = connection.query_one(SINCE, &seconds).await?.try_get(0)?;
    let read = format!("{first}:{first}:");
    let reaches = follows(&read, &now);
    let place = Place {
        history: now.history,
        read,
        reading: None,
    };
    Ok(reaches.then(|| place.mark()))
}

/// What was committed after a mark; `None` where that cannot be told any more.
pub(super) async fn after(
    connection: &mut Connection,
    mark: &OutboxMark,
    limit: usize,
) -> Result<Option<OutboxPage>, PostgresError> {
    let Some(mut place) = Place::parse(mark) else {
        return Ok(None);
    };
    let now = now(connection).await?;
    if place.history != now.history || !follows(&place.read, &now) {
        return Ok(None);
    }
    let (until, xid, seq) = place
        .reading
        .take()
        .unwrap_or_else(|| (now.snapshot, "0".to_owned(), 0));
    if until == place.read {
        let changes = Vec::new();
        return Ok(Some(OutboxPage {
            changes,
            mark: place.mark(),
        }));
    }
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = connection
        .query(
            BETWEEN,
            &[
                (&place.read, Type::TEXT),
                (&until, Type::TEXT),
                (&xid, Type::TEXT),
                (&seq, Type::INT8),
                (&most, Type::INT8),
            ],
        )
        .await?;
    let mut changes = Vec::with_capacity(rows.len());
    for row in &rows {
        let version: i64 = row.try_get(3)?;
        changes.push(Change {
            product_id: row.try_get(2)?,
            version: version.unsigned_abs(),
        });
    }
    match rows.last().filter(|_| rows.len() >= limit) {
        Some(last) => place.reading = Some((until, last.try_get(0)?, last.try_get(1)?)),
        None => place.read = until,
    }
    Ok(Some(OutboxPage {
        changes,
        mark: place.mark(),
    }))
}

/// Whether nothing behind this snapshot can have been removed, or lies in a future that has been undone.
fn follows(read: &str, now: &Now) -> bool {
    let (Some((xmin, xmax)), Some((_, newest))) = (bounds(read), bounds(&now.snapshot)) else {
        return false;
    };
    let is_known = |xid: u64| xid < xmax && !is_running(read, xid);
    // A transaction that runs for long holds `xmin` back; what was removed before this snapshot was seen all the same.
    xmax <= newest && (now.horizon < xmin || is_known(now.removed_by))
}

/// Whether this transaction was running at the time of the snapshot.
fn is_running(snapshot: &str, xid: u64) -> bool {
    let running = snapshot.rsplit(':').next().unwrap_or_default();
    running.split(',').any(|it| it.parse() == Ok(xid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written() {
        for text in ["7-1 10:12:10,11", "7-1 10:10: 10:14:12 11 42"] {
            let mark = OutboxMark(text.to_owned());
            assert_eq!(Place::parse(&mark).unwrap().mark(), mark);
        }
        for text in [
            "",
            "7-1",
            "7-1 10",
            "7-1 10:10",
            "7-1 10:10:x",
            "7-1 10:10: 11",
            "1 2 3 4 5 6",
        ] {
            assert_eq!(Place::parse(&OutboxMark(text.to_owned())), None, "{text}");
        }
    }

    #[test]
    fn what_was_removed_is_missed_by_those_alone_who_did_not_see_it() {
        let now = |horizon, removed_by| Now {
            history: String::new(),
            snapshot: "20:30:20".to_owned(),
            horizon,
            removed_by,
            position: Position {
                timeline: 1,
                bytes: 0,
            },
        };
        for (read, horizon, removed_by, follows_on) in [
            // Nothing was removed.
            ("10:12:10", 0, 0, true),
            // Something older than all that was read.
            ("10:12:10", 9, 25, true),
            // Something that this snapshot may not have shown.
            ("10:12:10", 10, 25, false),
            ("10:26:10,25", 10, 25, false),
            // Removed before this snapshot, while an older transaction was running.
            ("10:26:10", 24, 25, true),
            // From a future that has been undone.
            ("10:31:10", 0, 0, false),
            ("nonsense", 0, 0, false),
        ] {
            let now = now(horizon, removed_by);
            assert_eq!(
                follows(read, &now),
                follows_on,
                "{read} {horizon} {removed_by}"
            );
        }
    }
}
