//! Recommendations, on real files.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::db::sqlite::{Access, Sqlite, open};
use crate::products::sqlite::settlement::settle_changes;

struct Catalog {
    connection: Connection,
    _folder: tempfile::TempDir,
}

/// What recommends a product, or keeps it from being recommended.
#[derive(Debug, Clone)]
struct Product {
    category: Option<u8>,
    tags: Vec<u8>,
    stars: i64,
    ratings: i64,
    is_public: bool,
}

impl Catalog {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalog.db");
        Sqlite::open(&path).unwrap().migrate().unwrap();
        let connection = open(&path, Access::ReadWrite).unwrap();
        connection
            .pragma_update(None, "synchronous", "OFF")
            .unwrap();
        Self {
            connection,
            _folder: folder,
        }
    }

    /// Numbered from 1.
    fn add(&self, product: &Product) {
        let tags: Vec<String> = product.tags.iter().map(ToString::to_string).collect();
        let category = product.category.map(|it| it.to_string());
        let insert = "INSERT INTO product (handle, title, published_at, category, tags, status, rating_sum, rating_count)
                      VALUES (lower(hex(randomblob(8))), 'A', '2026-01-01', ?1, ?2, ?3, ?4, ?5)";
        let status = if product.is_public { "active" } else { "draft" };
        self.connection
            .execute(
                insert,
                params![
                    category.unwrap_or_default(),
                    serde_json::to_string(&tags).unwrap(),
                    status,
                    product.stars * product.ratings,
                    product.ratings
                ],
            )
            .unwrap();
    }

    fn relate(&self, position: usize, from: i64, to: i64) {
        self.connection
            .execute(
                "INSERT INTO relation (product_id, position, related_id, kind) VALUES (?1, ?2, ?3, 'k' || ?2)",
                params![from, position, to],
            )
            .unwrap();
    }

    fn plan(&self, sql: &str) -> Vec<String> {
        let mut statement = self
            .connection
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap();
        let rows = statement.query_map(params![1, 2], |row| row.get(3));
        rows.unwrap().collect::<Result<_, _>>().unwrap()
    }
}

fn product() -> impl Strategy<Value = Product> {
    (
        prop::option::of(0..2_u8),
        vec(0..4_u8, 0..3),
        1..=5_i64,
        0..4_i64,
        prop::bool::weighted(0.8),
    )
        .prop_map(|(category, tags, stars, ratings, is_public)| Product {
            category,
            tags,
            stars,
            ratings,
            is_public,
        })
}

/// Everything is looked at, sorted and cut.
fn model(products: &[Product], relations: &[i64], limit: usize) -> Option<Vec<Recommendation>> {
    let of = products.first().filter(|product| product.is_public)?;
    let at = |id: i64| &products[usize::try_from(id).unwrap() - 1];
    let mut found: Vec<Recommendation> = Vec::new();
    let mut add = |product_id: i64, reason: Reason| {
        let is_new = found.iter().all(|it| it.product_id != product_id);
        if product_id != 1 && at(product_id).is_public && is_new {
            found.push(Recommendation { product_id, reason });
        }
    };
    for (position, id) in relations.iter().enumerate() {
        add(*id, Reason::Relation(format!("k{position}")));
    }
    let mut popular: Vec<i64> = (1..).take(products.len()).collect();
    popular.sort_by_key(|id| {
        let product = at(*id);
        let rating = if product.ratings > 0 {
            product.stars
        } else {
            0
        };
        Reverse((product.ratings, rating, *id))
    });
    for id in &popular {
        if of.category.is_some() && at(*id).category == of.category {
            add(*id, Reason::Category);
        }
    }
    for id in &popular {
        if at(*id).tags.iter().any(|tag| of.tags.contains(tag)) {
            add(*id, Reason::Tag);
        }
    }
    found.truncate(limit);
    Some(found)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn they_are_what_looking_at_everything_finds(
        products in vec(product(), 1..20),
        relations in vec(any::<prop::sample::Index>(), 0..6),
        limit in 1..12_usize,
    ) {
        let catalog = Catalog::new();
        for product in &products {
            catalog.add(product);
        }
        let ids: Vec<i64> = (1..).take(products.len()).collect();
        let relations: Vec<i64> = relations.iter().map(|index| *index.get(&ids)).collect();
        for (position, id) in relations.iter().enumerate() {
            catalog.relate(position, 1, *id);
        }
        settle_changes(&catalog.connection).unwrap();
        let found = recommendations(&catalog.connection, 1, limit).unwrap();
        prop_assert_eq!(found, model(&products, &relations, limit));
    }
}

#[test]
fn every_step_is_one_range_of_one_index() {
    let catalog = Catalog::new();
    let plan = |sql| catalog.plan(sql);
    assert_eq!(
        plan(RELATED),
        [
            "SEARCH r USING PRIMARY KEY (product_id=?)",
            "SEARCH l USING PRIMARY KEY (product_id=?)"
        ]
    );
    assert_eq!(
        plan(POPULAR_IN_CATEGORY),
        [
            "SEARCH product_listing USING COVERING INDEX listing_category (category=?)",
            "SCALAR SUBQUERY 1",
            "SEARCH product_listing USING PRIMARY KEY (product_id=?)"
        ]
    );
    assert_eq!(
        plan(TAGS_OF_PRODUCT),
        ["SEARCH product_tag USING COVERING INDEX tag_of_product (product_id=?)"]
    );
    assert_eq!(
        plan(POPULAR_WITH_TAG),
        ["SEARCH product_tag USING PRIMARY KEY (tag=?)"]
    );
}
