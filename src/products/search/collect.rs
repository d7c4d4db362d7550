//! One pass over what matches the words: what passes the filters, what each facet counts, and the first
//! items of the order.
//!
//! A facet does not heed its own filter, so that it shows what else might be chosen: each document is marked
//! with the facets whose filters it fails. One that fails none is found, one that fails a single one counts
//! for that facet alone.
//!
//! Which items are the first is always exact. What is counted is exact up to [`COUNTED_ONE_BY_ONE`] matches;
//! of more it is estimated from samples (`sample.rs`), since nobody reads a hundred thousand to the last digit and
//! everybody waits for them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Instant;

use tantivy::query::{EnableScoring, Query};
use tantivy::{COLLECT_BLOCK_BUFFER_LEN, DocId, SegmentReader, TantivyError};

use super::columns::{Names, SegmentColumns, Snapshot};
use super::popularity::Ratings;
use super::query::{SearchQuery, SearchSort};
use super::sample::Sample;
use super::schema::pack_currency;
use crate::products::listing::AVAILABILITIES;

/// Documents that are looked at together.
const BLOCK: usize = COLLECT_BLOCK_BUFFER_LEN;
/// Matches beyond which counts are estimates.
const COUNTED_ONE_BY_ONE: u64 = 20_000;
/// Averages in tenths, from 0 to 5.0.
pub(super) const STARS: usize = 51;

/// Bits of the filters that a document fails.
mod fails {
    pub(super) const CATEGORY: u8 = 1;
    pub(super) const VENDOR: u8 = 2;
    pub(super) const PRICE: u8 = 4;
    pub(super) const AVAILABILITY: u8 = 8;
    pub(super) const RATING: u8 = 16;
    /// One that is no facet: such a document counts nowhere.
    pub(super) const OTHER: u8 = 32 | 64;
}

/// The place of an item in the order: the greatest comes first. The last number is the product's id, or what
/// sorts as it does.
pub(super) type Key = [u64; 3];

/// What a pass found.
#[derive(Debug)]
pub(super) struct Found {
    /// Documents with the words, whatever the filters.
    pub(super) matched: u64,
    /// Those that pass the filters.
    pub(super) total: u64,
    /// False where the total is an estimate.
    pub(super) is_total_exact: bool,
    /// False where the counts of facets are estimates.
    pub(super) are_counts_exact: bool,
    /// The first ones, as many as there are up to one more than were asked for.
    pub(super) first: Vec<Hit>,
    /// By the numbers of the names.
    pub(super) categories: Vec<u32>,
    pub(super) vendors: Vec<u32>,
    pub(super) price_ranges: Vec<u32>,
    /// By place in [`AVAILABILITIES`].
    pub(super) availabilities: Vec<u32>,
    /// By average in tenths.
    pub(super) stars: Vec<u32>,
}

impl Found {
    /// Makes counts of what was looked at those of all.
    fn scale(&mut self, sample: &Sample) {
        let facets = [
            &mut self.categories,
            &mut self.vendors,
            &mut self.price_ranges,
            &mut self.availabilities,
            &mut self.stars,
        ];
        for count in facets.into_iter().flatten() {
            *count = u32::try_from(sample.of_all(u64::from(*count))).unwrap_or(u32::MAX);
        }
    }
}

/// A product that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hit {
    pub(super) key: Key,
    pub(super) id: i64,
}

/// Why a pass was given up.
#[derive(Debug, thiserror::Error)]
pub(super) enum PassError {
    #[error("not done in time")]
    Late,
    #[error(transparent)]
    Index(#[from] TantivyError),
}

/// Runs `words` over the index.
pub(super) fn pass(
    snapshot: &Snapshot,
    words: &dyn Query,
    query: &SearchQuery,
    after: Option<Key>,
    deadline: Instant,
) -> Result<Found, PassError> {
    let mut pass = Pass::new(snapshot, query, after);
    let searcher = &snapshot.searcher;
    let scores = query.order() == SearchSort::Relevance;
    let scoring = if scores {
        EnableScoring::enabled_from_searcher(searcher)
    } else {
        EnableScoring::disabled_from_searcher(searcher)
    };
    let weight = words.weight(scoring)?;
    for (reader, columns) in searcher.segment_readers().iter().zip(&snapshot.segments) {
        if Instant::now() >= deadline {
            return Err(PassError::Late);
        }
        let mut block = Block::new(reader, columns);
        if scores {
            weight.for_each(reader, &mut |doc, score| block.push(doc, score, &mut pass))?;
        } else {
            weight.for_each_no_score(reader, &mut |docs| {
                for doc in docs {
                    block.push(*doc, 0.0, &mut pass);
                }
            })?;
        }
        block.finish(&mut pass);
    }
    Ok(pass.finish())
}

/// Documents of one part that wait to be looked at.
struct Block<'s> {
    reader: &'s SegmentReader,
    columns: &'s SegmentColumns,
    docs: [DocId; BLOCK],
    scores: [f32; BLOCK],
    length: usize,
}

