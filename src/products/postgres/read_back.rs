//! Reading whole products back out of the tables, as a writer would say them.

use std::collections::HashMap;
use std::str::FromStr;

use serde_json::Value;

use crate::db::postgres::{Connection, PostgresError, Row, Type};
use crate::products::attributes::Attributes;
use crate::products::input::{
    ImageInput, InventoryPolicy, Price, ProductInput, ProductOption, RatingInput, RelationInput,
    ReviewInput, Status, VariantInput,
};
use crate::products::money::Currency;

const VARIANTS: &str = include_str!("../../../sql/postgres/queries/export_variants.sql");
const IMAGES: &str = include_str!("../../../sql/postgres/queries/export_images.sql");
const RELATIONS: &str = include_str!("../../../sql/postgres/queries/export_relations.sql");
const REVIEWS: &str = include_str!("../../../sql/postgres/queries/export_reviews.sql");

/// The whole products of rows of `export_*.sql`, in their order.
pub(super) async fn with_children(
    connection: &mut Connection,
    rows: &[Row],
) -> Result<Vec<ProductInput>, PostgresError> {
    let ids = rows
        .iter()
        .map(|row| row.try_get("id"))
        .collect::<Result<Vec<i64>, _>>()?;
    let mut images = children(connection, IMAGES, &ids, image).await?;
    let mut variants = children(connection, VARIANTS, &ids, variant).await?;
    let mut relations = children(connection, RELATIONS, &ids, relation).await?;
    let mut reviews = reviews(connection, &ids).await?;
    let mut products = Vec::with_capacity(rows.len());
    for (id, row) in ids.iter().zip(rows) {
        products.push(ProductInput {
            images: Some(images.remove(id).unwrap_or_default()),
            variants: Some(variants.remove(id).unwrap_or_default()),
            relations: Some(relations.remove(id).unwrap_or_default()),
            reviews: Some(reviews.remove(id).unwrap_or_default()),
            ..product(row)?
        });
    }
    Ok(products)
}

/// The reviews of products in the order they were written.
pub(super) async fn reviews(
    connection: &mut Connection,
    ids: &[i64],
) -> Result<HashMap<i64, Vec<ReviewInput>>, PostgresError> {
    children(connection, REVIEWS, ids, review).await
}

async fn children<T>(
    connection: &mut Connection,
    sql: &str,
    ids: &[i64],
    read: impl Fn(&Row) -> Result<T, PostgresError>,
) -> Result<HashMap<i64, Vec<T>>, PostgresError> {
    let rows = connection.query(sql, &[(&ids, Type::INT8_ARRAY)]).await?;
    let mut of: HashMap<i64, Vec<T>> = HashMap::new();
    for row in rows {
        let product_id: i64 = get(&row, "product_id")?;
        of.entry(product_id).or_default().push(read(&row)?);
    }
    Ok(of)
}

fn get<'r, T: tokio_postgres::types::FromSql<'r>>(
    row: &'r Row,
    column: &str,
) -> Result<T, PostgresError> {
    Ok(row.try_get(column)?)
}

fn product(row: &Row) -> Result<ProductInput, PostgresError> {
    let status: &str = get(row, "status")?;
    let published_at: Option<String> = get(row, "published_at")?;
    Ok(ProductInput {
        id: get(row, "id")?,
        handle: get(row, "handle")?,
        title: get(row, "title")?,
        description_html: get(row, "description_html")?,
        vendor: get(row, "vendor")?,
        product_type: get(row, "product_type")?,
        category: get(row, "category")?,
        tags: get(row, "tags")?,
        status: Status::parse(status),
        published: published_at.is_none().then_some(false),
        published_at,
        options: Some(options(&json(row, "options")?)),
        seo_title: get(row, "seo_title")?,
        seo_description: get(row, "seo_description")?,
        attributes: Some(match json(row, "attributes")? {
            Value::Object(attributes) => attributes.into(),
            _ => Attributes::default(),
        }),
        images: None,
        variants: None,
        relations: None,
        reviews: None,
        rating: Some(RatingInput {
            sum: get(row, "rating_sum")?,
            count: get(row, "rating_count")?,
        }),
        version: get(row, "version")?,
        created_at: get(row, "created_at")?,
        updated_at: get(row, "updated_at")?,
    })
}

fn json(row: &Row, column: &str) -> Result<Value, PostgresError> {
    let text: &str = get(row, column)?;
    Value::from_str(text).map_err(|error| PostgresError::Damaged(error.to_string()))
}

fn options(list: &Value) -> Vec<ProductOption> {
    let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
    let strings = |list: &Value| {
        let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
        let strings = items.iter().filter_map(Value::as_str);
        strings.map(str::to_owned).collect()
    };
    items
        .iter()
        .map(|option| ProductOption {
            name: option["name"].as_str().unwrap_or_default().to_owned(),
            values: strings(&option["values"]),
        })
        .collect()
}

fn image(row: &Row) -> Result<ImageInput, PostgresError> {
    Ok(ImageInput {
        url: get(row, "url")?,
        alt: get(row, "alt")?,
        width: get(row, "width")?,
        height: get(row, "height")?,
    })
}

fn variant(row: &Row) -> Result<VariantInput, PostgresError> {
    let options: [Option<String>; 3] = [
        get(row, "option1")?,
        get(row, "option2")?,
        get(row, "option3")?,
    ];
    let currency: &str = get(row, "currency")?;
    let policy: &str = get(row, "inventory_policy")?;
    let image: Option<i64> = get(row, "image_index")?;
    Ok(VariantInput {
        id: get(row, "id")?,
        sku: get(row, "sku")?,
        barcode: get(row, "barcode")?,
        mpn: get(row, "mpn")?,
        condition: get(row, "condition")?,
        option_values: options.into_iter().flatten().collect(),
        price: Some(Price {
            minor: get(row, "price_minor")?,
            currency: Currency::parse(currency)
                .map_err(|error| PostgresError::Damaged(error.to_string()))?,
        }),
        compare_at_minor: Some(get(row, "compare_at_minor")?),
        cost_minor: Some(get(row, "cost_minor")?),
        weight_g: Some(get(row, "weight_g")?),
        requires_shipping: get(row, "requires_shipping")?,
        taxable: get(row, "taxable")?,
        tax_code: get(row, "tax_code")?,
        inventory_tracked: get(row, "inventory_tracked")?,
        inventory_policy: Some(match policy {
            "continue" => InventoryPolicy::Continue,
            _ => InventoryPolicy::Deny,
        }),
        on_hand: get(row, "on_hand")?,
        reserved: get(row, "reserved")?,
        low_stock_at: get(row, "low_stock_at")?,
        image: image.and_then(|index| usize::try_from(index).ok()),
    })
}

fn relation(row: &Row) -> Result<RelationInput, PostgresError> {
    Ok(RelationInput {
        handle: get(row, "handle")?,
        kind: get(row, "kind")?,
    })
}

fn review(row: &Row) -> Result<ReviewInput, PostgresError> {
    Ok(ReviewInput {
        rating: get(row, "rating")?,
        title: get(row, "title")?,
        body: get(row, "body")?,
        author: get(row, "author")?,
        status: get(row, "status")?,
        created_at: get(row, "created_at")?,
    })
}
