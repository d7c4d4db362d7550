//! The index against a model that looks at every product.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;
use tantivy::query::AllQuery;
use tantivy::schema::Term;
use tantivy::{Index, IndexWriter, TantivyDocument};

use super::collect::{Found, pass};
use super::columns::Snapshot;
use super::facets::{FacetValue, Facets, PriceFacet};
use super::query::{SearchQuery, SearchSort};
use super::schema::ProductSchema;
use crate::products::listing::{AVAILABILITIES, Listing};
use crate::products::store::ListedProduct;
use crate::search::directory::reader;

/// A product as the filters see it.
#[derive(Debug, Clone)]
struct Product {
    category: &'static str,
    vendor: &'static str,
    kind: &'static str,
    tags: Vec<&'static str>,
    price: Option<(&'static str, i64)>,
    availability: usize,
    /// Average in tenths and number of ratings.
    rating: Option<(u64, u64)>,
    day: u8,
}

const CATEGORIES: [&str; 6] = ["", "A", "A > B", "A > B > C", "AB", "A > D"];
const VENDORS: [&str; 3] = ["", "Vega", "Wolke"];
const TYPES: [&str; 2] = ["Lamp", "Tee"];
const TAGS: [&str; 3] = ["new", "sale", "Sale"];

fn product() -> impl Strategy<Value = Product> {
    let price = prop_oneof![Just("EUR"), Just("USD")]
        .prop_flat_map(|currency| (Just(currency), 0..3000_i64));
    (
        (
            prop::sample::select(&CATEGORIES[..]),
            prop::sample::select(&VENDORS[..]),
        ),
        prop::sample::select(&TYPES[..]),
        prop::sample::subsequence(&TAGS[..], 0..=3),
        prop::option::weighted(0.8, price),
        0..AVAILABILITIES.len(),
        prop::option::of((10..=50_u64, 1..4_u64)),
        1..4_u8,
    )
        .prop_map(
            |((category, vendor), kind, tags, price, availability, rating, day)| Product {
                category,
                vendor,
                kind,
                tags,
                price,
                availability,
                rating,
                day,
            },
        )
}

fn query() -> impl Strategy<Value = SearchQuery> {
    let text = |values: &'static [&'static str]| {
        prop::option::weighted(0.3, prop::sample::select(values).prop_map(str::to_owned))
    };
    let group = vec(
        prop::sample::select(&TAGS[..]).prop_map(str::to_owned),
        1..3,
    );
    let bound = || prop::option::weighted(0.3, 0..3000_i64);
    (
        (
            text(&["A", "A > B", "AB", "none"]),
            text(&["Vega", "none"]),
            text(&["Tee", "none"]),
        ),
        vec(group, 0..2),
        (text(&["EUR", "USD", "CHF"]), bound(), bound()),
        prop::sample::subsequence(&AVAILABILITIES[..], 0..=2),
        prop::option::weighted(0.3, 0..=50_u64),
        prop::sample::select(&SearchSort::ALL[..]),
    )
        .prop_map(
            |((category, vendor, product_type), tags, price, availability, rating_min, sort)| {
                let (currency, price_min, price_max) = price;
                let bounded = currency.is_some();
                let filters = Listing {
                    category,
                    vendor,
                    product_type,
                    tags,
                    price_min: price_min.filter(|_| bounded),
                    price_max: price_max.filter(|_| bounded),
                    currency,
                    availability: availability.into_iter().map(str::to_owned).collect(),
                    ..Listing::default()
                };
                let query = SearchQuery::new("", 1000).unwrap();
                SearchQuery {
                    filters,
                    rating_min,
                    sort,
                    // Of some products, be they rated or not.
                    viewed: Arc::new(
                        (1..60)
                            .step_by(4)
                            .zip([3, 0, 9].into_iter().cycle())
                            .collect(),
                    ),
                    ..query
                }
            },
        )
}

