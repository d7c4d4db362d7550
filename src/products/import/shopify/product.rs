//! From the rows of one handle to a product.

use indexmap::IndexSet;
use serde_json::{Map, Value};

use super::super::delimited::Row;
use super::super::grouped::Assemble;
use super::super::{Place, ReadOptions, RecordError};
use super::attributes;
use super::cell::{Cell, View};
use super::columns::{Column, Header};
use super::images::Images;
use super::variant;
use crate::products::input::{ProductInput, ProductOption, Status, VariantInput};

/// Makes products of rows.
pub(super) struct Rows {
    pub(super) header: Header,
    pub(super) options: ReadOptions,
}

impl Assemble for Rows {
    /// The handle, and the row.
    type Part = (String, Row);

    fn assemble(&mut self, parts: Vec<(String, Row)>) -> Result<ProductInput, RecordError> {
        let views: Vec<_> = parts
            .iter()
            .map(|(_, row)| View {
                header: &self.header,
                row,
            })
            .collect();
        let handle = parts.first().map(|(handle, _)| handle.clone());
        Group {
            header: &self.header,
            rows: &views,
        }
        .product(handle.unwrap_or_default(), self.options)
    }

    fn repeated(&self, handle: &str, place: Place, first: u64) -> RecordError {
        RecordError::new(
            place,
            "handle",
            handle,
            format!(
                "used before by the product that begins on line {first}; put its rows together"
            ),
        )
    }
}

/// The rows of one product.
struct Group<'a> {
    header: &'a Header,
    rows: &'a [View<'a>],
}

impl<'a> Group<'a> {
    fn product(&self, handle: String, options: ReadOptions) -> Result<ProductInput, RecordError> {
        self.refuse_surplus_cells()?;
        let names = self.option_names()?;
        let mut images = Images::read(self.header, self.rows)?;
        let variants = self.variants(&names, options, &mut images)?;
        let category = self.category()?;
        let published = self
            .filled(Column::Published)?
            .map(Cell::flag)
            .transpose()?;
        Ok(ProductInput {
            handle,
            title: self.title()?,
            description_html: self
                .product_cell(Column::Description)?
                .map(|cell| cell.raw.to_owned()),
            vendor: self.text(Column::Vendor)?,
            product_type: self.text(Column::ProductType)?,
            category,
            tags: self.product_cell(Column::Tags)?.map(tags),
            status: self
                .filled(Column::Status)?
                .map(|cell| {
                    Status::parse(cell.text)
                        .ok_or_else(|| cell.error("write active, draft or archived"))
                })
                .transpose()?,
            published,
            published_at: match published {
                Some(false) => None,
                _ => self
                    .filled(Column::PublishedAt)?
                    .map(|cell| cell.text.to_owned()),
            },
            options: self.options(&names, &variants),
            seo_title: self.text(Column::SeoTitle)?,
            seo_description: self.text(Column::SeoDescription)?,
            attributes: self.attributes()?.map(Into::into),
            images: images.into_inputs(),
            variants: self.header.variant_columns().next().map(|_| variants),
            ..ProductInput::default()
        })
    }

