//! Random writes, out of few names, so that they meet.

use doorbuster::products::input::{
    ImageInput, InventoryPolicy, Price, ProductInput, ProductOption, RatingInput, RelationInput,
    ReviewInput, Status, VariantInput,
};
use doorbuster::products::money::Currency;
use doorbuster::products::stock::StockChange;
use doorbuster::products::validate::validate;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// Handles, skus and ids there are to choose from.
const HANDLES: i64 = 5;
const SKUS: i64 = 6;
const IDS: i64 = 3;
/// Times that are said; any other is the time of the write.
pub(super) const TIMES: [&str; 2] = ["2024-02-29T12:00:00.000Z", "2025-11-28T00:00:00.123Z"];

/// One write.
#[derive(Debug, Clone)]
pub(super) enum Write {
    /// As an import does.
    Put(Vec<ProductInput>),
    /// As an import does that deletes what is missing.
    PutAll(Vec<ProductInput>),
    /// As a bulk write does.
    PutEach(Vec<ProductInput>),
    Create(ProductInput),
    Replace(ProductInput),
    Delete(String),
    Stock(String, StockChange),
    /// The one before it.
    Again,
}

pub(super) fn write() -> impl Strategy<Value = Write> {
    let products = || vec(product(), 1..=6);
    prop_oneof![
        4 => products().prop_map(Write::Put),
        1 => products().prop_map(Write::PutAll),
        3 => products().prop_map(Write::PutEach),
        1 => product().prop_map(Write::Create),
        2 => product().prop_map(Write::Replace),
        1 => handle().prop_map(Write::Delete),
        2 => Just(Write::Again),
        2 => (sku(), change()).prop_map(|(sku, change)| Write::Stock(sku, change)),
    ]
}

fn handle() -> impl Strategy<Value = String> {
    (0..HANDLES).prop_map(|number| format!("h{number}"))
}

fn sku() -> impl Strategy<Value = String> {
    (0..SKUS).prop_map(|number| format!("s{number}"))
}

fn id() -> impl Strategy<Value = Option<i64>> {
    option::weighted(0.15, 0..IDS)
}

fn text() -> impl Strategy<Value = String> {
    select(vec![
        "",
        "plain",
        "\"quoted\" \\ <b>",
        "zwei\nZeilen",
        "ÄÖ 中",
    ])
    .prop_map(str::to_owned)
}

fn change() -> impl Strategy<Value = StockChange> {
    prop_oneof![
        (0..20_i64, option::of(0..3_i64), option::of(0..9_i64)).prop_map(
            |(on_hand, reserved, low_stock_at)| StockChange::Set {
                on_hand,
                reserved,
                low_stock_at
            }
        ),
        select(vec![-7, -1, 3]).prop_map(|delta| StockChange::Adjust {
            delta,
            reason: "sale".to_owned()
        }),
    ]
}

/// A valid product.
fn product() -> impl Strategy<Value = ProductInput> {
    let said = (
        id(),
        handle(),
        option::weighted(0.9, text().prop_map(|text| format!("T{text}"))),
        option::of(text()),
        option::of(select(vec!["v1", "v2"])),
        option::of(select(vec!["", "A", "A > B"])),
        option::of(subsequence(vec!["t1", "t2", "t,\"3\\"], 0..=3)),
    );
    let public = (
        option::of(select(vec![Status::Active, Status::Active, Status::Draft])),
        option::of(any::<bool>()),
        option::of(select(TIMES.to_vec())),
        option::of(select(TIMES.to_vec())),
        option::of(1..5_i64),
    );
    let lists = (
        option::weighted(0.7, variants()),
        option::of(vec((select(vec!["u1", "u2"]), text()), 0..=2)),
        option::weighted(0.3, vec((1..=5_i64, any::<bool>()), 0..=2)),
        option::weighted(0.3, vec(0..HANDLES + 1, 0..=2)),
        option::weighted(0.2, (1..4_i64).prop_map(|count| (4 * count, count))),
        option::of(text()),
    );
    let product = (said, public, lists).prop_map(|(said, public, lists)| {
        let (id, handle, title, description, vendor, category, tags) = said;
        let (status, published, published_at, created_at, version) = public;
        let (variants, images, reviews, relations, rating, seo) = lists;
        let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect();
        ProductInput {
            id,
            handle,
            title,
            description_html: description,
            vendor: vendor.map(str::to_owned),
            category: category.map(str::to_owned),
            tags: tags.map(owned),
            status,
            published,
            published_at: published_at.map(str::to_owned),
            options: variants.is_some().then(|| {
                vec![ProductOption {
                    name: "Size".to_owned(),
                    values: vec!["S".to_owned(), "M".to_owned(), "L".to_owned()],
                }]
            }),
            seo_title: seo,
            attributes: rating.map(|(sum, _)| {
                let mut attributes = serde_json::Map::new();
                attributes.insert("sum \"of\"".to_owned(), sum.into());
                attributes.into()
            }),
            images: images.map(|images| {
                let images = images.into_iter();
                let image = |(url, alt): (&str, String)| ImageInput {
                    url: url.to_owned(),
                    alt,
                    width: Some(7),
                    height: None,
                };
                images.map(image).collect()
            }),
            variants,
            relations: relations.map(|numbers| {
                let numbers = numbers.into_iter();
                let relation = |number| RelationInput {
                    handle: format!("h{number}"),
                    kind: "related".to_owned(),
                };
                numbers.map(relation).collect()
            }),
            reviews: reviews.map(|reviews| {
                let reviews = reviews.into_iter();
                let review = |(rating, is_public): (i64, bool)| ReviewInput {
                    rating,
                    title: format!("{rating} stars"),
                    body: "said".to_owned(),
                    author: String::new(),
                    status: if is_public { "published" } else { "pending" }.to_owned(),
                    created_at: is_public.then(|| TIMES[0].to_owned()),
                };
                reviews.map(review).collect()
            }),
            rating: rating.map(|(sum, count)| RatingInput { sum, count }),
            version,
            created_at: created_at.map(str::to_owned),
            ..ProductInput::default()
        }
    });
    product.prop_filter("valid", |product| validate(&shifted(product, 1)).is_empty())
}