/// The products that pass, with all filters but that of one facet.
fn passing<'p>(
    products: &'p BTreeMap<i64, Product>,
    query: &'p SearchQuery,
    ignored: &'p str,
) -> impl Iterator<Item = (i64, &'p Product)> {
    let asked = &query.filters;
    let passes = move |product: &Product| {
        let in_category = |category: &String| {
            product.category == category || product.category.starts_with(&format!("{category} > "))
        };
        let at_price = |currency: &String| {
            product.price.is_some_and(|(code, amount)| {
                code == currency
                    && asked.price_min.is_none_or(|least| amount >= least)
                    && asked.price_max.is_none_or(|most| amount <= most)
            })
        };
        let has_tag = |group: &Vec<String>| group.iter().any(|tag| product.tags.contains(&&**tag));
        let level = AVAILABILITIES[product.availability];
        let facets = [
            ("category", asked.category.as_ref().is_none_or(in_category)),
            (
                "vendor",
                asked
                    .vendor
                    .as_ref()
                    .is_none_or(|vendor| product.vendor == vendor),
            ),
            ("price", asked.currency.as_ref().is_none_or(at_price)),
            (
                "availability",
                asked.availability.is_empty()
                    || asked.availability.iter().any(|asked| asked == level),
            ),
            (
                "rating",
                query
                    .rating_min
                    .is_none_or(|least| product.rating.map_or(0, |(stars, _)| stars) >= least),
            ),
        ];
        let by_price = matches!(query.sort, SearchSort::Price | SearchSort::PriceFalling);
        facets
            .iter()
            .all(|(facet, passes)| *passes || *facet == ignored)
            && asked
                .product_type
                .as_ref()
                .is_none_or(|asked| product.kind == asked)
            && asked.tags.iter().all(has_tag)
            && (!by_price || product.price.is_some())
    };
    products
        .iter()
        .filter(move |(_, product)| passes(product))
        .map(|(id, product)| (*id, product))
}

fn count<K: Ord>(keys: impl Iterator<Item = K>) -> BTreeMap<K, u64> {
    let mut counts = BTreeMap::new();
    keys.for_each(|key| *counts.entry(key).or_insert(0) += 1);
    counts
}

/// Every level of a path.
fn levels(path: &str) -> Vec<String> {
    let levels: Vec<_> = path
        .split(" > ")
        .filter(|level| !level.is_empty())
        .collect();
    (1..=levels.len())
        .map(|length| levels[..length].join(" > "))
        .collect()
}

fn check_facets(facets: &Facets, products: &BTreeMap<i64, Product>, query: &SearchQuery) {
    let values = |facet: &[FacetValue]| -> BTreeMap<String, u64> {
        let values = facet.iter().filter(|value| value.count > 0);
        values
            .map(|value| (value.value.clone(), value.count))
            .collect()
    };
    let by = |facet| passing(products, query, facet).map(|(_, product)| product);
    assert_eq!(
        values(&facets.category),
        count(by("category").flat_map(|product| levels(product.category)))
    );
    let vendors = by("vendor").map(|product| product.vendor.to_owned());
    assert_eq!(
        values(&facets.vendor),
        count(vendors.filter(|vendor| !vendor.is_empty()))
    );
    let levels = by("availability").map(|product| AVAILABILITIES[product.availability].to_owned());
    assert_eq!(values(&facets.availability), count(levels));
    let at_least = |stars: u64| {
        by("rating")
            .filter(|product| {
                product
                    .rating
                    .is_some_and(|(tenths, _)| tenths >= stars * 10)
            })
            .count() as u64
    };
    for facet in &facets.rating {
        assert_eq!(facet.count, at_least(facet.from as u64));
    }
    for PriceFacet {
        currency,
        from,
        to,
        count,
    } in &facets.price
    {
        let within = by("price").filter(|product| {
            product
                .price
                .is_some_and(|(code, amount)| code == currency && (*from..=*to).contains(&amount))
        });
        assert_eq!(within.count() as u64, *count, "{currency} {from}..={to}");
    }
    let priced: u64 = facets.price.iter().map(|facet| facet.count).sum();
    assert_eq!(
        priced,
        by("price")
            .filter(|product| product.price.is_some())
            .count() as u64
    );
    // What was chosen is there to be taken back, be it nothing.
    for (chosen, facet) in [
        (&query.filters.category, &facets.category),
        (&query.filters.vendor, &facets.vendor),
    ] {
        let shown = |chosen: &String| facet.iter().any(|value| value.value == *chosen);
        assert!(chosen.as_ref().is_none_or(shown));
    }
}