    /// The cell of a column that describes the product: that of its first row. Further rows leave it
    /// blank or repeat it.
    fn product_cell(&self, column: Column) -> Result<Option<Cell<'a>>, RecordError> {
        let mut cells = self.rows.iter().filter_map(|row| row.cell(column));
        let Some(first) = cells.next() else {
            return Ok(None);
        };
        match cells.find(|cell| !cell.text.is_empty() && cell.text != first.text) {
            Some(other) => Err(other.error(format_args!(
                "differs from {:?} in the product's first row, line {}; a product has only one, leave \
                 it blank here",
                shortened(first.text),
                self.rows.first().map_or(0, |row| row.row.line),
            ))),
            None => Ok(Some(first)),
        }
    }

    fn filled(&self, column: Column) -> Result<Option<Cell<'a>>, RecordError> {
        Ok(self
            .product_cell(column)?
            .filter(|cell| !cell.text.is_empty()))
    }

    fn text(&self, column: Column) -> Result<Option<String>, RecordError> {
        Ok(self.product_cell(column)?.map(|cell| cell.text.to_owned()))
    }

    fn title(&self) -> Result<Option<String>, RecordError> {
        match self.product_cell(Column::Title)? {
            Some(cell) if cell.text.is_empty() => Err(cell.error(
                "the first row of a product must have its title; further rows leave it blank",
            )),
            cell => Ok(cell.map(|cell| cell.text.to_owned())),
        }
    }

    /// The product category or, in files from before that column, Google's where it is a path.
    fn category(&self) -> Result<Option<String>, RecordError> {
        if self.header.has(Column::Category) {
            return self.text(Column::Category);
        }
        Ok(self
            .text(Column::Attribute("google_product_category"))?
            .filter(|category| category.parse::<u64>().is_err()))
    }

    fn refuse_surplus_cells(&self) -> Result<(), RecordError> {
        for (position, column, _) in self.header.columns() {
            let reason = match column {
                Column::SurplusOption => "more than 3 options; a product can have three",
                Column::Unnamed => "the column has no name; name it in the header or clear it",
                _ => continue,
            };
            let filled = self
                .rows
                .iter()
                .filter_map(|row| row.cell_at(position))
                .find(|cell| !cell.text.is_empty());
            if let Some(cell) = filled {
                return Err(cell.error(reason));
            }
        }
        Ok(())
    }

    /// Index and name of the columns in use. The single option `Title` with `Default Title` is
    /// Shopify's way to say that there are none.
    fn option_names(&self) -> Result<Vec<(usize, String)>, RecordError> {
        let mut names = Vec::new();
        for index in 0..3 {
            if let Some(cell) = self.filled(Column::OptionName(index))? {
                names.push((index, cell.text.to_owned()));
            }
        }
        let placeholder = match names.as_slice() {
            [(index, name)] => {
                name.eq_ignore_ascii_case("Title")
                    && self
                        .rows
                        .iter()
                        .filter_map(|row| row.filled(Column::OptionValue(*index)))
                        .all(|cell| variant::is_default_title(cell.text))
            }
            _ => false,
        };
        if placeholder {
            names.clear();
        }
        Ok(names)
    }

    fn variants(
        &self,
        names: &[(usize, String)],
        options: ReadOptions,
        images: &mut Images,
    ) -> Result<Vec<VariantInput>, RecordError> {
        self.rows
            .iter()
            .filter(|row| variant::is_variant(**row))
            .map(|row| variant::read(*row, names, options.default_currency, images))
            .collect()
    }

    fn options(
        &self,
        names: &[(usize, String)],
        variants: &[VariantInput],
    ) -> Option<Vec<ProductOption>> {
        let known = (0..3).any(|index| self.header.has(Column::OptionName(index)));
        known.then(|| {
            names
                .iter()
                .enumerate()
                .map(|(position, (_, name))| {
                    let values: IndexSet<&String> = variants
                        .iter()
                        .filter_map(|variant| variant.option_values.get(position))
                        .collect();
                    ProductOption {
                        name: name.clone(),
                        values: values.into_iter().cloned().collect(),
                    }
                })
                .collect()
        })
    }

    /// The JSON object of our own column, then what stands in columns of their own.
    fn attributes(&self) -> Result<Option<Map<String, Value>>, RecordError> {
        let mut attributes = match self.filled(Column::Attributes)? {
            Some(cell) => serde_json::from_str::<Map<String, Value>>(cell.text)
                .map_err(|error| cell.error(format_args!("not a JSON object: {error}")))?,
            None => Map::new(),
        };
        let mut known = self.header.has(Column::Attributes);
        for (position, column, name) in self.header.columns() {
            let key = match column {
                Column::Attribute(key) => key,
                Column::Unknown => name,
                _ => continue,
            };
            known = true;
            let cells = self.rows.iter().filter_map(|row| row.cell_at(position));
            if let Some(value) = attributes::value(column, cells)? {
                attributes.insert(key.to_owned(), value);
            }
        }
        Ok(known.then_some(attributes))
    }
}

fn tags(cell: Cell<'_>) -> Vec<String> {
    let tags = cell.text.split(',').map(str::trim);
    let tags: IndexSet<&str> = tags.filter(|tag| !tag.is_empty()).collect();
    tags.into_iter().map(str::to_owned).collect()
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}
