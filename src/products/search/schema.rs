//! What the search index keeps of a product: nothing that is shown, only what it is found, filtered, counted
//! and sorted by. What is shown comes from the documents, so it is never older than elsewhere.

use std::collections::HashMap;

use tantivy::TantivyDocument;
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, Schema, TextFieldIndexing, TextOptions,
};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::document::SearchedDocument;
use super::prices::PriceRange;
use crate::products::listing::AVAILABILITIES;
use crate::products::store::ListedProduct;
use crate::search::interpretation::{self, Fields};
use crate::search::plain_text::plain_text;
use crate::search::words::{self, chunks};

/// Rises with every change of what is put into the index, which is then built anew.
pub(super) const FORMAT: u32 = 1;

/// Names of the columns that filters, facets and orders read. Each product has one value in each, but for
/// tags.
pub(super) mod column {
    pub(crate) const ID: &str = "id";
    pub(crate) const CATEGORY: &str = "category";
    pub(crate) const VENDOR: &str = "vendor";
    pub(crate) const PRODUCT_TYPE: &str = "product_type";
    pub(crate) const TAG: &str = "tag";
    pub(crate) const PRICE_RANGE: &str = "price_range";
    /// See [`super::pack_currency`].
    pub(crate) const CURRENCY: &str = "currency";
    /// Minor units, 0 where there is no price.
    pub(crate) const PRICE: &str = "price";
    /// Place in `AVAILABILITIES`.
    pub(crate) const AVAILABILITY: &str = "availability";
    /// Tenths, as shown.
    pub(crate) const STARS: &str = "stars";
    /// Thousandths.
    pub(crate) const RATING: &str = "rating";
    pub(crate) const RATING_COUNT: &str = "rating_count";
    /// Milliseconds since 1970.
    pub(crate) const PUBLISHED: &str = "published";
}

/// What a word counts by where it stands: "Simple BM25 extension to multiple weighted fields" (Robertson,
/// Zaragoza, Taylor 2004), where a field of weight 8 is one that is repeated eight times. In a description a
/// word counts once, however often it is repeated there.
mod weight {
    pub(super) const TITLE: u8 = 8;
    pub(super) const KIND: u8 = 4;
    pub(super) const OPTION: u8 = 2;
    pub(super) const TEXT: u8 = 1;
}

/// The fields of the index.
#[derive(Debug, Clone)]
pub(super) struct ProductSchema {
    pub(super) schema: Schema,
    pub(super) fields: Fields,
    pub(super) id: Field,
    category: Field,
    vendor: Field,
    product_type: Field,
    price_range: Field,
    tag: Field,
    currency: Field,
    price: Field,
    availability: Field,
    stars: Field,
    rating: Field,
    rating_count: Field,
    published: Field,
}

impl ProductSchema {
    pub(super) fn new() -> Self {
        let mut builder = Schema::builder();
        let indexed = |tokenizer, option, norms| {
            let indexing = TextFieldIndexing::default()
                .set_tokenizer(tokenizer)
                .set_index_option(option)
                .set_fieldnorms(norms);
            TextOptions::default().set_indexing_options(indexing)
        };
        let words = indexed("whitespace", IndexRecordOption::WithFreqs, true);
        let wholes = indexed("raw", IndexRecordOption::Basic, false);
        let names = TextOptions::default().set_fast("raw");
        let fields = Fields {
            words: builder.add_text_field("words", words),
            wholes: builder.add_text_field("wholes", wholes),
        };
        let id = builder.add_i64_field(column::ID, INDEXED | FAST);
        let mut text = |name| builder.add_text_field(name, names.clone());
        let category = text(column::CATEGORY);
        let vendor = text(column::VENDOR);
        let product_type = text(column::PRODUCT_TYPE);
        let price_range = text(column::PRICE_RANGE);
        let tag = text(column::TAG);
        let mut number = |name| builder.add_u64_field(name, FAST);
        Self {
            fields,
            id,
            category,
            vendor,
            product_type,
            price_range,
            tag,
            currency: number(column::CURRENCY),
            price: number(column::PRICE),
            availability: number(column::AVAILABILITY),
            stars: number(column::STARS),
            rating: number(column::RATING),
            rating_count: number(column::RATING_COUNT),
            published: number(column::PUBLISHED),
            schema: builder.build(),
        }
    }

