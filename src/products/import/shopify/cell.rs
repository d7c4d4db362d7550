//! Typed access to the cells of a row.

use std::fmt;

use super::super::delimited::{self, Row};
use super::super::weight;
use super::super::{Place, RecordError};
use super::columns::{Column, Header};
use crate::products::money::Currency;

/// One row with the names of its columns.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) header: &'a Header,
    pub(super) row: &'a Row,
}

/// One cell, without surrounding space.
#[derive(Clone, Copy)]
pub(super) struct Cell<'a> {
    pub(super) text: &'a str,
    /// As it stands in the file.
    pub(super) raw: &'a str,
    place: Place,
    name: &'a str,
}

impl<'a> View<'a> {
    /// The cell of `column`; `None` where the file has no such column.
    pub(super) fn cell(self, column: Column) -> Option<Cell<'a>> {
        self.cell_at(self.header.position(column)?)
    }

    /// The cell at `position`.
    pub(super) fn cell_at(self, position: usize) -> Option<Cell<'a>> {
        let raw = self.row.cells.get(position)?;
        Some(Cell {
            text: raw.trim(),
            raw,
            place: delimited::place(self.row.line, position),
            name: self.header.name(position),
        })
    }

    /// The cell of `column` where something stands in it.
    pub(super) fn filled(self, column: Column) -> Option<Cell<'a>> {
        self.cell(column).filter(|cell| !cell.text.is_empty())
    }

    /// The text of `column`: empty where it is blank, `None` where there is no such column.
    pub(super) fn text(self, column: Column) -> Option<String> {
        self.cell(column).map(|cell| cell.text.to_owned())
    }

    /// A yes or no; `None` where it is blank.
    pub(super) fn flag(self, column: Column) -> Result<Option<bool>, RecordError> {
        self.filled(column).map(Cell::flag).transpose()
    }

    /// A number of units from zero up; `None` where it is blank.
    pub(super) fn count(self, column: Column) -> Result<Option<i64>, RecordError> {
        self.filled(column)
            .map(|cell| match cell.integer()? {
                count if count < 0 => Err(cell.error("cannot be negative")),
                count => Ok(count),
            })
            .transpose()
    }

    /// An amount that a blank cell clears.
    #[expect(
        clippy::option_option,
        reason = "absent, cleared or given, as in `VariantInput`"
    )]
    pub(super) fn amount(
        self,
        column: Column,
        currency: Currency,
    ) -> Result<Option<Option<i64>>, RecordError> {
        let Some(cell) = self.cell(column) else {
            return Ok(None);
        };
        if cell.text.is_empty() {
            return Ok(Some(None));
        }
        cell.money(currency).map(|minor| Some(Some(minor)))
    }

    /// Grams, or a weight with its unit; blank cells clear it.
    #[expect(
        clippy::option_option,
        reason = "absent, cleared or given, as in `VariantInput`"
    )]
    pub(super) fn weight(self) -> Result<Option<Option<i64>>, RecordError> {
        if let Some(cell) = self.filled(Column::Grams) {
            return cell.weight("g").map(|grams| Some(Some(grams)));
        }
        if let Some(cell) = self.filled(Column::WeightValue) {
            let unit = self.filled(Column::WeightUnit).map_or("", |unit| unit.text);
            return cell.weight(unit).map(|grams| Some(Some(grams)));
        }
        let has_column = [Column::Grams, Column::WeightValue]
            .iter()
            .any(|column| self.header.has(*column));
        Ok(has_column.then_some(None))
    }
}

impl Cell<'_> {
    /// An error about this cell.
    pub(super) fn error(self, reason: impl fmt::Display) -> RecordError {
        RecordError::new(self.place, self.name, self.raw, reason)
    }

    pub(super) fn flag(self) -> Result<bool, RecordError> {
        let is = |words: &[&str]| {
            words
                .iter()
                .any(|word| self.text.eq_ignore_ascii_case(word))
        };
        if is(&["true", "yes", "1"]) {
            Ok(true)
        } else if is(&["false", "no", "0"]) {
            Ok(false)
        } else {
            Err(self.error("write TRUE or FALSE"))
        }
    }

    pub(super) fn integer(self) -> Result<i64, RecordError> {
        self.text
            .parse()
            .map_err(|_| self.error("not a whole number; write it like 12"))
    }

    pub(super) fn money(self, currency: Currency) -> Result<i64, RecordError> {
        currency
            .parse_decimal(self.text)
            .map_err(|error| self.error(error))
    }

    fn weight(self, unit: &str) -> Result<i64, RecordError> {
        weight::grams(self.text, unit).map_err(|error| match unit {
            "" => {
                self.error("a weight without its unit; fill the unit column with g, kg, oz or lb")
            }
            unit => self.error(format_args!("{error} (unit {unit:?})")),
        })
    }
}
