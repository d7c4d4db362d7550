//! From one row to a variant.

use super::super::RecordError;
use super::cell::{Cell, View};
use super::columns::Column;
use super::images::Images;
use crate::products::input::{InventoryPolicy, Price, VariantInput};
use crate::products::money::{Currency, MoneyError};

/// What Shopify writes for the only variant of a product without options.
pub(super) fn is_default_title(value: &str) -> bool {
    value.eq_ignore_ascii_case("Default Title")
}

/// Whether the row describes a variant. Columns that Shopify fills with the same words for every variant
/// (taxable, shipping, tracker) do not count: some tools fill them in image rows too.
pub(super) fn is_variant(row: View<'_>) -> bool {
    row.header
        .variant_columns()
        .any(|column| row.filled(column).is_some())
}

/// Reads the variant of a row; `names` are index and name of the product's options.
pub(super) fn read(
    row: View<'_>,
    names: &[(usize, String)],
    default_currency: Currency,
    images: &mut Images,
) -> Result<VariantInput, RecordError> {
    let currency = row
        .filled(Column::Currency)
        .map(|cell| Currency::parse(cell.text).map_err(|error| cell.error(error)))
        .transpose()?
        .unwrap_or(default_currency);
    let tracked = row
        .cell(Column::InventoryTracker)
        .map(|cell| !cell.text.is_empty());
    Ok(VariantInput {
        id: None,
        sku: row.filled(Column::Sku).map(|cell| cell.text.to_owned()),
        barcode: row.text(Column::Barcode),
        mpn: row.text(Column::Mpn),
        condition: condition(row)?,
        option_values: option_values(row, names)?,
        price: row
            .cell(Column::Price)
            .map(|cell| match cell.text {
                "" => Err(cell.error(MoneyError::Empty)),
                _ => cell.money(currency).map(|minor| Price { minor, currency }),
            })
            .transpose()?,
        compare_at_minor: row.amount(Column::CompareAtPrice, currency)?,
        cost_minor: row.amount(Column::Cost, currency)?,
        weight_g: row.weight()?,
        requires_shipping: row.flag(Column::RequiresShipping)?,
        taxable: row.flag(Column::Taxable)?,
        tax_code: row.text(Column::TaxCode),
        inventory_tracked: tracked,
        inventory_policy: row
            .filled(Column::InventoryPolicy)
            .map(policy)
            .transpose()?,
        on_hand: row
            .filled(Column::InventoryQuantity)
            .map(|cell| cell.integer().map(|quantity| quantity.max(0)))
            .transpose()?,
        reserved: row.count(Column::Reserved)?,
        low_stock_at: row.count(Column::LowStockAt)?,
        image: row
            .filled(Column::VariantImage)
            .map(|cell| images.index(cell.text)),
    })
}

fn option_values(row: View<'_>, names: &[(usize, String)]) -> Result<Vec<String>, RecordError> {
    for index in 0..3 {
        if let Some(cell) = row.filled(Column::OptionValue(index))
            && !names.iter().any(|(named, _)| *named == index)
            && !is_default_title(cell.text)
            && row.header.has(Column::OptionName(index))
        {
            return Err(cell.error(format_args!(
                "the option has no name; fill `Option{} name` in the product's first row",
                index + 1
            )));
        }
    }
    names
        .iter()
        .map(
            |(index, name)| match row.cell(Column::OptionValue(*index)) {
                Some(cell) if !cell.text.is_empty() => Ok(cell.text.to_owned()),
                Some(cell) => {
                    Err(cell.error(format_args!("the variant has no value for {name:?}")))
                }
                None => Err(RecordError::new(
                    super::super::Place {
                        line: row.row.line,
                        column: 0,
                    },
                    format!("Option{} value", index + 1),
                    "",
                    format!("there is no such column, though the product has the option {name:?}"),
                )),
            },
        )
        .collect()
}

fn condition(row: View<'_>) -> Result<Option<String>, RecordError> {
    row.cell(Column::Condition)
        .map(|cell| {
            let word = cell.text.to_ascii_lowercase();
            match word.as_str() {
                "" | "new" | "refurbished" | "used" => Ok(word),
                _ => Err(cell.error("write new, refurbished or used")),
            }
        })
        .transpose()
}

/// `deny` or `continue` in the legacy dialect, whether to continue in the current one.
fn policy(cell: Cell<'_>) -> Result<InventoryPolicy, RecordError> {
    for policy in [InventoryPolicy::Deny, InventoryPolicy::Continue] {
        if cell.text.eq_ignore_ascii_case(policy.as_str()) {
            return Ok(policy);
        }
    }
    match cell.flag() {
        Ok(true) => Ok(InventoryPolicy::Continue),
        Ok(false) => Ok(InventoryPolicy::Deny),
        Err(_) => Err(cell.error("write DENY or CONTINUE")),
    }
}