/// The ids in the order asked.
fn in_order(products: &BTreeMap<i64, Product>, query: &SearchQuery) -> Vec<i64> {
    let mut passing: Vec<_> = passing(products, query, "").collect();
    passing.sort_by_key(|(id, product)| {
        let (stars, ratings) = product.rating.unwrap_or_default();
        let ratings = ratings + query.viewed.get(id).copied().unwrap_or_default();
        let (currency, amount) = product.price.unwrap_or_default();
        match query.order() {
            SearchSort::Newest | SearchSort::Relevance => ("", i64::from(product.day), 0, *id),
            SearchSort::Price | SearchSort::PriceFalling => (currency, amount, 0, *id),
            SearchSort::Rating => ("", stars.cast_signed(), ratings, *id),
            SearchSort::Popular => ("", ratings.cast_signed(), stars, *id),
        }
    });
    if query.order() != SearchSort::Price {
        passing.reverse();
    }
    passing.into_iter().map(|(id, _)| id).collect()
}

fn entry(schema: &ProductSchema, id: i64, product: &Product) -> TantivyDocument {
    let price = product.price.map(|(currency, amount_minor)| {
        let money = json!({ "amount_minor": amount_minor, "currency": currency });
        json!({ "min": money, "max": money })
    });
    let (average, count) = product.rating.unzip();
    let document = json!({
        "id": id, "handle": "h", "title": "T", "description_html": "", "vendor": product.vendor,
        "product_type": product.kind, "category": product.category, "tags": product.tags,
        "options": [], "price": price, "availability": AVAILABILITIES[product.availability],
        "rating": { "average": average.map(|tenths| f64::from(u8::try_from(tenths).unwrap()) / 10.0), "count": count.unwrap_or(0) },
        "images": [], "variants": [], "attributes": {}, "version": 1,
    });
    let listed = ListedProduct {
        product_id: id,
        document: document.to_string().into_bytes(),
        published_at: format!("2026-01-0{}T00:00:00.000Z", product.day),
        rating: average.unwrap_or(0) * 100,
    };
    schema.entry(&listed).unwrap()
}

/// An index in several parts, with some products removed again.
fn index(
    schema: &ProductSchema,
    products: &[Product],
    removed: &BTreeSet<i64>,
) -> (Snapshot, BTreeMap<i64, Product>) {
    let index = Index::create_in_ram(schema.schema.clone());
    let mut writer: IndexWriter = index.writer_with_num_threads(1, 15_000_000).unwrap();
    writer.set_merge_policy(Box::new(tantivy::merge_policy::NoMergePolicy));
    let part = i64::try_from(products.len().div_ceil(4).max(16)).unwrap();
    for (product, id) in products.iter().zip(1..) {
        writer.add_document(entry(schema, id, product)).unwrap();
        if id % part == 0 {
            writer.commit().unwrap();
        }
    }
    writer.commit().unwrap();
    for id in removed {
        writer.delete_term(Term::from_field_i64(schema.id, *id));
    }
    writer.commit().unwrap();
    let snapshot = Snapshot::new(&reader(&index).unwrap().searcher(), true).unwrap();
    let left = products
        .iter()
        .cloned()
        .zip(1..)
        .map(|(product, id)| (id, product));
    (
        snapshot,
        left.filter(|(id, _)| !removed.contains(id)).collect(),
    )
}

