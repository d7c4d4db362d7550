//! What a search would find if one more, or one other, filter were set.

use std::collections::BTreeMap;

use serde::Serialize;

use super::collect::{Found, STARS};
use super::columns::{Names, Snapshot};
use super::prices::PriceRange;
use crate::products::listing::{AVAILABILITIES, Listing};

/// Most values of a facet; those with the most products are shown.
const MAX_VALUES: usize = 100;
/// The averages that products are counted from, best first.
const RATINGS: [usize; 4] = [4, 3, 2, 1];
/// Between the levels of a category.
const LEVEL: &str = " > ";

/// Counts of products by what they might be filtered by. Each ignores the filter of its own, and heeds all
/// others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Facets {
    /// False where so much was found that the counts are estimates.
    pub exact: bool,
    /// Every level of the paths, with what lies below it; most products first.
    pub category: Vec<FacetValue>,
    /// Most products first.
    pub vendor: Vec<FacetValue>,
    /// One currency after the other, from the lowest price.
    pub price: Vec<PriceFacet>,
    /// In the order of [`AVAILABILITIES`].
    pub availability: Vec<FacetValue>,
    /// Best first; each holds those before it.
    pub rating: Vec<RatingFacet>,
}

/// A value to filter by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FacetValue {
    /// As the filter takes it.
    pub value: String,
    /// Products.
    pub count: u64,
}

/// A range of prices, for `price_min` and `price_max`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PriceFacet {
    /// ISO 4217 code.
    pub currency: String,
    /// Minor units, the least in the range.
    pub from: i64,
    /// Minor units, the most in the range.
    pub to: i64,
    /// Products.
    pub count: u64,
}

/// An average rating, for `rating_min`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RatingFacet {
    /// Stars.
    pub from: usize,
    /// Products with this average or a better one.
    pub count: u64,
}

impl Facets {
    pub(super) fn of(found: &Found, snapshot: &Snapshot, filters: &Listing) -> Self {
        let vendors =
            counted(&snapshot.vendors, &found.vendors).filter(|(name, _)| !name.is_empty());
        Self {
            exact: found.are_counts_exact,
            category: most(levels(snapshot, found), filters.category.as_deref()),
            vendor: most(
                vendors.map(|(name, count)| (name.to_owned(), count)),
                filters.vendor.as_deref(),
            ),
            price: prices(snapshot, found),
            availability: availabilities(found),
            rating: ratings(found),
        }
    }
}

/// Names of which there are any.
fn counted<'n>(names: &'n Names, counts: &'n [u32]) -> impl Iterator<Item = (&'n str, u64)> {
    let counted = names.iter().zip(counts);
    counted
        .filter(|(_, count)| **count > 0)
        .map(|(name, count)| (name, u64::from(*count)))
}

/// Every level of the categories, with all that lies below it.
fn levels(snapshot: &Snapshot, found: &Found) -> BTreeMap<String, u64> {
    let mut levels = BTreeMap::new();
    for (path, count) in counted(&snapshot.categories, &found.categories) {
        let ends = path
            .match_indices(LEVEL)
            .map(|(end, _)| end)
            .chain([path.len()]);
        for end in ends.filter(|end| *end > 0) {
            let level = &path[..end];
            if let Some(known) = levels.get_mut(level) {
                *known += count;
            } else {
                levels.insert(level.to_owned(), count);
            }
        }
    }
    levels
}

/// The most frequent ones, and the chosen one, which a page has to show to let it be taken back.
fn most(values: impl IntoIterator<Item = (String, u64)>, chosen: Option<&str>) -> Vec<FacetValue> {
    let values = values
        .into_iter()
        .map(|(value, count)| FacetValue { value, count });
    let mut values: Vec<_> = values.collect();
    values.sort_unstable_by(|one, other| {
        other
            .count
            .cmp(&one.count)
            .then_with(|| one.value.cmp(&other.value))
    });
    let place = chosen.map(|chosen| {
        (
            chosen,
            values.iter().position(|known| known.value == chosen),
        )
    });
    let beyond = place.and_then(|(chosen, place)| match place {
        Some(place) if place < MAX_VALUES => None,
        Some(place) => Some(values[place].clone()),
        None => Some(FacetValue {
            value: chosen.to_owned(),
            count: 0,
        }),
    });
    values.truncate(MAX_VALUES);
    values.extend(beyond);
    values
}

fn prices(snapshot: &Snapshot, found: &Found) -> Vec<PriceFacet> {
    let ranges = counted(&snapshot.price_ranges, &found.price_ranges);
    let mut ranges: Vec<_> = ranges
        .filter_map(|(text, count)| Some((PriceRange::parse(text)?, count)))
        .collect();
    ranges.sort_unstable();
    let facet = |(PriceRange { currency, from, to }, count)| PriceFacet {
        currency,
        from,
        to,
        count,
    };
    ranges.into_iter().map(facet).collect()
}

fn availabilities(found: &Found) -> Vec<FacetValue> {
    let levels = AVAILABILITIES.into_iter().zip(&found.availabilities);
    let facet = |(level, count): (&str, &u32)| FacetValue {
        value: level.to_owned(),
        count: u64::from(*count),
    };
    levels.map(facet).collect()
}

fn ratings(found: &Found) -> Vec<RatingFacet> {
    let facet = |from: usize| {
        let counts = &found.stars[(from * 10).min(STARS)..];
        RatingFacet {
            from,
            count: counts.iter().map(|count| u64::from(*count)).sum(),
        }
    };
    RATINGS.into_iter().map(facet).collect()
}
