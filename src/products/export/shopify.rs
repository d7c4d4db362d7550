//! Shopify's product CSV, current header dialect, as [the import](crate::products::import::shopify) reads it.
//!
//! Columns named `Doorbuster …` keep what Shopify's have no place for: currency, first publication, reserved
//! units, low-stock threshold, image sizes, and all attributes as one JSON object (they differ by product,
//! while a CSV's columns are fixed before the first product is known). Attributes that Shopify has a column
//! for stand in that column too; a change made there wins. Shopify ignores columns it does not know.
//!
//! Not carried: ids, versions, timestamps, ratings, reviews and relations; options of a product without
//! variants; option values that no variant has, and their order where it is not that of the variants; an
//! image given twice; tags that hold a comma; space around a text.
//!
//! Cells that begin with `=`, `+`, `-` or `@` are written as they are, although a spreadsheet may take them
//! for formulas: every known guard changes the value, and Shopify would sell a product called `'-10 °C Bag`.
//! What the file holds is what the shop itself wrote into its catalogue.

use std::borrow::Cow;
use std::io::{self, Write};

use super::Exporter;
use crate::products::import::shopify::attributes;
use crate::products::import::shopify::columns::{COLUMNS, Column};
use crate::products::input::{ImageInput, InventoryPolicy, ProductInput, Status, VariantInput};

/// Writes the CSV.
pub struct ShopifyCsv<W: Write> {
    writer: csv::Writer<W>,
    headed: bool,
}

impl<W: Write> ShopifyCsv<W> {
    /// Starts a file on `writer`, which need not be buffered.
    pub fn new(writer: W) -> Self {
        Self {
            writer: csv::Writer::from_writer(writer),
            headed: false,
        }
    }

    fn header(&mut self) -> io::Result<()> {
        if !self.headed {
            self.headed = true;
            let names = COLUMNS.iter().filter_map(|(_, names)| names.first());
            self.writer.write_record(names).map_err(io::Error::from)?;
        }
        Ok(())
    }
}

impl<W: Write> Exporter for ShopifyCsv<W> {
    fn product(&mut self, product: &ProductInput) -> io::Result<()> {
        self.header()?;
        let variants = product.variants.as_deref().unwrap_or_default();
        let images = product.images.as_deref().unwrap_or_default();
        for index in 0..variants.len().max(images.len()).max(1) {
            let row = Row {
                product,
                index,
                variant: variants.get(index),
                image: images.get(index),
            };
            for (column, _) in COLUMNS {
                let cell = row.cell(*column).unwrap_or_default();
                self.writer
                    .write_field(cell.as_bytes())
                    .map_err(io::Error::from)?;
            }
            self.writer
                .write_record(None::<&[u8]>)
                .map_err(io::Error::from)?;
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.header()?;
        self.writer.flush()
    }
}

/// One row of a product: on the first its own columns, on each a variant and an image while there are any.
struct Row<'a> {
    product: &'a ProductInput,
    index: usize,
    variant: Option<&'a VariantInput>,
    image: Option<&'a ImageInput>,
}