fn run(snapshot: &Snapshot, query: &SearchQuery, after: Option<super::collect::Key>) -> Found {
    let soon = Instant::now() + Duration::from_mins(1);
    pass(snapshot, &AllQuery, query, after, soon).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn facets_and_orders_are_those_of_the_model(
        products in vec(product(), 1..60),
        removed in prop::collection::btree_set(1..60_i64, 0..8),
        queries in vec(query(), 8),
        page in 1..5_usize,
    ) {
        let schema = ProductSchema::new();
        let (snapshot, products) = index(&schema, &products, &removed);
        for mut query in queries {
            let found = run(&snapshot, &query, None);
            let expected = in_order(&products, &query);
            prop_assert_eq!(found.matched, products.len() as u64);
            prop_assert_eq!(found.total, expected.len() as u64);
            let ids: Vec<_> = found.first.iter().map(|hit| hit.id).collect();
            prop_assert_eq!(&ids, &expected);
            check_facets(&Facets::of(&found, &snapshot, &query.filters), &products, &query);

            query.limit = page;
            let mut walked = Vec::new();
            let mut after = None;
            loop {
                let found = run(&snapshot, &query, after);
                prop_assert_eq!(found.total, expected.len() as u64);
                walked.extend(found.first.iter().take(page).map(|hit| hit.id));
                if found.first.len() <= page {
                    break;
                }
                after = found.first.get(page - 1).map(|hit| hit.key);
            }
            prop_assert_eq!(walked, expected);
        }
    }
}

/// So many that not all are looked at: the first are the first all the same, and counts are near.
#[test]
fn of_many_the_first_are_exact_and_counts_are_estimates() {
    let nth = |number: i64| Product {
        // What is alike lies together, as in a shop's own export.
        category: if number < 6_000 { "A > B" } else { "A > D" },
        vendor: if number % 3 == 0 { "Vega" } else { "Wolke" },
        kind: "Lamp",
        tags: if number % 500 == 499 {
            vec!["sale"]
        } else {
            vec![]
        },
        price: Some(("EUR", number * 7919 % 3000)),
        availability: 0,
        rating: None,
        day: 1,
    };
    let products: Vec<_> = (0..27_000).map(nth).collect();
    let schema = ProductSchema::new();
    let (snapshot, products) = index(&schema, &products, &BTreeSet::new());
    for (vendor, tag, sort) in [
        (None, None, SearchSort::Price),
        (Some("Vega"), None, SearchSort::Newest),
        (Some("Wolke"), Some("sale"), SearchSort::PriceFalling),
    ] {
        let mut query = SearchQuery::new("", 1000).unwrap();
        query.limit = 100;
        query.sort = sort;
        query.filters.vendor = vendor.map(str::to_owned);
        query.filters.tags = tag
            .map(|tag: &str| vec![tag.to_owned()])
            .into_iter()
            .collect();
        let expected = in_order(&products, &query);
        let mut walked = Vec::new();
        let mut after = None;
        for _ in 0..3 {
            let found = run(&snapshot, &query, after);
            walked.extend(found.first.iter().take(100).map(|hit| hit.id));
            after = found.first.get(99).map(|hit| hit.key);
            // What is sorted by its price has to have one, which is a filter.
            let has_filters = vendor.is_some() || sort != SearchSort::Newest;
            assert_eq!(found.is_total_exact, !has_filters);
            assert!(!found.are_counts_exact);
            assert!(
                found.total.abs_diff(expected.len() as u64) < 900,
                "{} of {}",
                found.total,
                expected.len()
            );
            if after.is_none() {
                break;
            }
        }
        assert_eq!(walked, expected[..walked.len()]);
        assert!(walked.len() >= expected.len().min(300));
        let facets = Facets::of(&run(&snapshot, &query, None), &snapshot, &query.filters);
        assert!(!facets.exact);
        for FacetValue { value, count } in &facets.category {
            let below = passing(&products, &query, "category");
            let real = below
                .filter(|(_, product)| levels(product.category).contains(value))
                .count() as u64;
            assert!(count.abs_diff(real) < 900, "{count} of {real} in {value}");
        }
    }
    // Without a filter there is nothing to estimate.
    let found = run(&snapshot, &SearchQuery::new("", 1000).unwrap(), None);
    assert_eq!((found.total, found.is_total_exact), (27_000, true));
}
