//! The words of the demo shop, read once from the TOML files beside this one.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A department of the shop and everything its products are made of. Where the department's words do
/// not fit, a kind brings its own. Texts may hold the slots
/// `{title}`, `{series}`, `{vendor}`, `{phrase}` and `{phrase_capital}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Department {
    /// First level of the category path.
    pub(super) name: String,
    /// Three letters that begin its SKUs.
    pub(super) code: String,
    /// Name of the attribute that holds a style's phrase.
    pub(super) style_attribute: String,
    /// What its pictures show: an SVG path in a square of 100.
    pub(super) shape: String,
    /// Invented brands; a series belongs to one of them.
    pub(super) brands: Vec<String>,
    /// First words of titles.
    pub(super) series: Vec<String>,
    /// First paragraphs of descriptions.
    pub(super) openings: Vec<String>,
    /// Last paragraphs of descriptions.
    pub(super) closings: Vec<String>,
    /// What pictures show.
    pub(super) views: Vec<String>,
    /// Sentences of happy customers.
    pub(super) praise: Vec<String>,
    /// Sentences of unhappy customers.
    pub(super) complaints: Vec<String>,
    /// Options by the key that kinds use.
    pub(super) axes: BTreeMap<String, Axis>,
    /// What it sells.
    pub(super) kinds: Vec<Kind>,
}

/// An option with the values a product takes some of.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Axis {
    /// As shown: `Size`.
    pub(super) name: String,
    /// In the order shown.
    pub(super) values: Vec<String>,
    /// Per cent of the base price for each value; 100 where absent.
    #[serde(default)]
    pub(super) price: Vec<i64>,
    /// Per cent of the base weight for each value; 100 where absent.
    #[serde(default)]
    pub(super) weight: Vec<i64>,
    /// Weight of each value with its packing, for values that are weights or volumes themselves.
    #[serde(default)]
    pub(super) grams: Vec<i64>,
    /// Whether the values taken are neighbours, as sizes are.
    #[serde(default)]
    pub(super) run: bool,
    /// Fewest and most values taken.
    pub(super) take: (i64, i64),
}

/// A kind of product within a department.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kind {
    /// Unique in the shop: `Rain Jacket`.
    pub(super) noun: String,
    /// Category path below the department.
    pub(super) category: String,
    /// Slots `{series}`, `{style}` and `{noun}`.
    #[serde(default = "default_title")]
    pub(super) title: String,
    /// Usual prices in whole US dollars.
    pub(super) price: (i64, i64),
    /// Usual weights in grams.
    pub(super) weight: (i64, i64),
    /// Keys of the department's axes.
    pub(super) axes: Vec<String>,
    /// Second words of titles.
    pub(super) styles: Vec<Style>,
    /// Lines of the description's list.
    pub(super) features: Vec<String>,
    /// In place of the department's.
    pub(super) style_attribute: Option<String>,
    /// In place of the department's.
    pub(super) openings: Option<Vec<String>>,
    /// In place of the department's.
    pub(super) closings: Option<Vec<String>>,
    /// In place of the department's.
    pub(super) views: Option<Vec<String>>,
    /// In place of the department's.
    pub(super) praise: Option<Vec<String>>,
    /// In place of the department's.
    pub(super) complaints: Option<Vec<String>>,
    /// By name.
    pub(super) attributes: BTreeMap<String, Attribute>,
    /// Nouns of kinds that go with it.
    #[serde(default)]
    pub(super) accessories: Vec<String>,
}

/// `["Linen", "mid-weight washed linen"]`: a word for the title and a phrase for the text.
#[derive(Debug, Deserialize)]
pub(super) struct Style {
    pub(super) word: String,
    pub(super) phrase: String,
}

/// Where an attribute's value comes from.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Attribute {
    /// One of these.
    Choices(Vec<Value>),
    /// A whole number.
    Range {
        from: i64,
        to: i64,
        #[serde(default = "default_step")]
        step: i64,
    },
    /// This many names of people.
    People { people: usize },
}

/// The words of reviews.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reviews {
    /// Leads from praise to a complaint.
    pub(super) aside: Vec<String>,
    /// For one star, two stars and so on.
    pub(super) stars: Vec<Stars>,
    /// What moderation rejects.
    pub(super) spam: Spam,
    /// Names of one culture each.
    pub(super) names: Vec<Names>,
}

/// Texts that fit a number of stars.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stars {
    pub(super) titles: Vec<String>,
    pub(super) openings: Vec<String>,
    pub(super) endings: Vec<String>,
}

/// Reviews that are none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Spam {
    pub(super) titles: Vec<String>,
    pub(super) bodies: Vec<String>,
}

/// Given and family names that go together.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Names {
    pub(super) given: Vec<String>,
    pub(super) family: Vec<String>,
}

/// All departments.
pub(super) static DEPARTMENTS: LazyLock<Vec<Department>> = LazyLock::new(|| {
    [
        include_str!("vocabulary/apparel.toml"),
        include_str!("vocabulary/footwear.toml"),
        include_str!("vocabulary/home_kitchen.toml"),
        include_str!("vocabulary/outdoors.toml"),
        include_str!("vocabulary/electronics.toml"),
        include_str!("vocabulary/beauty.toml"),
        include_str!("vocabulary/toys_games.toml"),
        include_str!("vocabulary/garden.toml"),
        include_str!("vocabulary/grocery.toml"),
        include_str!("vocabulary/books_stationery.toml"),
    ]
    .into_iter()
    .map(read)
    .collect()
});

/// The words of reviews.
pub(super) static REVIEWS: LazyLock<Reviews> =
    LazyLock::new(|| read(include_str!("vocabulary/reviews.toml")));

/// Every kind with its department, in file order.
pub(super) static KINDS: LazyLock<Vec<(&Department, &Kind)>> = LazyLock::new(|| {
    DEPARTMENTS
        .iter()
        .flat_map(|department| department.kinds.iter().map(move |kind| (department, kind)))
        .collect()
});

#[expect(
    clippy::expect_used,
    reason = "the files are part of the binary, and a test reads them all"
)]
fn read<T: DeserializeOwned>(text: &str) -> T {
    toml::from_str(text).expect("the embedded vocabulary is valid")
}

fn default_title() -> String {
    "{series} {style} {noun}".to_owned()
}

fn default_step() -> i64 {
    1
}
