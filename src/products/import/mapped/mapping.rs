//! A mapping file, compiled.

mod compile;

use super::rule::{Rule, SourcePath};
use super::section::{Mistakes, Section};
use crate::products::import::{Place, printable};
use crate::products::money::Currency;
use compile::Compiler;

/// How to turn the records of a foreign file into products. See the [module text](super) for the file it
/// is read from.
#[derive(Debug, Clone)]
pub struct Mapping {
    pub(super) input: Input,
    /// Mend texts with control characters that were Windows-1252.
    pub(super) windows_1252: bool,
    /// Records (rows of a CSV file) that have other values than these are left out.
    pub(super) only: Vec<(SourcePath, Vec<String>)>,
    pub(super) currency: Option<Currency>,
    pub(super) product: ProductRules,
    pub(super) attributes: Option<AttributeRules>,
    pub(super) images: Option<Vec<ImageRules>>,
    pub(super) variants: Option<VariantRules>,
    pub(super) relations: Option<Vec<RelationRules>>,
    pub(super) reviews: Option<Vec<ReviewRules>>,
    pub(super) rating: Option<RatingRules>,
    /// Paths the rules read; of each list, a CSV file must have one.
    pub(super) used: Vec<Vec<SourcePath>>,
}

/// How the file is cut into records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Input {
    Json {
        items: Vec<String>,
    },
    Jsonl,
    Yaml,
    Csv {
        delimiter: u8,
        group_by: Option<String>,
    },
}

#[derive(Debug, Clone)]
pub(super) struct ProductRules {
    pub(super) handle: Rule,
    pub(super) title: Option<Rule>,
    pub(super) description_html: Option<Rule>,
    pub(super) vendor: Option<Rule>,
    pub(super) product_type: Option<Rule>,
    pub(super) category: Option<Rule>,
    pub(super) tags: Option<Rule>,
    pub(super) status: Option<Rule>,
    pub(super) published: Option<Rule>,
    pub(super) published_at: Option<Rule>,
    pub(super) seo_title: Option<Rule>,
    pub(super) seo_description: Option<Rule>,
    pub(super) created_at: Option<Rule>,
    pub(super) updated_at: Option<Rule>,
}

#[derive(Debug, Clone)]
pub(super) struct AttributeRules {
    /// Fields of the record that begin with one of these become attributes, named by the rest.
    pub(super) collect: Vec<String>,
    pub(super) fields: Vec<(String, Rule)>,
}

#[derive(Debug, Clone)]
pub(super) struct ImageRules {
    pub(super) each: Option<SourcePath>,
    pub(super) url: Rule,
    pub(super) alt: Option<Rule>,
    pub(super) width: Option<Rule>,
    pub(super) height: Option<Rule>,
}

#[derive(Debug, Clone)]
pub(super) struct VariantRules {
    pub(super) each: Option<SourcePath>,
    /// Where some items have a value here, those that have none are left out.
    pub(super) prefer_with: Option<SourcePath>,
    pub(super) sku: Option<Rule>,
    pub(super) barcode: Option<Rule>,
    pub(super) mpn: Option<Rule>,
    pub(super) condition: Option<Rule>,
    pub(super) currency: Option<Rule>,
    pub(super) price: Option<Rule>,
    pub(super) compare_at_price: Option<Rule>,
    pub(super) cost: Option<Rule>,
    pub(super) weight_g: Option<Rule>,
    pub(super) requires_shipping: Option<Rule>,
    pub(super) taxable: Option<Rule>,
    pub(super) tax_code: Option<Rule>,
    pub(super) inventory_tracked: Option<Rule>,
    pub(super) inventory_policy: Option<Rule>,
    pub(super) on_hand: Option<Rule>,
    pub(super) reserved: Option<Rule>,
    pub(super) low_stock_at: Option<Rule>,
    pub(super) image: Option<Rule>,
    pub(super) options: Vec<OptionRules>,
}

#[derive(Debug, Clone)]
pub(super) struct OptionRules {
    pub(super) name: Rule,
    pub(super) value: Rule,
}

#[derive(Debug, Clone)]
pub(super) struct RelationRules {
    pub(super) each: Option<SourcePath>,
    pub(super) handle: Rule,
    pub(super) kind: Rule,
}

#[derive(Debug, Clone)]
pub(super) struct ReviewRules {
    pub(super) each: Option<SourcePath>,
    pub(super) rating: Rule,
    pub(super) title: Option<Rule>,
    pub(super) body: Option<Rule>,
    pub(super) author: Option<Rule>,
    pub(super) status: Option<Rule>,
    pub(super) created_at: Option<Rule>,
}

#[derive(Debug, Clone)]
pub(super) struct RatingRules {
    pub(super) sum: Option<Rule>,
    pub(super) average: Option<Rule>,
    pub(super) count: Rule,
}

/// Why a mapping file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// Not TOML.
    #[error("{place}: not valid TOML: {reason}")]
    Toml {
        /// Where.
        place: Place,
        /// What the parser says, on one line.
        reason: String,
    },
    /// All mistakes, each one line that begins with the key.
    #[error("{}", .0.join("\n"))]
    Mistakes(Vec<String>),
}

impl Mapping {
    /// Compiles the text of a mapping file. All mistakes in it are returned at once.
    pub fn parse(text: &str) -> Result<Self, MappingError> {
        let table = text
            .parse::<toml::Table>()
            .map_err(|error| MappingError::Toml {
                place: Place { line: 1, column: 1 }.after(&text.as_bytes()[..start_of(&error)]),
                reason: printable(error.message(), 200),
            })?;
        let mistakes = Mistakes::default();
        let root = Section::root(&table, &mistakes);
        let mapping = Compiler::new(&root).mapping(&root);
        root.finish();
        match (mapping, mistakes.into_inner()) {
            (Some(mapping), mistakes) if mistakes.is_empty() => Ok(mapping),
            (_, mistakes) => Err(MappingError::Mistakes(mistakes)),
        }
    }
}

fn start_of(error: &toml::de::Error) -> usize {
    error.span().map_or(0, |span| span.start)
}

#[cfg(test)]
mod tests;
