//! Reading whole products back out of the tables, as a writer would say them.

use std::str::FromStr;

use rusqlite::types::{FromSqlError, Type};
use rusqlite::{Connection, OptionalExtension, Row};
use serde_json::Value;

use crate::products::attributes::Attributes;
use crate::products::input::{
    ImageInput, InventoryPolicy, Price, ProductInput, ProductOption, RatingInput, RelationInput,
    ReviewInput, Status, VariantInput,
};
use crate::products::money::Currency;

const PRODUCTS: &str = include_str!("../../../sql/sqlite/queries/export_products.sql");
const ONE_PRODUCT: &str = include_str!("../../../sql/sqlite/queries/one_product.sql");
const VARIANTS: &str = include_str!("../../../sql/sqlite/queries/export_variants.sql");

/// Visits every product that is not deleted, in order of id, until `visit` returns false.
pub(super) fn for_each_product(
    connection: &Connection,
    visit: &mut dyn FnMut(ProductInput) -> bool,
) -> rusqlite::Result<()> {
    let mut products = connection.prepare(PRODUCTS)?;
    let mut rows = products.query([])?;
    while let Some(row) = rows.next()? {
        if !visit(with_children(connection, row)?) {
            break;
        }
    }
    Ok(())
}

/// The product with this id, and whether it is deleted.
pub(super) fn one_product(
    connection: &Connection,
    id: i64,
) -> rusqlite::Result<Option<(ProductInput, bool)>> {
    connection
        .prepare_cached(ONE_PRODUCT)?
        .query_row([id], |row| {
            Ok((with_children(connection, row)?, row.get("is_deleted")?))
        })
        .optional()
}

/// The whole product of a row of `export_*.sql`.
pub(super) fn with_children(
    connection: &Connection,
    row: &Row<'_>,
) -> rusqlite::Result<ProductInput> {
    let id: i64 = row.get("id")?;
    Ok(ProductInput {
        images: Some(images(connection, id)?),
        variants: Some(variants(connection, id)?),
        relations: Some(relations(connection, id)?),
        reviews: Some(reviews(connection, id)?),
        ..product(row)?
    })
}

fn product(row: &Row<'_>) -> rusqlite::Result<ProductInput> {
    let status: String = row.get("status")?;
    let published_at: Option<String> = row.get("published_at")?;
    Ok(ProductInput {
        id: row.get("id")?,
        handle: row.get("handle")?,
        title: row.get("title")?,
        description_html: row.get("description_html")?,
        vendor: row.get("vendor")?,
        product_type: row.get("product_type")?,
        category: row.get("category")?,
        tags: Some(strings(&json(row, "tags")?)),
        status: Status::parse(&status),
        published: published_at.is_none().then_some(false),
        published_at,
        options: Some(options(&json(row, "options")?)),
        seo_title: row.get("seo_title")?,
        seo_description: row.get("seo_description")?,
        attributes: Some(match json(row, "attributes")? {
            Value::Object(attributes) => attributes.into(),
            _ => Attributes::default(),
        }),
        images: None,
        variants: None,
        relations: None,
        reviews: None,
        rating: Some(RatingInput {
            sum: row.get("rating_sum")?,
            count: row.get("rating_count")?,
        }),
        version: row.get("version")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}

fn json(row: &Row<'_>, column: &str) -> rusqlite::Result<Value> {
    let text: String = row.get(column)?;
    Value::from_str(&text).map_err(|error| unreadable(error.into()))
}

fn unreadable(error: Box<dyn std::error::Error + Send + Sync>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, error)
}

fn strings(list: &Value) -> Vec<String> {
    let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
    items
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

fn options(list: &Value) -> Vec<ProductOption> {
    let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
    items
        .iter()
        .map(|option| ProductOption {
            name: option["name"].as_str().unwrap_or_default().to_owned(),
            values: strings(&option["values"]),
        })
        .collect()
}

fn images(connection: &Connection, product_id: i64) -> rusqlite::Result<Vec<ImageInput>> {
    connection
        .prepare_cached(
            "SELECT url, alt, width, height FROM image WHERE product_id = ?1 ORDER BY position",
        )?
        .query_map([product_id], |row| {
            Ok(ImageInput {
                url: row.get(0)?,
                alt: row.get(1)?,
                width: row.get(2)?,
                height: row.get(3)?,
            })
        })?
        .collect()
}

fn variants(connection: &Connection, product_id: i64) -> rusqlite::Result<Vec<VariantInput>> {
    connection
        .prepare_cached(VARIANTS)?
        .query_map([product_id], variant)?
        .collect()
}

fn variant(row: &Row<'_>) -> rusqlite::Result<VariantInput> {
    let options: [Option<String>; 3] = [
        row.get("option1")?,
        row.get("option2")?,
        row.get("option3")?,
    ];
    let currency: String = row.get("currency")?;
    let policy: String = row.get("inventory_policy")?;
    let image: Option<i64> = row.get("image_index")?;
    Ok(VariantInput {
        id: row.get("id")?,
        sku: row.get("sku")?,
        barcode: row.get("barcode")?,
        mpn: row.get("mpn")?,
        condition: row.get("condition")?,
        option_values: options.into_iter().flatten().collect(),
        price: Some(Price {
            minor: row.get("price_minor")?,
            currency: Currency::parse(&currency).map_err(|error| unreadable(error.into()))?,
        }),
        compare_at_minor: Some(row.get("compare_at_minor")?),
        cost_minor: Some(row.get("cost_minor")?),
        weight_g: Some(row.get("weight_g")?),
        requires_shipping: row.get("requires_shipping")?,
        taxable: row.get("taxable")?,
        tax_code: row.get("tax_code")?,
        inventory_tracked: row.get("inventory_tracked")?,
        inventory_policy: Some(match policy.as_str() {
            "continue" => InventoryPolicy::Continue,
            _ => InventoryPolicy::Deny,
        }),
        on_hand: row.get("on_hand")?,
        reserved: row.get("reserved")?,
        low_stock_at: row.get("low_stock_at")?,
        image: image
            .map(|index| usize::try_from(index).map_err(|_| FromSqlError::OutOfRange(index)))
            .transpose()?,
    })
}

fn relations(connection: &Connection, product_id: i64) -> rusqlite::Result<Vec<RelationInput>> {
    connection
        .prepare_cached(
            "SELECT p.handle, r.kind FROM relation r JOIN product p ON p.id = r.related_id
             WHERE r.product_id = ?1 AND p.deleted_at IS NULL ORDER BY r.position",
        )?
        .query_map([product_id], |row| {
            Ok(RelationInput {
                handle: row.get(0)?,
                kind: row.get(1)?,
            })
        })?
        .collect()
}

/// The reviews of a product in the order they were written.
pub(super) fn reviews(
    connection: &Connection,
    product_id: i64,
) -> rusqlite::Result<Vec<ReviewInput>> {
    connection
        .prepare_cached(
            "SELECT rating, title, body, author, status, created_at FROM review
             WHERE product_id = ?1 ORDER BY id",
        )?
        .query_map([product_id], |row| {
            Ok(ReviewInput {
                rating: row.get(0)?,
                title: row.get(1)?,
                body: row.get(2)?,
                author: row.get(3)?,
                status: row.get(4)?,
                created_at: row.get(5)?,
            })
        })?
        .collect()
}
