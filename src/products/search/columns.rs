//! The columns of the index as one state of it has them, with the names in them numbered over all its parts:
//! a part that is counted needs no look at a name.

use std::collections::HashMap;
use std::sync::Arc;

use tantivy::columnar::{ColumnValues, StrColumn};
use tantivy::{DocId, Searcher, SegmentReader, TantivyError};

use super::schema::column;

/// Values of one part, one for each document.
pub(super) type Values = Arc<dyn ColumnValues<u64>>;

/// One state of the index.
pub(super) struct Snapshot {
    pub(super) searcher: Searcher,
    /// False while a build is under way.
    pub(super) is_complete: bool,
    pub(super) segments: Vec<SegmentColumns>,
    pub(super) categories: Names,
    pub(super) vendors: Names,
    pub(super) product_types: Names,
    pub(super) price_ranges: Names,
    pub(super) tags: Names,
}

/// The columns of one part.
pub(super) struct SegmentColumns {
    pub(super) id: Values,
    pub(super) category: Named,
    pub(super) vendor: Named,
    pub(super) product_type: Named,
    pub(super) price_range: Named,
    pub(super) tag: Tags,
    pub(super) currency: Values,
    pub(super) price: Values,
    pub(super) availability: Values,
    pub(super) stars: Values,
    pub(super) rating: Values,
    pub(super) rating_count: Values,
    pub(super) published: Values,
}

/// The names in a column, numbered as they come.
#[derive(Debug, Default)]
pub(super) struct Names {
    numbers: HashMap<Arc<str>, u32>,
    names: Vec<Arc<str>>,
}

impl Names {
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    pub(super) fn number(&self, name: &str) -> Option<u32> {
        self.numbers.get(name).copied()
    }

    /// In order of their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    fn intern(&mut self, name: &str) -> u32 {
        if let Some(number) = self.number(name) {
            return number;
        }
        // There are fewer documents than numbers in an index, and fewer names than documents.
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        let name = Arc::<str>::from(name);
        self.names.push(Arc::clone(&name));
        self.numbers.insert(name, number);
        number
    }
}

/// A column of names.
pub(super) struct Named {
    pub(super) values: Values,
    /// The number of each name of this part.
    pub(super) numbers: Vec<u32>,
}

/// A column of any number of names for each document.
pub(super) struct Tags {
    column: Option<StrColumn>,
    numbers: Vec<u32>,
}

impl Tags {
    /// The numbers of a document's tags.
    pub(super) fn of(&self, doc: DocId) -> impl Iterator<Item = u32> {
        let ords = self
            .column
            .iter()
            .flat_map(move |column| column.ords().values_for_doc(doc));
        ords.filter_map(|ord| self.numbers.get(usize::try_from(ord).ok()?).copied())
    }
}

impl Snapshot {
    pub(super) fn new(searcher: &Searcher, is_complete: bool) -> Result<Self, TantivyError> {
        let mut snapshot = Self {
            searcher: searcher.clone(),
            is_complete,
            segments: Vec::new(),
            categories: Names::default(),
            vendors: Names::default(),
            product_types: Names::default(),
            price_ranges: Names::default(),
            tags: Names::default(),
        };
        for segment in searcher.segment_readers() {
            let columns = snapshot.open(segment)?;
            snapshot.segments.push(columns);
        }
        Ok(snapshot)
    }

    fn open(&mut self, segment: &SegmentReader) -> Result<SegmentColumns, TantivyError> {
        let number = |name| numbers(segment, name);
        let id = segment.fast_fields().i64(column::ID)?.to_u64_monotonic();
        let tags = segment.fast_fields().str(column::TAG)?;
        Ok(SegmentColumns {
            id: id.first_or_default_col(0),
            category: named(segment, column::CATEGORY, &mut self.categories)?,
            vendor: named(segment, column::VENDOR, &mut self.vendors)?,
            product_type: named(segment, column::PRODUCT_TYPE, &mut self.product_types)?,
            price_range: named(segment, column::PRICE_RANGE, &mut self.price_ranges)?,
            tag: Tags {
                numbers: tags
                    .as_ref()
                    .map_or(Ok(Vec::new()), |tags| intern(tags, &mut self.tags))?,
                column: tags,
            },
            currency: number(column::CURRENCY)?,
            price: number(column::PRICE)?,
            availability: number(column::AVAILABILITY)?,
            stars: number(column::STARS)?,
            rating: number(column::RATING)?,
            rating_count: number(column::RATING_COUNT)?,
            published: number(column::PUBLISHED)?,
        })
    }
}

fn numbers(segment: &SegmentReader, name: &str) -> Result<Values, TantivyError> {
    Ok(segment.fast_fields().u64(name)?.first_or_default_col(0))
}

fn named(segment: &SegmentReader, name: &str, names: &mut Names) -> Result<Named, TantivyError> {
    let Some(column) = segment.fast_fields().str(name)? else {
        // No document of this part has one.
        return Ok(Named {
            values: tantivy::columnar::Column::build_empty_column(segment.max_doc())
                .first_or_default_col(0),
            numbers: vec![names.intern("")],
        });
    };
    Ok(Named {
        numbers: intern(&column, names)?,
        values: column.ords().clone().first_or_default_col(0),
    })
}

/// The numbers of the names of one part, in its order.
fn intern(column: &StrColumn, names: &mut Names) -> Result<Vec<u32>, TantivyError> {
    let mut numbers = Vec::with_capacity(column.num_terms());
    let mut terms = column.dictionary().stream()?;
    while terms.advance() {
        numbers.push(names.intern(&String::from_utf8_lossy(terms.key())));
    }
    Ok(numbers)
}