impl<'s> Block<'s> {
    fn new(reader: &'s SegmentReader, columns: &'s SegmentColumns) -> Self {
        Self {
            reader,
            columns,
            docs: [0; BLOCK],
            scores: [0.0; BLOCK],
            length: 0,
        }
    }

    fn push(&mut self, doc: DocId, score: f32, pass: &mut Pass) {
        if self.reader.is_deleted(doc) {
            return;
        }
        self.docs[self.length] = doc;
        self.scores[self.length] = score;
        self.length += 1;
        if self.length == BLOCK {
            self.finish(pass);
        }
    }

    fn finish(&mut self, pass: &mut Pass) {
        let length = std::mem::take(&mut self.length);
        if length == 0 {
            return;
        }
        pass.look_at(self.columns, &self.docs[..length], &self.scores[..length]);
    }
}

/// Filters in the numbers of a snapshot.
struct Filters {
    categories: Option<Vec<bool>>,
    /// Empty where there is no such name: nothing passes.
    vendor: Option<Vec<u32>>,
    product_type: Option<Vec<u32>>,
    tags: Vec<Vec<u32>>,
    currency: Option<u64>,
    price: (u64, u64),
    availability: Option<[bool; AVAILABILITIES.len()]>,
    stars: Option<u64>,
    needs_price: bool,
}

impl Filters {
    /// True where every document passes.
    fn is_empty(&self) -> bool {
        self.categories.is_none()
            && self.vendor.is_none()
            && self.product_type.is_none()
            && self.tags.is_empty()
            && self.currency.is_none()
            && self.availability.is_none()
            && self.stars.is_none()
            && !self.needs_price
    }

    fn new(snapshot: &Snapshot, query: &SearchQuery) -> Self {
        let asked = &query.filters;
        let levels = |category: &String| {
            let below = format!("{category} > ");
            let is_in = |name: &str| name == category || name.starts_with(&below);
            snapshot.categories.iter().map(is_in).collect()
        };
        let number = |names: &Names, name: &Option<String>| {
            name.as_ref()
                .map(|name| names.number(name).into_iter().collect())
        };
        let bound = |bound: Option<i64>, otherwise| {
            bound.map_or(otherwise, |bound| u64::try_from(bound).unwrap_or(0))
        };
        let tags = asked.tags.iter();
        let levels_of = |levels: &Vec<String>| {
            AVAILABILITIES.map(|level| levels.iter().any(|asked| asked == level))
        };
        Self {
            categories: asked.category.as_ref().map(levels),
            vendor: number(&snapshot.vendors, &asked.vendor),
            product_type: number(&snapshot.product_types, &asked.product_type),
            tags: tags
                .map(|group| {
                    group
                        .iter()
                        .filter_map(|tag| snapshot.tags.number(tag))
                        .collect()
                })
                .collect(),
            currency: asked.currency.as_deref().map(pack_currency),
            price: (bound(asked.price_min, 0), bound(asked.price_max, u64::MAX)),
            availability: (!asked.availability.is_empty()).then(|| levels_of(&asked.availability)),
            stars: query.rating_min,
            needs_price: matches!(query.sort, SearchSort::Price | SearchSort::PriceFalling),
        }
    }

