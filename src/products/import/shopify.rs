//! Shopify's product CSV, in the legacy header dialect (`Handle, Title, Body (HTML), …`), the current one
//! (`Title, URL handle, Description, …`) or a mixture, columns in any order.
//!
//! - **Rows** of one product stand together and share their handle. The first describes the product; each
//!   may add a variant, an image, or both. Further rows leave the product's columns blank or repeat them.
//!   A file without a handle column gets handles from titles, and a row with a title begins a product.
//! - **Cells** are separated by commas, or by the semicolons or tabs of a spreadsheet.
//! - **A column that is absent** says nothing; **a blank cell** clears the field, where it can be cleared.
//! - **Money** is in the default currency unless the row has a `Doorbuster currency`.
//! - **Stock**: a blank tracker means not tracked; a negative quantity (oversold) is read as 0, which is
//!   what lies in the warehouse.
//! - **Columns not known here** (metafields, market prices) become attributes under their header's name;
//!   unit prices, gift card, fulfilment service and most of `Google Shopping / …` become attributes under
//!   the names that Google's feed has for them, such as `age_group`. An attribute whose column differs
//!   between the product's rows is an array.
//! - **`Doorbuster …`** columns are what [the export](crate::products::export::shopify) adds.
//!
//! The format: <https://help.shopify.com/en/manual/products/import-export/using-csv>.

pub(in crate::products) mod attributes;
mod cell;
pub(in crate::products) mod columns;
mod images;
mod product;
mod variant;

use std::io::BufRead;

use self::columns::{Column, Header};
use super::delimited::{self, Row};
use super::grouped::{Belongs, Grouped, Part};
use super::slug::slug;
use super::{Place, ReadOptions, RecordError, Records};

/// Reads the products of a file, in its order, in memory bounded by the rows of one.
///
/// A fault refuses its whole product, for a product without one of its rows would lose a variant: each
/// yields one error. A header that cannot be understood and an unbalanced quote are fatal.
pub fn records<'a>(input: impl BufRead + Send + 'a, options: ReadOptions) -> Records<'a> {
    let (delimiter, input) = match delimited::sniffed(input) {
        Ok(sniffed) => sniffed,
        Err(error) => {
            let place = Place { line: 1, column: 0 };
            let error = RecordError::fatal(place, format_args!("cannot be read: {error}"));
            return Box::new(std::iter::once(Err(error)));
        }
    };
    let mut rows = delimited::Rows::new(input, delimiter);
    let header = match rows.header().and_then(Header::new) {
        Ok(header) => header,
        Err(error) => return Box::new(std::iter::once(Err(error))),
    };
    let keys = Keys {
        handle: header.position(Column::Handle),
        title: header.position(Column::Title),
        names: [Column::Handle, Column::Title].map(|column| {
            let position = header.position(column).unwrap_or_default();
            header.name(position).to_owned()
        }),
    };
    let parts = rows
        .filter(|row| !row.as_ref().is_ok_and(Row::is_blank))
        .map(move |row| row.map(|row| keys.part(row)));
    Box::new(Grouped::new(parts, product::Rows { header, options }))
}

/// What tells to which product a row belongs.
struct Keys {
    handle: Option<usize>,
    title: Option<usize>,
    /// Headers of the two columns, as they stand in the file.
    names: [String; 2],
}

impl Keys {
    fn part(&self, mut row: Row) -> Part<(String, Row)> {
        let text = |position: Option<usize>| {
            position
                .and_then(|position| row.cells.get(position))
                .map_or("", str::trim)
        };
        let (handle, title) = (text(self.handle), text(self.title));
        let (belongs, fault) = match self.handle {
            // An accidental quote has swallowed what followed: the row may have been one of the product
            // above, which is refused rather than cut short.
            Some(_) if row.is_shifted() && !is_handle(handle) => (Belongs::ToPrevious, None),
            Some(position) => self.by_handle(position, handle, title, row.line),
            None => self.by_title(title, row.line),
        };
        let fault = row.fault.take().or(fault);
        let key = match &belongs {
            Belongs::To(key) | Belongs::Starts(key) => key.clone(),
            Belongs::ToPrevious | Belongs::Nameless => String::new(),
        };
        Part {
            belongs,
            place: Place {
                line: row.line,
                column: 0,
            },
            bytes: row.bytes(),
            content: match fault {
                Some(fault) => Err(fault),
                None => Ok((key, row)),
            },
        }
    }

    fn by_handle(
        &self,
        position: usize,
        handle: &str,
        title: &str,
        line: u64,
    ) -> (Belongs, Option<RecordError>) {
        let readable = !handle.is_empty() && !handle.contains(char::REPLACEMENT_CHARACTER);
        let belongs = match (readable, title.is_empty()) {
            (true, _) => Belongs::To(handle.to_owned()),
            (false, true) => Belongs::ToPrevious,
            (false, false) => Belongs::Nameless,
        };
        let fault = handle.is_empty().then(|| {
            RecordError::new(
                delimited::place(line, position),
                &self.names[0],
                "",
                "is blank; every row needs the handle of its product (or remove the column, and \
                 handles are made from titles)",
            )
        });
        (belongs, fault)
    }

    fn by_title(&self, title: &str, line: u64) -> (Belongs, Option<RecordError>) {
        let handle = slug(title);
        match (title.is_empty(), handle.is_empty()) {
            (true, _) => (Belongs::ToPrevious, None),
            (false, false) => (Belongs::Starts(handle), None),
            (false, true) => {
                let fault = RecordError::new(
                    delimited::place(line, self.title.unwrap_or_default()),
                    &self.names[1],
                    title,
                    "no handle can be made from this; add a `URL handle` column",
                );
                (Belongs::Nameless, Some(fault))
            }
        }
    }
}

/// Whether the text can be the handle of a product, as far as its characters tell.
fn is_handle(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|character| character.is_alphanumeric() || "-_.".contains(character))
}

#[cfg(test)]
mod tests;
