//! Lists, on real files.

use proptest::collection::vec;
use proptest::prelude::*;
use rusqlite::params;

use super::*;
use crate::db::sqlite::{Access, Sqlite, open};
use crate::products::cursor::{Key, Position};
use crate::products::sqlite::settlement::settle_changes;

struct Catalog {
    connection: Connection,
    _folder: tempfile::TempDir,
}

impl Catalog {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalog.db");
        Sqlite::open(&path).unwrap().migrate().unwrap();
        let connection = open(&path, Access::ReadWrite).unwrap();
        // Nothing here outlives the test.
        connection
            .pragma_update(None, "synchronous", "OFF")
            .unwrap();
        Self {
            connection,
            _folder: folder,
        }
    }

    /// A public product, settled with the next call of [`Catalog::settle`].
    fn add(&self, title: &str, price: Option<i64>, stars: i64) -> i64 {
        let insert = "INSERT INTO product (handle, title, published_at, rating_sum, rating_count)
                      VALUES (lower(hex(randomblob(8))), ?1, '2026-01-0' || (1 + ?2 % 5), ?2, ?2 > 0)";
        self.connection
            .execute(insert, params![title, stars])
            .unwrap();
        let id = self.connection.last_insert_rowid();
        if let Some(minor) = price {
            let insert = "INSERT INTO variant (product_id, position, price_minor, currency)
                          VALUES (?1, 0, ?2, iif(?2 % 3 = 0, 'EUR', 'USD'))";
            self.connection.execute(insert, params![id, minor]).unwrap();
        }
        id
    }

    fn run(&self, sql: &str, id: i64) {
        self.connection.execute(sql, [id]).unwrap();
    }

    fn settle(&self) {
        settle_changes(&self.connection).unwrap();
    }

    fn page(&self, listing: &Listing, after: Option<Position>, limit: usize) -> Page<i64> {
        list(&self.connection, listing, &PageRequest { after, limit }).unwrap()
    }

    fn all(&self, listing: &Listing) -> Vec<i64> {
        let page = self.page(listing, None, 10_000);
        assert_eq!(page.next, None);
        page.items
    }

    fn plan(&self, listing: &Listing, after: Option<Position>) -> String {
        let request = PageRequest { after, limit: 20 };
        let Select { sql, values } = select(listing, &Order::of(listing), &request);
        let mut statement = self
            .connection
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap();
        let rows = statement.query_map(params_from_iter(values), |row| row.get::<_, String>(3));
        rows.unwrap()
            .collect::<Result<Vec<_>, _>>()
            .unwrap()
            .join("\n")
    }
}

fn by(sort: Sort) -> Listing {
    Listing {
        sort,
        ..Listing::default()
    }
}

#[derive(Debug, Clone)]
enum Write {
    Insert(u8, Option<i64>, i64),
    Rename(prop::sample::Index, u8),
    Reprice(prop::sample::Index, i64),
    Delete(prop::sample::Index),
    Hide(prop::sample::Index),
}

fn price() -> impl Strategy<Value = Option<i64>> {
    prop::option::weighted(0.8, 0..8_i64)
}

fn write() -> impl Strategy<Value = Write> {
    let any = any::<prop::sample::Index>;
    prop_oneof![
        (b'a'..b'e', price(), 0..=5_i64).prop_map(|(t, p, s)| Write::Insert(t, p, s)),
        (any(), b'a'..b'e').prop_map(|(at, title)| Write::Rename(at, title)),
        (any(), 0..8_i64).prop_map(|(at, price)| Write::Reprice(at, price)),
        any().prop_map(Write::Delete),
        any().prop_map(Write::Hide),
    ]
}

fn title(letter: u8) -> String {
    char::from(letter).to_string()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Many are equal in what they are sorted by, so that pages begin and end among equals.
    #[test]
    fn a_walk_shows_each_untouched_product_once_and_in_order_whatever_others_write(
        kept in vec((b'a'..b'e', price(), 0..=5_i64), 1..25),
        others in vec((b'a'..b'e', price(), 0..=5_i64), 1..10),
        writes in vec(vec(write(), 0..4), 1..12),
        limit in 1..9_usize,
        in_usd: bool,
    ) {
        let catalog = Catalog::new();
        let mut untouched = Vec::new();
        let mut touchable = Vec::new();
        let mut others = others.iter();
        for (letter, price, stars) in &kept {
            untouched.push(catalog.add(&title(*letter), *price, *stars));
            if let Some((letter, price, stars)) = others.next() {
                touchable.push(catalog.add(&title(*letter), *price, *stars));
            }
        }
        catalog.settle();
        for sort in Sort::ALL {
            let listing = Listing { currency: in_usd.then(|| "USD".to_owned()), ..by(sort) };
            let mut expected = catalog.all(&listing);
            expected.retain(|id| untouched.contains(id));
            let mut seen = Vec::new();
            let mut after = None;
            let mut writes = writes.iter();
            loop {
                let page = catalog.page(&listing, after, limit);
                prop_assert!(page.items.len() <= limit);
                prop_assert!(page.next.is_none() || page.items.len() == limit);
                seen.extend(page.items);
                after = page.next;
                if after.is_none() { break; }
                for write in writes.next().into_iter().flatten() {
                    let at = |index: &prop::sample::Index| *index.get(&touchable);
                    match write {
                        Write::Insert(letter, price, stars) => {
                            let id = catalog.add(&title(*letter), *price, *stars);
                            touchable.push(id);
                        }
                        Write::Rename(index, letter) => catalog.run(
                            &format!("UPDATE product SET title = '{}' WHERE id = ?1", title(*letter)),
                            at(index),
                        ),
                        Write::Reprice(index, price) => catalog.run(
                            &format!("UPDATE variant SET price_minor = {price} WHERE product_id = ?1"),
                            at(index),
                        ),
                        Write::Delete(index) => catalog.run(
                            "UPDATE product SET deleted_at = '2026-02-01' WHERE id = ?1", at(index),
                        ),
                        Write::Hide(index) => catalog.run(
                            "UPDATE product SET status = 'draft' WHERE id = ?1", at(index),
                        ),
                    }
                }
                catalog.settle();
            }
            seen.retain(|id| untouched.contains(id));
            prop_assert_eq!(&seen, &expected, "{:?}", sort);
            if !in_usd && !matches!(sort, Sort::Price | Sort::PriceFalling) {
                prop_assert_eq!(seen.len(), untouched.len());
            }
        }
    }
}