    /// Marks what each document fails.
    fn mark(&self, columns: &SegmentColumns, docs: &[DocId], failed: &mut [u8]) {
        let mut values = [0; BLOCK];
        let values = &mut values[..docs.len()];
        let mut fail = |bit: u8, passes: &dyn Fn(usize) -> bool| {
            for (index, failed) in failed.iter_mut().enumerate() {
                if !passes(index) {
                    *failed |= bit;
                }
            }
        };
        if let Some(categories) = &self.categories {
            columns.category.values.get_vals(docs, values);
            fail(fails::CATEGORY, &|index| {
                let number = named(&columns.category.numbers, values[index]);
                number.is_some_and(|number| categories[number as usize])
            });
        }
        for (asked, column, bit) in [
            (&self.vendor, &columns.vendor, fails::VENDOR),
            (&self.product_type, &columns.product_type, fails::OTHER),
        ] {
            let Some(asked) = asked else { continue };
            column.values.get_vals(docs, values);
            fail(bit, &|index| {
                named(&column.numbers, values[index]).is_some_and(|number| asked.contains(&number))
            });
        }
        for group in &self.tags {
            fail(fails::OTHER, &|index| {
                columns.tag.of(docs[index]).any(|tag| group.contains(&tag))
            });
        }
        if let Some(currency) = self.currency {
            columns.currency.get_vals(docs, values);
            fail(fails::PRICE, &|index| values[index] == currency);
            columns.price.get_vals(docs, values);
            let (least, most) = self.price;
            fail(fails::PRICE, &|index| {
                (least..=most).contains(&values[index])
            });
        }
        if self.needs_price {
            columns.currency.get_vals(docs, values);
            fail(fails::OTHER, &|index| values[index] != 0);
        }
        if let Some(levels) = self.availability {
            columns.availability.get_vals(docs, values);
            fail(fails::AVAILABILITY, &|index| {
                usize::try_from(values[index]).is_ok_and(|level| levels.get(level) == Some(&true))
            });
        }
        if let Some(least) = self.stars {
            columns.stars.get_vals(docs, values);
            fail(fails::RATING, &|index| values[index] >= least);
        }
    }
}

fn named(numbers: &[u32], ord: u64) -> Option<u32> {
    numbers.get(usize::try_from(ord).ok()?).copied()
}

struct Pass {
    filters: Filters,
    sort: SearchSort,
    viewed: Arc<Ratings>,
    after: Option<Key>,
    /// One more than the page holds tells whether there is a next one.
    wanted: usize,
    counts_facets: bool,
    sample: Sample,
    first: BinaryHeap<Reverse<Hit>>,
    found: Found,
}

impl Pass {
    fn new(snapshot: &Snapshot, query: &SearchQuery, after: Option<Key>) -> Self {
        Self {
            sample: Sample::new(COUNTED_ONE_BY_ONE, BLOCK),
            filters: Filters::new(snapshot, query),
            sort: query.order(),
            viewed: Arc::clone(&query.viewed),
            after,
            wanted: query.limit + 1,
            counts_facets: query.counts_facets,
            first: BinaryHeap::with_capacity(query.limit + 2),
            found: Found {
                matched: 0,
                total: 0,
                is_total_exact: true,
                are_counts_exact: true,
                first: Vec::new(),
                categories: vec![0; snapshot.categories.len()],
                vendors: vec![0; snapshot.vendors.len()],
                price_ranges: vec![0; snapshot.price_ranges.len()],
                availabilities: vec![0; AVAILABILITIES.len()],
                stars: vec![0; STARS],
            },
        }
    }

    fn look_at(&mut self, columns: &SegmentColumns, docs: &[DocId], scores: &[f32]) {
        self.found.matched += docs.len() as u64;
        if let Some(stands_for) = self.sample.next(docs.len())
            && (self.counts_facets || !self.filters.is_empty())
        {
            self.count(columns, docs, stands_for);
        }
        self.keep_first(columns, docs, scores);
    }

    /// Counts the documents, each of which stands for that many.
    fn count(&mut self, columns: &SegmentColumns, docs: &[DocId], stands_for: u32) {
        let mut failed = [0; BLOCK];
        let failed = &mut failed[..docs.len()];
        self.filters.mark(columns, docs, failed);
        let passed: u64 = failed.iter().map(|failed| u64::from(*failed == 0)).sum();
        self.found.total += passed * u64::from(stands_for);
        if self.counts_facets {
            self.count_facets(columns, docs, failed, stands_for);
        }
    }

    fn count_facets(
        &mut self,
        columns: &SegmentColumns,
        docs: &[DocId],
        failed: &[u8],
        stands_for: u32,
    ) {
        let mut values = [0; BLOCK];
        let values = &mut values[..docs.len()];
        let counts = |values: &[u64], own: u8, counts: &mut [u32], numbers: Option<&[u32]>| {
            for (value, failed) in values.iter().zip(failed) {
                if failed & !own == 0 {
                    let number = match numbers {
                        Some(numbers) => named(numbers, *value).map(|number| number as usize),
                        None => usize::try_from(*value).ok(),
                    };
                    if let Some(count) = number.and_then(|number| counts.get_mut(number)) {
                        *count += stands_for;
                    }
                }
            }
        };
        let found = &mut self.found;
        for (column, own, of) in [
            (&columns.category, fails::CATEGORY, &mut found.categories),
            (&columns.vendor, fails::VENDOR, &mut found.vendors),
            (&columns.price_range, fails::PRICE, &mut found.price_ranges),
        ] {
            column.values.get_vals(docs, values);
            counts(values, own, of, Some(&column.numbers));
        }
        for (column, own, of) in [
            (
                &columns.availability,
                fails::AVAILABILITY,
                &mut found.availabilities,
            ),
            (&columns.stars, fails::RATING, &mut found.stars),
        ] {
            column.get_vals(docs, values);
            counts(values, own, of, None);
        }
    }

