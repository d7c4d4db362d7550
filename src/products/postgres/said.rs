//! What inputs say about rows that are there already, a column each; `None` is not said.

use super::known::Placed;
use crate::db::postgres::{ToSql, Type};
use crate::products::input::{InventoryPolicy, ProductInput, Status, VariantInput};

type Texts<'a> = Vec<Option<&'a str>>;
type Numbers = Vec<Option<i64>>;
type Flags = Vec<Option<bool>>;

/// The parameters of a statement.
pub(super) type Columns<'a> = Vec<(&'a (dyn ToSql + Sync), Type)>;

/// What is said about the products' own rows.
pub(super) struct SaidOfProducts<'a> {
    now: &'a str,
    ids: Vec<i64>,
    titles: Texts<'a>,
    descriptions: Texts<'a>,
    vendors: Texts<'a>,
    product_types: Texts<'a>,
    categories: Texts<'a>,
    /// Each an array, as text.
    tags: Vec<Option<String>>,
    statuses: Texts<'a>,
    published: Flags,
    published_at: Texts<'a>,
    options: Vec<Option<String>>,
    seo_titles: Texts<'a>,
    seo_descriptions: Texts<'a>,
    attributes: Texts<'a>,
    rating_sums: Numbers,
    rating_counts: Numbers,
}

impl<'a> SaidOfProducts<'a> {
    pub(super) fn new(now: &'a str, products: &[(i64, &'a ProductInput)]) -> Self {
        let texts = |text: fn(&ProductInput) -> Option<&String>| {
            let texts = products.iter();
            texts
                .map(|(_, product)| text(product).map(String::as_str))
                .collect()
        };
        let each = || products.iter().map(|(_, product)| *product);
        let ratings = || each().map(ProductInput::said_rating);
        Self {
            now,
            ids: products.iter().map(|(id, _)| *id).collect(),
            titles: texts(|it| it.title.as_ref()),
            descriptions: texts(|it| it.description_html.as_ref()),
            vendors: texts(|it| it.vendor.as_ref()),
            product_types: texts(|it| it.product_type.as_ref()),
            categories: texts(|it| it.category.as_ref()),
            tags: each().map(|it| it.tags.as_deref().map(array)).collect(),
            statuses: each().map(|it| it.status.map(Status::as_str)).collect(),
            published: each().map(|it| it.published).collect(),
            published_at: texts(|it| it.published_at.as_ref()),
            options: each().map(ProductInput::said_options).collect(),
            seo_titles: texts(|it| it.seo_title.as_ref()),
            seo_descriptions: texts(|it| it.seo_description.as_ref()),
            attributes: each()
                .map(|it| Some(it.attributes.as_ref()?.json()))
                .collect(),
            rating_sums: ratings().map(|it| it.map(|it| it.sum)).collect(),
            rating_counts: ratings().map(|it| it.map(|it| it.count)).collect(),
        }
    }

    /// The parameters of `update_products.sql`.
    pub(super) fn columns(&self) -> Columns<'_> {
        vec![
            (&self.now, Type::TEXT),
            (&self.ids, Type::INT8_ARRAY),
            (&self.titles, Type::TEXT_ARRAY),
            (&self.descriptions, Type::TEXT_ARRAY),
            (&self.vendors, Type::TEXT_ARRAY),
            (&self.product_types, Type::TEXT_ARRAY),
            (&self.categories, Type::TEXT_ARRAY),
            (&self.tags, Type::TEXT_ARRAY),
            (&self.statuses, Type::TEXT_ARRAY),
            (&self.published, Type::BOOL_ARRAY),
            (&self.published_at, Type::TEXT_ARRAY),
            (&self.options, Type::TEXT_ARRAY),
            (&self.seo_titles, Type::TEXT_ARRAY),
            (&self.seo_descriptions, Type::TEXT_ARRAY),
            (&self.attributes, Type::TEXT_ARRAY),
            (&self.rating_sums, Type::INT8_ARRAY),
            (&self.rating_counts, Type::INT8_ARRAY),
        ]
    }
}

