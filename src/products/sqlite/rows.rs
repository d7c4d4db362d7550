//! New rows, with what is not said by default, and writing many of them by one statement.

use rusqlite::Connection;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};

use crate::products::input::{ImageInput, InventoryPolicy, ProductInput, Status, VariantInput};

/// Each has the places of one row after `VALUES`.
pub(super) const INSERT_PRODUCT: &str =
    include_str!("../../../sql/sqlite/queries/insert_product.sql");
pub(super) const INSERT_IMAGE: &str = include_str!("../../../sql/sqlite/queries/insert_image.sql");
pub(super) const INSERT_VARIANT: &str =
    include_str!("../../../sql/sqlite/queries/insert_variant.sql");
pub(super) const INSERT_INVENTORY: &str =
    include_str!("../../../sql/sqlite/queries/insert_inventory.sql");

/// Rows of one statement. A statement that fires triggers first copies each page it changes, to be able to take itself
/// back: the more rows it has, the fewer copies for each. Beyond this its parameters no longer fit the CPU's cache.
const ROWS: usize = 64;

/// A value on its way into a table.
pub(super) type Cell<'a> = ToSqlOutput<'a>;

fn text(text: Option<&str>) -> Cell<'_> {
    Cell::Borrowed(text.map_or(ValueRef::Null, ValueRef::from))
}

fn made(text: Option<String>, otherwise: &'static str) -> Cell<'static> {
    text.map_or(Cell::from(otherwise), |text| Cell::Owned(Value::Text(text)))
}

fn number(number: Option<i64>) -> Cell<'static> {
    Cell::Owned(number.map_or(Value::Null, Value::Integer))
}

fn unless_empty(said: Option<&String>) -> Cell<'_> {
    text(said.map(String::as_str).filter(|said| !said.is_empty()))
}

/// Without an id the store chooses one.
pub(super) fn product<'a>(
    id: Option<i64>,
    product: &'a ProductInput,
    now: &'a str,
) -> [Cell<'a>; 19] {
    let or_empty = |said: &'a Option<String>| Cell::from(said.as_deref().unwrap_or_default());
    let created_at = product.created_at.as_deref();
    let updated_at = product.updated_at.as_deref();
    let published_at = product
        .published_at
        .as_deref()
        .or(created_at)
        .unwrap_or(now);
    let rating = product.said_rating();
    [
        number(id),
        Cell::from(&*product.handle),
        text(product.title.as_deref()),
        or_empty(&product.description_html),
        or_empty(&product.vendor),
        or_empty(&product.product_type),
        or_empty(&product.category),
        made(product.said_tags(), "[]"),
        Cell::from(product.status.unwrap_or(Status::Active).as_str()),
        text((product.published != Some(false)).then_some(published_at)),
        made(product.said_options(), "[]"),
        unless_empty(product.seo_title.as_ref()),
        unless_empty(product.seo_description.as_ref()),
        Cell::from(product.attributes.as_ref().map_or("{}", |said| said.json())),
        Cell::from(rating.map_or(0, |rating| rating.sum)),
        Cell::from(rating.map_or(0, |rating| rating.count)),
        Cell::from(product.version.unwrap_or(1)),
        Cell::from(created_at.or(updated_at).unwrap_or(now)),
        Cell::from(updated_at.unwrap_or(now)),
    ]
}

pub(super) fn image(id: i64, product_id: i64, position: i64, image: &ImageInput) -> [Cell<'_>; 7] {
    [
        Cell::from(id),
        Cell::from(product_id),
        Cell::from(position),
        Cell::from(&*image.url),
        Cell::from(&*image.alt),
        number(image.width),
        number(image.height),
    ]
}

/// Without an id the store chooses one.
pub(super) fn variant(
    id: Option<i64>,
    product_id: i64,
    position: i64,
    image_id: Option<i64>,
    variant: &VariantInput,
) -> [Cell<'_>; 21] {
    let option = |index: usize| text(variant.option_values.get(index).map(String::as_str));
    let policy = variant.inventory_policy.unwrap_or(InventoryPolicy::Deny);
    let tracked = variant.inventory_tracked;
    [
        number(id),
        Cell::from(product_id),
        Cell::from(position),
        text(variant.sku.as_deref()),
        unless_empty(variant.barcode.as_ref()),
        unless_empty(variant.mpn.as_ref()),
        unless_empty(variant.condition.as_ref()),
        option(0),
        option(1),
        option(2),
        number(variant.price.map(|price| price.minor)),
        number(variant.compare_at_minor.flatten()),
        number(variant.cost_minor.flatten()),
        text(variant.price.as_ref().map(|price| price.currency.code())),
        number(variant.weight_g.flatten()),
        Cell::from(variant.requires_shipping.unwrap_or(true)),
        Cell::from(variant.taxable.unwrap_or(true)),
        unless_empty(variant.tax_code.as_ref()),
        Cell::from(tracked.unwrap_or(variant.on_hand.is_some())),
        Cell::from(policy.as_str()),
        number(image_id),
    ]
}

pub(super) fn inventory(variant_id: i64, variant: &VariantInput) -> [Cell<'static>; 4] {
    [
        Cell::from(variant_id),
        Cell::from(variant.on_hand.unwrap_or(0)),
        Cell::from(variant.reserved.unwrap_or(0)),
        Cell::from(variant.low_stock_at.unwrap_or(5)),
    ]
}

/// Rows of one table.
pub(super) struct Rows<'a, const COLUMNS: usize> {
    insert: &'static str,
    rows: Vec<[Cell<'a>; COLUMNS]>,
}

impl<'a, const COLUMNS: usize> Rows<'a, COLUMNS> {
    /// None yet. `insert` writes one row.
    pub(super) fn new(insert: &'static str) -> Self {
        Self {
            insert,
            rows: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, row: [Cell<'a>; COLUMNS]) {
        self.rows.push(row);
    }

    /// Writes all of them, in order.
    pub(super) fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
        let groups = self.rows.chunks_exact(ROWS);
        let rest = groups.remainder();
        if groups.len() > 0 {
            let another = format!(", ({})", ["?"; COLUMNS].join(", "));
            let many = format!("{}{}", self.insert, another.repeat(ROWS - 1));
            for rows in groups {
                execute(connection, &many, rows.as_flattened())?;
            }
        }
        for row in rest {
            execute(connection, self.insert, row)?;
        }
        Ok(())
    }
}

/// Runs a statement that is kept for the next time.
pub(super) fn execute(
    connection: &Connection,
    sql: &str,
    cells: &[Cell<'_>],
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(sql)?;
    for (place, cell) in (1..).zip(cells) {
        statement.raw_bind_parameter(place, cell)?;
    }
    statement.raw_execute()?;
    Ok(())
}