impl<'a> Row<'a> {
    fn cell(&self, column: Column) -> Option<Cow<'a, str>> {
        if column == Column::Handle {
            return text(Some(&self.product.handle));
        }
        self.variant
            .and_then(|variant| self.variant_cell(column, variant))
            .or_else(|| self.image.and_then(|image| self.image_cell(column, image)))
            .or_else(|| {
                (self.index == 0)
                    .then(|| self.product_cell(column))
                    .flatten()
            })
    }

    fn product_cell(&self, column: Column) -> Option<Cow<'a, str>> {
        let product = self.product;
        match column {
            Column::Title => text(product.title.as_ref()),
            Column::Description => text(product.description_html.as_ref()),
            Column::Vendor => text(product.vendor.as_ref()),
            Column::ProductType => text(product.product_type.as_ref()),
            Column::Category => text(product.category.as_ref()),
            Column::Tags => Some(product.tags.as_ref()?.join(", ").into()),
            Column::Published => Some(flag(
                product.published_at.is_some() || product.published == Some(true),
            )),
            Column::PublishedAt => text(product.published_at.as_ref()),
            Column::Status => product.status.map(Status::as_str).map(Cow::from),
            Column::OptionName(index) => match product.options.as_deref().unwrap_or_default() {
                [] if index == 0 && self.variant.is_some() => Some("Title".into()),
                options => text(Some(&options.get(index)?.name)),
            },
            Column::SeoTitle => text(product.seo_title.as_ref()),
            Column::SeoDescription => text(product.seo_description.as_ref()),
            Column::Attribute(name) => {
                let value = product.attributes.as_ref()?.get(name)?;
                attributes::cell(column, value).map(Cow::from)
            }
            Column::Attributes => {
                let attributes = product.attributes.as_ref()?;
                (!attributes.is_empty()).then(|| attributes.json().into())
            }
            _ => None,
        }
    }

    fn variant_cell(&self, column: Column, variant: &'a VariantInput) -> Option<Cow<'a, str>> {
        let money = |minor: i64| {
            variant
                .price
                .map(|price| price.currency.format_decimal(minor).into())
        };
        match column {
            Column::OptionValue(0) if variant.option_values.is_empty() => {
                Some("Default Title".into())
            }
            Column::OptionValue(index) => text(variant.option_values.get(index)),
            Column::Sku => text(variant.sku.as_ref()),
            Column::Barcode => text(variant.barcode.as_ref()),
            Column::Mpn => text(variant.mpn.as_ref()),
            Column::Condition => text(variant.condition.as_ref()),
            Column::Price => money(variant.price?.minor),
            Column::CompareAtPrice => money(variant.compare_at_minor??),
            Column::Cost => money(variant.cost_minor??),
            Column::Currency => Some(variant.price?.currency.code().to_owned().into()),
            Column::Taxable => Some(flag(variant.taxable?)),
            Column::TaxCode => text(variant.tax_code.as_ref()),
            Column::InventoryTracker => variant.inventory_tracked?.then(|| "shopify".into()),
            Column::InventoryQuantity => Some(number(variant.on_hand?)),
            Column::InventoryPolicy => Some(match variant.inventory_policy? {
                InventoryPolicy::Deny => "DENY".into(),
                InventoryPolicy::Continue => "CONTINUE".into(),
            }),
            Column::Reserved => Some(number(variant.reserved?)),
            Column::LowStockAt => Some(number(variant.low_stock_at?)),
            Column::Grams => Some(number(variant.weight_g??)),
            Column::WeightUnit => variant.weight_g?.map(|_| "g".into()),
            Column::RequiresShipping => Some(flag(variant.requires_shipping?)),
            Column::VariantImage => {
                let image = self.product.images.as_ref()?.get(variant.image?)?;
                text(Some(&image.url))
            }
            _ => None,
        }
    }

    fn image_cell(&self, column: Column, image: &'a ImageInput) -> Option<Cow<'a, str>> {
        match column {
            Column::ImageUrl => text(Some(&image.url)),
            Column::ImagePosition => Some((self.index + 1).to_string().into()),
            Column::ImageAlt => text(Some(&image.alt)),
            Column::ImageSize if image.width.is_some() || image.height.is_some() => {
                let pixels = |length: Option<i64>| length.map(|length| length.to_string());
                let width = pixels(image.width).unwrap_or_default();
                let height = pixels(image.height).unwrap_or_default();
                Some(format!("{width}x{height}").into())
            }
            _ => None,
        }
    }
}

fn text(text: Option<&String>) -> Option<Cow<'_, str>> {
    text.map(|text| text.as_str().into())
}

fn flag(value: bool) -> Cow<'static, str> {
    if value { "TRUE".into() } else { "FALSE".into() }
}

fn number(value: i64) -> Cow<'static, str> {
    value.to_string().into()
}

#[cfg(test)]
mod tests;