/// Texts as PostgreSQL writes an array of them. Of arrays of unequal length it makes no column.
fn array(texts: &[String]) -> String {
    let mut array = String::from("{");
    for (index, text) in texts.iter().enumerate() {
        array.push_str(if index == 0 { "\"" } else { ",\"" });
        for character in text.chars() {
            if matches!(character, '"' | '\\') {
                array.push('\\');
            }
            array.push(character);
        }
        array.push('"');
    }
    array.push('}');
    array
}

/// A variant that is there already, and what is said of it.
pub(super) struct SaidOfVariant<'a> {
    pub(super) id: i64,
    pub(super) position: i64,
    pub(super) image_id: Option<i64>,
    pub(super) variant: &'a VariantInput,
}

/// What is said about variants' own rows and their stock.
pub(super) struct SaidOfVariants<'a> {
    everything: bool,
    ids: Vec<i64>,
    positions: Vec<i64>,
    skus: Texts<'a>,
    barcodes: Texts<'a>,
    mpns: Texts<'a>,
    conditions: Texts<'a>,
    options: [Texts<'a>; 3],
    prices: Numbers,
    compare_at: Numbers,
    compare_at_said: Vec<bool>,
    costs: Numbers,
    costs_said: Vec<bool>,
    currencies: Texts<'a>,
    weights: Numbers,
    weights_said: Vec<bool>,
    shipping: Flags,
    taxable: Flags,
    tax_codes: Texts<'a>,
    tracked: Flags,
    policies: Texts<'a>,
    image_ids: Numbers,
    on_hand: Numbers,
    reserved: Numbers,
    low_stock_at: Numbers,
}

impl<'a> SaidOfVariants<'a> {
    /// `everything`: a sku or image that is not said is none.
    pub(super) fn new(everything: bool, said: &[SaidOfVariant<'a>]) -> Self {
        let each = || said.iter().map(|said| said.variant);
        let texts = |text: fn(&VariantInput) -> Option<&String>| {
            each().map(|it| text(it).map(String::as_str)).collect()
        };
        let numbers = |number: fn(&VariantInput) -> Option<i64>| each().map(number).collect();
        let flags = |flag: fn(&VariantInput) -> Option<bool>| each().map(flag).collect();
        let said_at_all = |flag: fn(&VariantInput) -> bool| each().map(flag).collect();
        let option = |index: usize| {
            each()
                .map(|it| it.option_values.get(index).map(String::as_str))
                .collect()
        };
        Self {
            everything,
            ids: said.iter().map(|said| said.id).collect(),
            positions: said.iter().map(|said| said.position).collect(),
            skus: texts(|it| it.sku.as_ref()),
            barcodes: texts(|it| it.barcode.as_ref()),
            mpns: texts(|it| it.mpn.as_ref()),
            conditions: texts(|it| it.condition.as_ref()),
            options: [option(0), option(1), option(2)],
            prices: numbers(|it| it.price.map(|price| price.minor)),
            compare_at: numbers(|it| it.compare_at_minor.flatten()),
            compare_at_said: said_at_all(|it| it.compare_at_minor.is_some()),
            costs: numbers(|it| it.cost_minor.flatten()),
            costs_said: said_at_all(|it| it.cost_minor.is_some()),
            currencies: each()
                .map(|it| it.price.as_ref().map(|price| price.currency.code()))
                .collect(),
            weights: numbers(|it| it.weight_g.flatten()),
            weights_said: said_at_all(|it| it.weight_g.is_some()),
            shipping: flags(|it| it.requires_shipping),
            taxable: flags(|it| it.taxable),
            tax_codes: texts(|it| it.tax_code.as_ref()),
            tracked: flags(|it| it.inventory_tracked),
            policies: each()
                .map(|it| it.inventory_policy.map(InventoryPolicy::as_str))
                .collect(),
            image_ids: said.iter().map(|said| said.image_id).collect(),
            on_hand: numbers(|it| it.on_hand),
            reserved: numbers(|it| it.reserved),
            low_stock_at: numbers(|it| it.low_stock_at),
        }
    }

    /// The parameters of `update_variants.sql`.
    pub(super) fn columns(&self) -> Columns<'_> {
        vec![
            (&self.everything, Type::BOOL),
            (&self.ids, Type::INT8_ARRAY),
            (&self.positions, Type::INT8_ARRAY),
            (&self.skus, Type::TEXT_ARRAY),
            (&self.barcodes, Type::TEXT_ARRAY),
            (&self.mpns, Type::TEXT_ARRAY),
            (&self.conditions, Type::TEXT_ARRAY),
            (&self.options[0], Type::TEXT_ARRAY),
            (&self.options[1], Type::TEXT_ARRAY),
            (&self.options[2], Type::TEXT_ARRAY),
            (&self.prices, Type::INT8_ARRAY),
            (&self.compare_at, Type::INT8_ARRAY),
            (&self.compare_at_said, Type::BOOL_ARRAY),
            (&self.costs, Type::INT8_ARRAY),
            (&self.costs_said, Type::BOOL_ARRAY),
            (&self.currencies, Type::TEXT_ARRAY),
            (&self.weights, Type::INT8_ARRAY),
            (&self.weights_said, Type::BOOL_ARRAY),
            (&self.shipping, Type::BOOL_ARRAY),
            (&self.taxable, Type::BOOL_ARRAY),
            (&self.tax_codes, Type::TEXT_ARRAY),
            (&self.tracked, Type::BOOL_ARRAY),
            (&self.policies, Type::TEXT_ARRAY),
            (&self.image_ids, Type::INT8_ARRAY),
        ]
    }