    /// What the index keeps of a product. A document that cannot be read, which no version of this program
    /// writes, is left out of the index.
    pub(super) fn entry(&self, listed: &ListedProduct) -> Option<TantivyDocument> {
        let document = match serde_json::from_slice::<SearchedDocument<'_>>(&listed.document) {
            Ok(document) => document,
            Err(error) => {
                tracing::warn!(product_id = listed.product_id, %error, "not searchable");
                return None;
            }
        };
        let mut entry = TantivyDocument::new();
        entry.add_i64(self.id, listed.product_id);
        entry.add_text(self.fields.words, repeated(&weighted_words(&document)));
        for whole in wholes(&document) {
            entry.add_text(self.fields.wholes, whole);
        }
        entry.add_text(self.category, &document.category);
        entry.add_text(self.vendor, &document.vendor);
        entry.add_text(self.product_type, &document.product_type);
        let least = document.price.as_ref().map(|price| &price.min);
        let range = least.map_or_else(String::new, |least| PriceRange::of(least).to_string());
        entry.add_text(self.price_range, range);
        entry.add_u64(
            self.currency,
            least.map_or(0, |least| pack_currency(&least.currency)),
        );
        entry.add_u64(
            self.price,
            least.map_or(0, |least| least.amount_minor.unsigned_abs()),
        );
        entry.add_u64(self.availability, availability(&document));
        entry.add_u64(self.stars, document.rating.tenths());
        entry.add_u64(self.rating, listed.rating);
        entry.add_u64(self.rating_count, document.rating.count);
        entry.add_u64(self.published, milliseconds(&listed.published_at));
        for tag in document.tags() {
            entry.add_text(self.tag, tag);
        }
        Some(entry)
    }
}

/// A currency as a number that sorts as its code does; no currency is 0.
pub(super) fn pack_currency(code: &str) -> u64 {
    code.bytes()
        .take(3)
        .fold(0, |packed, letter| packed << 8 | u64::from(letter))
}

fn availability(document: &SearchedDocument<'_>) -> u64 {
    let place = AVAILABILITIES
        .iter()
        .position(|level| *level == document.availability);
    place.unwrap_or(AVAILABILITIES.len() - 1) as u64
}

fn milliseconds(time: &str) -> u64 {
    let parsed = OffsetDateTime::parse(time, &Rfc3339);
    let since = parsed.map_or(0, |time| time.unix_timestamp_nanos() / 1_000_000);
    u64::try_from(since).unwrap_or(0)
}

fn wholes(document: &SearchedDocument<'_>) -> Vec<String> {
    let codes = document
        .variants
        .iter()
        .flat_map(|variant| [&variant.sku, &variant.barcode]);
    let codes = codes.flatten().map(|code| words::code(code));
    let mut wholes: Vec<_> = codes
        .chain([interpretation::title(&document.title)])
        .collect();
    wholes.retain(|whole| !whole.is_empty());
    wholes.sort_unstable();
    wholes.dedup();
    wholes
}

/// Every word of a product, folded, and what it counts.
pub(super) fn weighted_words(document: &SearchedDocument<'_>) -> HashMap<String, u8> {
    let mut weights = HashMap::new();
    let mut add = |text: &str, weight: u8| {
        for chunk in chunks(text) {
            let joined = chunk.joined();
            let words = chunk.words.into_iter().map(|word| word.text);
            for word in words.chain(joined) {
                let known = weights.entry(word).or_insert(0);
                // The description repeats what the title says, and stands for no more by that.
                *known = weight.max(*known);
            }
        }
    };
    add(&document.title, weight::TITLE);
    for kind in [&document.vendor, &document.product_type, &document.category] {
        add(kind, weight::KIND);
    }
    document.tags().for_each(|tag| add(tag, weight::KIND));
    let options = document.options.iter().flat_map(|option| &option.values);
    options.for_each(|value| add(value, weight::OPTION));
    add(&plain_text(&document.description_html), weight::TEXT);
    each_text(&document.attributes, &mut |text| add(text, weight::TEXT));
    weights
}

fn each_text(value: &serde_json::Value, visit: &mut impl FnMut(&str)) {
    match value {
        serde_json::Value::String(text) => visit(text),
        serde_json::Value::Number(number) => visit(&number.to_string()),
        serde_json::Value::Array(values) => values.iter().for_each(|value| each_text(value, visit)),
        serde_json::Value::Object(values) => {
            values.values().for_each(|value| each_text(value, visit));
        }
        serde_json::Value::Bool(_) | serde_json::Value::Null => {}
    }
}

fn repeated(weights: &HashMap<String, u8>) -> String {
    let mut text = String::new();
    for (word, weight) in weights {
        for _ in 0..*weight {
            text.push_str(word);
            text.push(' ');
        }
    }
    text
}