#[test]
fn every_order_is_one_range_of_one_index() {
    let catalog = Catalog::new();
    for currency in [None, Some("USD".to_owned())] {
        for sort in Sort::ALL {
            let listing = Listing {
                currency: currency.clone(),
                ..by(sort)
            };
            let first = catalog.plan(&listing, None);
            let keys = Order::of(&listing).columns.len();
            let after = Position(vec![Key::Integer(1); keys]);
            let next = catalog.plan(&listing, Some(after));
            for plan in [&first, &next] {
                assert!(plan.contains("INDEX listing_"), "{sort:?}: {plan}");
                assert!(!plan.contains("TEMP B-TREE"), "{sort:?}: {plan}");
                assert_eq!(plan.lines().count(), 1, "{sort:?}: {plan}");
            }
            // The id is part of the range: equals are not walked through again.
            assert!(next.starts_with("SEARCH"), "{sort:?}: {next}");
            assert!(next.contains("product_id)"), "{sort:?}: {next}");
        }
    }
}

#[test]
fn a_filter_that_leaves_few_has_an_index() {
    let catalog = Catalog::new();
    let word = || Some("x".to_owned());
    let listings = [
        Listing {
            vendor: word(),
            ..Listing::default()
        },
        Listing {
            product_type: word(),
            ..Listing::default()
        },
        Listing {
            category: word(),
            ..Listing::default()
        },
        Listing {
            tags: vec![vec!["x".to_owned()]],
            ..Listing::default()
        },
        Listing {
            currency: word(),
            price_min: Some(1),
            price_max: Some(2),
            ..Listing::default()
        },
        Listing {
            currency: word(),
            price_min: Some(1),
            ..by(Sort::PriceFalling)
        },
    ];
    for listing in listings {
        let plan = catalog.plan(&listing, None);
        assert!(
            !plan.contains("SCAN product_listing"),
            "{listing:?}: {plan}"
        );
    }
}

#[test]
fn prices_sort_within_their_currency_and_absent_ones_are_left_out() {
    let catalog = Catalog::new();
    for price in [Some(4), None, Some(6), Some(2), Some(3), Some(4)] {
        catalog.add("A", price, 0);
    }
    catalog.settle();
    assert_eq!(catalog.all(&by(Sort::Price)), [5, 3, 4, 1, 6]);
    assert_eq!(catalog.all(&by(Sort::PriceFalling)), [6, 1, 4, 3, 5]);
    for (sort, expected) in [
        (Sort::Price, [4, 1, 6]),
        (Sort::PriceFalling, [6, 1, 4]),
        (Sort::Newest, [6, 4, 1]),
    ] {
        let mut listing = Listing {
            currency: Some("USD".to_owned()),
            price_min: Some(2),
            price_max: Some(4),
            ..by(sort)
        };
        assert_eq!(catalog.all(&listing), expected, "{sort:?}");
        listing.price_min = Some(3);
        listing.price_max = Some(3);
        assert_eq!(catalog.all(&listing), [0; 0], "{sort:?}");
    }
}

#[test]
fn a_catalogue_of_the_first_schema_is_listed_by_the_migration() {
    let catalog = Catalog::new();
    catalog.add("B", Some(2), 4);
    catalog.run(
        "UPDATE product SET tags = '[\"x\",\"x\",7,null]' WHERE id = ?1",
        1,
    );
    catalog.settle();
    // Not settled: its document is the old one, its date is gone.
    catalog.add("C", Some(2), 4);
    catalog.settle();
    catalog.run("UPDATE product SET published_at = NULL WHERE id = ?1", 2);
    let rows = || -> Vec<String> {
        let mut rows = catalog
            .connection
            .prepare(
                "SELECT product_id || title_key || currency || price_minor || availability
                    || rating || rating_count FROM product_listing WHERE product_id = 1
                 UNION ALL SELECT tag || product_id FROM product_tag",
            )
            .unwrap();
        let rows = rows.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    };
    let before = rows();
    assert_eq!(before, ["1bUSD2in_stock40001", "x1"]);
    catalog
        .connection
        .execute_batch("DROP VIEW listed_product; DROP TABLE product_tag; DROP TABLE product_listing; DROP TABLE secret;
             ALTER TABLE product_document DROP COLUMN currency;
             ALTER TABLE product_document DROP COLUMN price_minor;
             ALTER TABLE product_document DROP COLUMN availability")
        .unwrap();
    catalog
        .connection
        .execute_batch(include_str!(
            "../../../../sql/sqlite/migrations/V2__listing.sql"
        ))
        .unwrap();
    assert_eq!(rows(), before);
    assert_eq!(catalog.all(&by(Sort::Newest)), [1]);
}
