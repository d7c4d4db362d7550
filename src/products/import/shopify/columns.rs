//! The columns of Shopify's product CSV in both header dialects, and our own.

use std::collections::HashMap;

use super::super::delimited::{Names, place};
use super::super::{Place, RecordError};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::products) enum Column {
    Handle,
    Title,
    Description,
    Vendor,
    ProductType,
    Tags,
    Category,
    Published,
    PublishedAt,
    Status,
    /// Name of the option with this index (0 to 2).
    OptionName(usize),
    /// The variant's value of the option with this index (0 to 2).
    OptionValue(usize),
    /// `Option4 name` and the like, which nothing can hold.
    SurplusOption,
    Sku,
    Barcode,
    Mpn,
    Condition,
    Price,
    CompareAtPrice,
    Cost,
    Currency,
    Taxable,
    TaxCode,
    InventoryTracker,
    InventoryQuantity,
    InventoryPolicy,
    Reserved,
    LowStockAt,
    Grams,
    WeightValue,
    WeightUnit,
    RequiresShipping,
    ImageUrl,
    ImagePosition,
    ImageAlt,
    ImageSize,
    VariantImage,
    SeoTitle,
    SeoDescription,
    /// JSON object of all attributes.
    Attributes,
    /// A column of Shopify's that has an attribute of this name here.
    Attribute(&'static str),
    /// Any other column: an attribute under the header's own name.
    Unknown,
    /// A column without a name, as spreadsheets leave behind.
    Unnamed,
}

/// Names of a column: the current dialect's first (which is the one written), then the legacy dialect's.
pub(in crate::products) const COLUMNS: &[(Column, &[&str])] = &[
    (Column::Title, &["Title"]),
    (Column::Handle, &["URL handle", "Handle"]),
    (Column::Description, &["Description", "Body (HTML)"]),
    (Column::Vendor, &["Vendor"]),
    (Column::Category, &["Product category"]),
    (Column::ProductType, &["Type"]),
    (Column::Tags, &["Tags"]),
    (
        Column::Published,
        &["Published on online store", "Published"],
    ),
    (Column::Status, &["Status"]),
    (Column::Sku, &["SKU", "Variant SKU"]),
    (Column::Barcode, &["Barcode", "Variant Barcode"]),
    (Column::OptionName(0), &["Option1 name"]),
    (Column::OptionValue(0), &["Option1 value"]),
    (Column::OptionName(1), &["Option2 name"]),
    (Column::OptionValue(1), &["Option2 value"]),
    (Column::OptionName(2), &["Option3 name"]),
    (Column::OptionValue(2), &["Option3 value"]),
    (Column::Price, &["Price", "Variant Price"]),
    (
        Column::CompareAtPrice,
        &["Compare-at price", "Variant Compare At Price"],
    ),
    (Column::Cost, &["Cost per item"]),
    (Column::Taxable, &["Charge tax", "Variant Taxable"]),
    (Column::TaxCode, &["Tax code", "Variant Tax Code"]),
    (
        Column::Attribute("unit_price_total_measure"),
        &["Unit price total measure"],
    ),
    (
        Column::Attribute("unit_price_total_measure_unit"),
        &["Unit price total measure unit"],
    ),
    (
        Column::Attribute("unit_price_base_measure"),
        &["Unit price base measure"],
    ),
    (
        Column::Attribute("unit_price_base_measure_unit"),
        &["Unit price base measure unit"],
    ),
    (
        Column::InventoryTracker,
        &["Inventory tracker", "Variant Inventory Tracker"],
    ),
    (
        Column::InventoryQuantity,
        &[
            "Inventory quantity",
            "Variant Inventory Qty",
            "Variant Inventory Quantity",
        ],
    ),
    (
        Column::InventoryPolicy,
        &[
            "Continue selling when out of stock",
            "Variant Inventory Policy",
        ],
    ),
    (Column::Grams, &["Weight value (grams)", "Variant Grams"]),
    (
        Column::WeightUnit,
        &[
            "Weight unit for display",
            "Variant Weight Unit",
            "Weight unit",
        ],
    ),
    (
        Column::RequiresShipping,
        &["Requires shipping", "Variant Requires Shipping"],
    ),
    (
        Column::Attribute("fulfillment_service"),
        &["Fulfillment service", "Variant Fulfillment Service"],
    ),
    (Column::ImageUrl, &["Product image URL", "Image Src"]),
    (Column::ImagePosition, &["Image position"]),
    (Column::ImageAlt, &["Image alt text"]),
    (
        Column::VariantImage,
        &["Variant image URL", "Variant Image"],
    ),
    (Column::Attribute("gift_card"), &["Gift card"]),
    (Column::SeoTitle, &["SEO title"]),
    (Column::SeoDescription, &["SEO description"]),
    (
        Column::Attribute("google_product_category"),
        &["Google Shopping / Google product category"],
    ),
    (Column::Attribute("gender"), &["Google Shopping / Gender"]),
    (
        Column::Attribute("age_group"),
        &["Google Shopping / Age group"],
    ),
    (
        Column::Mpn,
        &[
            "Google Shopping / Manufacturer part number (MPN)",
            "Google Shopping / MPN",
        ],
    ),
    (
        Column::Attribute("ads_grouping"),
        &[
            "Google Shopping / Ad group name",
            "Google Shopping / AdWords Grouping",
        ],
    ),
    (
        Column::Attribute("ads_labels"),
        &[
            "Google Shopping / Ads labels",
            "Google Shopping / AdWords Labels",
        ],
    ),
    (Column::Condition, &["Google Shopping / Condition"]),
    (
        Column::Attribute("custom_product"),
        &["Google Shopping / Custom product"],
    ),
    (
        Column::Attribute("custom_label_0"),
        &["Google Shopping / Custom label 0"],
    ),
    (
        Column::Attribute("custom_label_1"),
        &["Google Shopping / Custom label 1"],
    ),
    (
        Column::Attribute("custom_label_2"),
        &["Google Shopping / Custom label 2"],
    ),
    (
        Column::Attribute("custom_label_3"),
        &["Google Shopping / Custom label 3"],
    ),
    (
        Column::Attribute("custom_label_4"),
        &["Google Shopping / Custom label 4"],
    ),
    (Column::Currency, &["Doorbuster currency"]),
    (Column::PublishedAt, &["Doorbuster published at"]),
    (Column::Reserved, &["Doorbuster reserved"]),
    (Column::LowStockAt, &["Doorbuster low stock at"]),
    (Column::ImageSize, &["Doorbuster image size"]),
    (Column::Attributes, &["Doorbuster attributes"]),
];

/// Read, but never written: grams say the same without a unit.
const READ_ONLY: &[(Column, &[&str])] = &[(
    Column::WeightValue,
    &["Weight value", "Variant Weight", "Weight"],
)];

/// Columns that describe a variant. A file without any of them says nothing about variants.
const VARIANT: &[Column] = &[
    Column::OptionValue(0),
    Column::OptionValue(1),
    Column::OptionValue(2),
    Column::Sku,
    Column::Barcode,
    Column::Mpn,
    Column::Price,
    Column::CompareAtPrice,
    Column::Cost,
    Column::InventoryQuantity,
    Column::Grams,
    Column::WeightValue,
    Column::VariantImage,
];

/// The columns of one file.
pub(super) struct Header {
    /// Column and name as it stands in the file, in file order.
    columns: Vec<(Column, String)>,
    index: HashMap<Column, usize>,
}

impl Header {
    /// Recognises the names of a file, ignoring ASCII case and surrounding space. Errors are fatal.
    pub(super) fn new(header: Names) -> Result<Self, RecordError> {
        let Names { line, names } = header;
        let known: HashMap<String, Column> = COLUMNS
            .iter()
            .chain(READ_ONLY)
            .flat_map(|(column, names)| {
                names
                    .iter()
                    .map(|name| (name.to_ascii_lowercase(), *column))
            })
            .collect();
        let mut index = HashMap::new();
        let mut unknown: HashMap<String, usize> = HashMap::new();
        let mut columns: Vec<(Column, String)> = Vec::with_capacity(names.len());
        for (position, name) in names.into_iter().enumerate() {
            let key = name.to_ascii_lowercase();
            let column = known.get(&key).copied().unwrap_or_else(|| unnamed(&key));
            let earlier = match column {
                Column::Unnamed | Column::SurplusOption => None,
                Column::Unknown => unknown.insert(key, position),
                column => index.insert(column, position),
            };
            if let Some((_, earlier)) = earlier.and_then(|earlier| columns.get(earlier)) {
                let reason = if earlier.eq_ignore_ascii_case(&name) {
                    "the column is there twice; remove one".to_owned()
                } else {
                    format!("means the same as the column {earlier:?}; remove one")
                };
                return Err(RecordError {
                    fatal: true,
                    ..RecordError::new(place(line, position), "header", &name, reason)
                });
            }
            columns.push((column, name));
        }
        if !index.contains_key(&Column::Title) && !index.contains_key(&Column::Handle) {
            return Err(RecordError::fatal(
                Place { line, column: 0 },
                "not a Shopify product CSV: the header has neither `Title` nor `Handle` (`URL handle`); \
                 one of them must be there",
            ));
        }
        Ok(Self { columns, index })
    }

    /// Where `column` stands.
    pub(super) fn position(&self, column: Column) -> Option<usize> {
        self.index.get(&column).copied()
    }

    pub(super) fn has(&self, column: Column) -> bool {
        self.index.contains_key(&column)
    }

    /// The header of the column at `position`, as it stands in the file.
    pub(super) fn name(&self, position: usize) -> &str {
        self.columns
            .get(position)
            .map_or("", |(_, name)| name.as_str())
    }

    /// All columns with their positions.
    pub(super) fn columns(&self) -> impl Iterator<Item = (usize, Column, &str)> {
        self.columns
            .iter()
            .enumerate()
            .map(|(position, (column, name))| (position, *column, name.as_str()))
    }

    /// The columns whose values make a row a variant.
    pub(super) fn variant_columns(&self) -> impl Iterator<Item = Column> {
        VARIANT.iter().copied().filter(|column| self.has(*column))
    }
}

/// What a name that is not in the table means.
fn unnamed(name: &str) -> Column {
    let surplus = name
        .strip_prefix("option")
        .and_then(|rest| rest.strip_suffix(" name").or(rest.strip_suffix(" value")))
        .is_some_and(|number| number.parse::<u32>().is_ok());
    match name {
        "" => Column::Unnamed,
        _ if surplus => Column::SurplusOption,
        _ => Column::Unknown,
    }
}
