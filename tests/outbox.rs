//! The stream of committed versions in PostgreSQL, for readers that remember how far they came: nothing is missed, and
//! where that cannot be promised it is said.

use std::time::Duration;

use doorbuster::db::postgres::{Options, Postgres};
use doorbuster::products::postgres::PostgresCatalog;
use doorbuster::products::store::{CatalogStore, OutboxMark};
use tokio::runtime::{Builder, Runtime};

use crate::harness::{PostgresDatabase, Session};

/// The store, as the program has it.
pub(crate) fn store(database: &PostgresDatabase) -> PostgresCatalog {
    let options = Options {
        url: database.url(),
        pool_size: 2,
        pgbouncer: false,
        replicas: Vec::new(),
        max_replica_lag: Duration::from_secs(1),
    };
    PostgresCatalog::new(Postgres::open(&options).unwrap())
}

struct Outbox {
    store: PostgresCatalog,
    runtime: Runtime,
    database: PostgresDatabase,
}

/// Product and version.
type Changes = Vec<(i64, u64)>;

impl Outbox {
    fn of(database: PostgresDatabase) -> Self {
        Self {
            store: store(&database),
            runtime: Builder::new_current_thread().build().unwrap(),
            database,
        }
    }

    fn end(&self) -> OutboxMark {
        self.runtime.block_on(self.store.outbox_end()).unwrap()
    }

    fn after(&self, mark: &OutboxMark, limit: usize) -> Option<(Changes, OutboxMark)> {
        let page = self.store.outbox_after(mark.clone(), limit);
        let page = self.runtime.block_on(page).unwrap()?;
        let changes = page.changes.iter();
        let changes = changes.map(|change| (change.product_id, change.version));
        Some((changes.collect(), page.mark))
    }

    fn session(&self) -> Session {
        self.database.connect()
    }

    fn write(&self, sql: &str) {
        self.session().batch(sql).unwrap();
    }
}

const LAMPS: &str = "INSERT INTO product (id, handle, title)
                     SELECT id, 'lamp-' || id, 'Lamp' FROM generate_series(1, 5) id";

#[test]
fn a_long_transaction_is_read_when_it_commits_and_holds_up_nobody() {
    let outbox = Outbox::of(PostgresDatabase::new());
    outbox.write(LAMPS);
    let mark = outbox.end();
    let long = outbox.session();
    long.batch(
        "BEGIN; UPDATE product SET title = 'Late' WHERE id IN (1, 2); SELECT settle_products()",
    )
    .unwrap();
    outbox.write("UPDATE product SET title = 'Early' WHERE id IN (3, 4)");
    let (changes, mark) = outbox.after(&mark, 10).unwrap();
    assert_eq!(changes, [(3, 2), (4, 2)]);
    assert_eq!(outbox.after(&mark, 10).unwrap().0, []);
    outbox.write("UPDATE product SET title = 'Later' WHERE id = 5");
    long.batch("COMMIT").unwrap();
    outbox.write("UPDATE product SET title = 'Last' WHERE id = 1");
    // Row by row, and what commits between two pages is not lost either.
    let (mut read, mut mark) = (Vec::new(), mark);
    loop {
        let (changes, next) = outbox.after(&mark, 1).unwrap();
        if changes.is_empty() && next == mark {
            break;
        }
        if read.is_empty() {
            outbox.write("UPDATE product SET title = 'Meanwhile' WHERE id = 5");
        }
        read.extend(changes);
        mark = next;
    }
    read.sort_unstable();
    assert_eq!(read, [(1, 2), (1, 3), (2, 2), (5, 2), (5, 3)]);
}

/// As texts the number of a transaction comes before that of an earlier one wherever there is a digit more.
#[test]
fn rows_are_read_in_order_of_their_transactions_when_those_get_a_digit_more() {
    let outbox = Outbox::of(PostgresDatabase::in_a_cluster_of_its_own());
    outbox.write(LAMPS);
    let begun: i64 = outbox
        .session()
        .value("SELECT pg_current_xact_id()::text::bigint");
    let boundary = 10_i64.pow((begun + 10).ilog10() + 1);
    outbox.write(&format!(
        "DO $$ BEGIN
             WHILE pg_current_xact_id()::text::bigint < {boundary} - 4 LOOP COMMIT; END LOOP;
         END $$"
    ));
    let mut mark = outbox.end();
    for version in 2..10 {
        outbox.write(&format!(
            "UPDATE product SET title = 'Lamp {version}' WHERE id = 1"
        ));
    }
    let transactions: i64 = outbox.session().value(&format!(
        "SELECT count(DISTINCT xid < '{boundary}') FROM catalog_outbox WHERE version > 1"
    ));
    assert_eq!(transactions, 2, "none before it or none behind it");
    for version in 2..10 {
        let (changes, next) = outbox.after(&mark, 1).unwrap();
        assert_eq!(changes, [(1, version)]);
        mark = next;
    }
}

/// Who starts looks back for seconds, be it at the rows of a transaction that began an hour ago.
#[test]
fn a_row_is_as_old_as_its_commit_however_long_its_transaction_took() {
    let outbox = Outbox::of(PostgresDatabase::new());
    outbox.write(LAMPS);
    let long = outbox.session();
    long.batch("BEGIN; UPDATE product SET title = 'Late' WHERE id = 1")
        .unwrap();
    outbox.write(
        "CREATE TABLE before_its_end AS
             SELECT date_trunc('milliseconds', clock_timestamp()) AS at, pg_sleep(0.002)::text",
    );
    long.batch("COMMIT").unwrap();
    let late = "SELECT count(*) FROM catalog_outbox, before_its_end
        WHERE product_id = 1 AND version = 2 AND created_at >= at";
    assert_eq!(outbox.session().value::<i64>(late), 1);
}

#[test]
fn what_was_removed_is_told_to_those_who_did_not_see_it() {
    let outbox = Outbox::of(PostgresDatabase::new());
    let unread = outbox.end();
    outbox.write(LAMPS);
    let read = outbox.end();
    // Holds back what counts as over.
    let long = outbox.session();
    long.batch("BEGIN; SELECT pg_current_xact_id()").unwrap();
    outbox.write("UPDATE product SET title = 'Desk Lamp' WHERE id = 1");
    outbox.write("DELETE FROM catalog_outbox");
    assert_eq!(outbox.after(&unread, 10), None);
    assert_eq!(outbox.after(&read, 10), None);
    let afterwards = outbox.end();
    outbox.write("UPDATE product SET title = 'Lamp' WHERE id = 1");
    assert_eq!(outbox.after(&afterwards, 10).unwrap().0, [(1, 3)]);
    long.batch("COMMIT").unwrap();
    outbox
        .session()
        .batch("TRUNCATE catalog_outbox")
        .unwrap_err();
}

#[test]
fn a_mark_of_another_server_or_of_an_undone_future_is_none() {
    let outbox = Outbox::of(PostgresDatabase::in_a_cluster_of_its_own());
    let restored = Outbox::of(PostgresDatabase::in_a_cluster_of_its_own());
    for outbox in [&outbox, &restored] {
        outbox.write(LAMPS);
    }
    let mark = outbox.end();
    assert_eq!(outbox.after(&mark, 10).unwrap().0, []);
    assert_eq!(restored.after(&mark, 10), None);
    // The same history, put back to an earlier state of it.
    let (history, snapshot) = mark.0.split_once(' ').unwrap();
    let (xmin, _) = snapshot.split_once(':').unwrap();
    let undone = OutboxMark(format!("{history} {xmin}:99999999:"));
    assert_eq!(outbox.after(&undone, 10), None);
}