    /// The parameters of `update_inventory.sql`.
    pub(super) fn stock(&self) -> Columns<'_> {
        vec![
            (&self.ids, Type::INT8_ARRAY),
            (&self.on_hand, Type::INT8_ARRAY),
            (&self.reserved, Type::INT8_ARRAY),
            (&self.low_stock_at, Type::INT8_ARRAY),
        ]
    }
}

/// Images of products that are there already.
#[derive(Default)]
pub(super) struct SaidOfImages<'a> {
    product_ids: Vec<i64>,
    positions: Vec<i64>,
    urls: Vec<&'a str>,
    alts: Vec<&'a str>,
    widths: Numbers,
    heights: Numbers,
    /// Products with images said, and how many.
    said_of: Vec<i64>,
    counts: Vec<i64>,
}

impl<'a> SaidOfImages<'a> {
    pub(super) fn new(placed: &[Placed<'a>]) -> Self {
        let mut said = Self::default();
        for it in placed {
            let (Some(id), Some(images)) = (it.id, &it.product.images) else {
                continue;
            };
            said.said_of.push(id);
            said.counts
                .push(i64::try_from(images.len()).unwrap_or(i64::MAX));
            for (position, image) in (0..).zip(images) {
                said.product_ids.push(id);
                said.positions.push(position);
                said.urls.push(&image.url);
                said.alts.push(&image.alt);
                said.widths.push(image.width);
                said.heights.push(image.height);
            }
        }
        said
    }

    pub(super) fn is_empty(&self) -> bool {
        self.said_of.is_empty()
    }

    /// The parameters of `put_images.sql`.
    pub(super) fn columns(&self) -> Columns<'_> {
        vec![
            (&self.product_ids, Type::INT8_ARRAY),
            (&self.positions, Type::INT8_ARRAY),
            (&self.urls, Type::TEXT_ARRAY),
            (&self.alts, Type::TEXT_ARRAY),
            (&self.widths, Type::INT8_ARRAY),
            (&self.heights, Type::INT8_ARRAY),
        ]
    }

    /// Which products are said to have how many.
    pub(super) fn counts(&self) -> Columns<'_> {
        vec![
            (&self.said_of, Type::INT8_ARRAY),
            (&self.counts, Type::INT8_ARRAY),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_is_written_as_postgresql_reads_it() {
        let tags = ["plain", "a \"b\" \\c", "NULL", "x,{y}", ""].map(str::to_owned);
        assert_eq!(array(&tags), r#"{"plain","a \"b\" \\c","NULL","x,{y}",""}"#);
        assert_eq!(array(&[]), "{}");
    }
}