fn variants() -> impl Strategy<Value = Vec<VariantInput>> {
    let variant = (
        id(),
        option::weighted(0.7, sku()),
        select(vec!["S", "M", "L"]),
        option::weighted(0.9, 1..3_i64),
        option::of(option::of(9..11_i64)),
        option::of(any::<bool>()),
        option::of(0..12_i64),
        option::weighted(0.2, Just(0_usize)),
        (option::of(text()), option::of(any::<bool>())),
    );
    let variants = vec(variant, 0..=3);
    variants.prop_map(|variants| {
        let variants = variants.into_iter().map(
            |(id, sku, size, price, compare_at, tracked, on_hand, image, (barcode, shipping))| {
                VariantInput {
                    id,
                    sku,
                    barcode: barcode.map(|text| text.replace('\n', " ").trim().to_owned()),
                    option_values: vec![size.to_owned()],
                    price: price.map(|minor| Price {
                        minor,
                        currency: Currency::parse("EUR").unwrap(),
                    }),
                    compare_at_minor: price.and(compare_at),
                    requires_shipping: shipping,
                    inventory_tracked: tracked,
                    inventory_policy: (on_hand == Some(3)).then_some(InventoryPolicy::Continue),
                    on_hand,
                    image,
                    ..VariantInput::default()
                }
            },
        );
        variants.collect()
    })
}

/// Ids of a case of its own, since 0 is none.
fn shifted(product: &ProductInput, by: i64) -> ProductInput {
    let mut product = product.clone();
    product.id = product.id.map(|id| by + id);
    for variant in product.variants.iter_mut().flatten() {
        variant.id = variant.id.map(|id| by + id);
    }
    product
}

/// The names of one case.
pub(super) struct Names {
    prefix: String,
    first_id: i64,
}

impl Names {
    /// Ids lie so far apart that none is given out before it is said.
    const APART: i64 = 1_000;

    pub(super) fn of(case: i64) -> Self {
        Self {
            prefix: format!("c{case}-"),
            first_id: 1_000_000 * (case + 1),
        }
    }

    pub(super) fn handles(&self) -> Vec<String> {
        let numbers = 0..HANDLES;
        numbers
            .map(|number| self.name(&format!("h{number}")))
            .collect()
    }

    /// Whether this id may have been said.
    pub(super) fn is_said(&self, id: i64) -> bool {
        (0..IDS).any(|number| id == self.first_id + number * Self::APART)
    }

    fn name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn product(&self, product: &ProductInput) -> ProductInput {
        let mut product = product.clone();
        let id = |id: Option<i64>| id.map(|number| self.first_id + number * Self::APART);
        product.id = id(product.id);
        product.handle = self.name(&product.handle);
        // Titles order the lists, so no two products have the same.
        product.title = product
            .title
            .map(|title| format!("{} {title}", product.handle));
        for relation in product.relations.iter_mut().flatten() {
            relation.handle = self.name(&relation.handle);
        }
        for variant in product.variants.iter_mut().flatten() {
            variant.id = id(variant.id);
            variant.sku = variant.sku.take().map(|sku| self.name(&sku));
        }
        product
    }

    /// The write with these names.
    pub(super) fn give(&self, write: &Write) -> Write {
        let products =
            |products: &[ProductInput]| products.iter().map(|it| self.product(it)).collect();
        match write {
            Write::Put(all) => Write::Put(products(all)),
            Write::PutAll(all) => Write::PutAll(products(all)),
            Write::PutEach(all) => Write::PutEach(products(all)),
            Write::Create(product) => Write::Create(self.product(product)),
            Write::Replace(product) => Write::Replace(self.product(product)),
            Write::Delete(handle) => Write::Delete(self.name(handle)),
            Write::Stock(sku, change) => Write::Stock(self.name(sku), change.clone()),
            Write::Again => Write::Again,
        }
    }
}