    /// Keeps what belongs among the first. Most fall short by the leading number, and nothing else of them is read.
    fn keep_first(&mut self, columns: &SegmentColumns, docs: &[DocId], scores: &[f32]) {
        let mut leads = [0; BLOCK];
        let leads = &mut leads[..docs.len()];
        self.lead(columns, docs, scores, leads);
        let most = self.after.map_or(u64::MAX, |after| after[0]);
        let reach = self.least()..=most;
        let mut candidates = [0; BLOCK];
        let mut leads_of = [0; BLOCK];
        let mut length = 0;
        for (doc, lead) in docs.iter().zip(leads.iter()) {
            if reach.contains(lead) {
                candidates[length] = *doc;
                leads_of[length] = *lead;
                length += 1;
            }
        }
        let candidates = &candidates[..length];
        let mut failed = [0; BLOCK];
        let failed = &mut failed[..length];
        self.filters.mark(columns, candidates, failed);
        let mut least = *reach.start();
        for (index, doc) in candidates.iter().enumerate() {
            let lead = leads_of[index];
            if failed[index] != 0 || lead < least {
                continue;
            }
            let hit = self.hit(columns, *doc, lead);
            if self.after.is_some_and(|after| hit.key >= after) {
                continue;
            }
            self.first.push(Reverse(hit));
            if self.first.len() > self.wanted {
                self.first.pop();
            }
            least = self.least();
        }
    }

    /// The leading number that an item needs to come among the first.
    fn least(&self) -> u64 {
        match self.first.peek() {
            Some(Reverse(last)) if self.first.len() == self.wanted => last.key[0],
            _ => 0,
        }
    }

    /// The leading number of each document's key.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "scores are small and above zero"
    )]
    fn lead(&self, columns: &SegmentColumns, docs: &[DocId], scores: &[f32], values: &mut [u64]) {
        let column = match self.sort {
            SearchSort::Relevance => {
                for (value, score) in values.iter_mut().zip(scores) {
                    // Parts of the index add the same numbers up in another order: what differs by less than
                    // this is equal.
                    *value = (score * 1000.0).round() as u64;
                }
                return;
            }
            SearchSort::Newest => &columns.published,
            SearchSort::Price | SearchSort::PriceFalling => &columns.currency,
            SearchSort::Rating => &columns.rating,
            SearchSort::Popular => &columns.rating_count,
        };
        column.get_vals(docs, values);
        if self.sort == SearchSort::Price {
            for value in values {
                *value = !*value;
            }
        } else if self.sort == SearchSort::Popular && !self.viewed.is_empty() {
            for (value, doc) in values.iter_mut().zip(docs) {
                *value += self.views(columns, *doc);
            }
        }
    }

    /// As how many ratings the views of a product count.
    fn views(&self, columns: &SegmentColumns, doc: DocId) -> u64 {
        let id = tantivy::u64_to_i64(columns.id.get_val(doc));
        self.viewed.get(&id).copied().unwrap_or_default()
    }

    fn hit(&self, columns: &SegmentColumns, doc: DocId, lead: u64) -> Hit {
        let id = columns.id.get_val(doc);
        let key = match self.sort {
            SearchSort::Relevance => [lead, columns.rating_count.get_val(doc), id],
            SearchSort::Rating => {
                let ratings = columns.rating_count.get_val(doc);
                [lead, ratings + self.views(columns, doc), id]
            }
            SearchSort::Newest => [lead, 0, id],
            SearchSort::Price => [lead, !columns.price.get_val(doc), !id],
            SearchSort::PriceFalling => [lead, columns.price.get_val(doc), id],
            SearchSort::Popular => [lead, columns.rating.get_val(doc), id],
        };
        Hit {
            key,
            id: tantivy::u64_to_i64(id),
        }
    }

    fn finish(self) -> Found {
        let mut found = self.found;
        found.are_counts_exact = self.sample.is_whole();
        found.is_total_exact = found.are_counts_exact || self.filters.is_empty();
        found.total = if self.filters.is_empty() {
            found.matched
        } else {
            self.sample.of_all(found.total)
        };
        if !found.are_counts_exact {
            found.scale(&self.sample);
        }
        found.first = self
            .first
            .into_sorted_vec()
            .into_iter()
            .map(|Reverse(hit)| hit)
            .collect();
        found
    }
}
