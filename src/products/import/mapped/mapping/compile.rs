//! Compiling the sections of a mapping file.

use std::cell::RefCell;

use super::super::rule::{Kind, Paths, Rule, Source, SourcePath};
use super::super::section::Section;
use super::{
    AttributeRules, ImageRules, Input, Mapping, OptionRules, ProductRules, RatingRules,
    RelationRules, ReviewRules, VariantRules,
};
use crate::products::import::key_path::{KeyPath, Step};
use crate::products::money::Currency;

/// What is known of a mapping before its rules are read, and the paths they use.
pub(super) struct Compiler {
    paths: RefCell<Paths>,
    input: Option<Input>,
    windows_1252: bool,
    only: Vec<(SourcePath, Vec<String>)>,
}

impl Compiler {
    /// Reads `[input]`, on which the meaning of paths depends.
    pub(super) fn new(root: &Section<'_>) -> Self {
        let paths = Paths {
            columns: false,
            used: Vec::new(),
        };
        let mut compiler = Self {
            paths: RefCell::new(paths),
            input: None,
            windows_1252: false,
            only: Vec::new(),
        };
        match root.section("input") {
            Some(section) => compiler.input(section),
            None if root.get("input").is_none() => {
                root.mistake("input", "is missing; write [input] with a `kind`");
            }
            None => {}
        }
        compiler
    }

    fn input(&mut self, section: Section<'_>) {
        let items = section.string("items");
        let delimiter = section.string("delimiter");
        let group_by = section.string("group_by");
        let kinds = [("json", 0), ("jsonl", 1), ("yaml", 2), ("csv", 3)];
        let kind = section.word("kind", &kinds);
        if kind.is_none() && section.get("kind").is_none() {
            section.mistake("kind", "is missing; it is one of json, jsonl, yaml, csv");
        }
        let csv = kind == Some(3);
        for (key, given, fits) in [
            ("items", items.is_some(), kind == Some(0)),
            ("delimiter", delimiter.is_some(), csv),
            ("group_by", group_by.is_some(), csv),
        ] {
            if given && kind.is_some() && !fits {
                section.mistake(key, "does not belong to this kind of input");
            }
        }
        let delimiter = match delimiter.unwrap_or(",").as_bytes() {
            [byte] if !b"\"\r\n".contains(byte) => *byte,
            _ => {
                section.mistake("delimiter", "must be one ASCII character, such as \";\"");
                b','
            }
        };
        self.input = kind.map(|kind| match kind {
            0 => Input::Json {
                items: items_path(&section, items),
            },
            1 => Input::Jsonl,
            2 => Input::Yaml,
            _ => Input::Csv {
                delimiter,
                group_by: group_by.map(str::to_owned),
            },
        });
        self.paths.get_mut().columns = csv;
        self.windows_1252 = section.flag("windows_1252");
        for (path, words) in section.entries("only").into_iter().flatten() {
            let words = match words {
                toml::Value::String(word) => Some(vec![word.clone()]),
                toml::Value::Array(words) => words
                    .iter()
                    .map(|word| word.as_str().map(str::to_owned))
                    .collect(),
                _ => None,
            };
            let key = format!("only.{path}");
            match words {
                Some(words) => {
                    let paths = self.paths.get_mut().paths(&section, &key, &[path]);
                    self.only
                        .extend(paths.into_iter().map(|path| (path, words.clone())));
                }
                None => section.mistake(&key, "must be a text or a list of texts"),
            }
        }
        section.finish();
    }

    /// Reads all other sections. `None` only where mistakes have been noted.
    pub(super) fn mapping(self, root: &Section<'_>) -> Option<Mapping> {
        let currency = root.section("defaults").and_then(|section| {
            let code = section.string("currency");
            let currency = code.and_then(|code| match Currency::parse(code) {
                Ok(currency) => Some(currency),
                Err(error) => {
                    section.mistake("currency", format!("`{code}` is {error}"));
                    None
                }
            });
            section.finish();
            currency
        });
        let product = root.section("product").map(|section| self.product(section));
        if product.is_none() && root.get("product").is_none() {
            root.mistake(
                "product",
                "is missing; write [product] with a `handle` at least",
            );
        }
        let attributes = root
            .section("attributes")
            .map(|section| self.attributes(section));
        let images = self.each_of(root, "images", Self::image);
        let variants = root
            .section("variants")
            .map(|section| self.variants(section));
        let relations = self.each_of(root, "relations", Self::relation);
        let reviews = self.each_of(root, "reviews", Self::review);
        let rating = root
            .section("rating")
            .and_then(|section| self.rating(section));
        Some(Mapping {
            input: self.input?,
            windows_1252: self.windows_1252,
            only: self.only,
            currency,
            product: product?,
            attributes,
            images,
            variants,
            relations,
            reviews,
            rating,
            used: self.paths.into_inner().used,
        })
    }

    fn rule(&self, section: &Section<'_>, key: &'static str, kind: Kind) -> Option<Rule> {
        self.paths.borrow_mut().rule(section, key, kind)
    }

    /// A rule that has to be there.
    fn needed(&self, section: &Section<'_>, key: &'static str, kind: Kind) -> Option<Rule> {
        if section.get(key).is_none() {
            section.mistake(key, "is missing; write the path of its source");
        }
        self.rule(section, key, kind)
    }

    fn path(&self, section: &Section<'_>, key: &'static str) -> Option<SourcePath> {
        self.paths.borrow_mut().path(section, key)
    }

    /// The list of a product is mapped where the file has at least one table for it.
    fn each_of<T>(
        &self,
        root: &Section<'_>,
        key: &'static str,
        compile: impl Fn(&Self, Section<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let sections = root.sections(key);
        let present = !sections.is_empty();
        let rules = sections
            .into_iter()
            .filter_map(|section| compile(self, section))
            .collect();
        present.then_some(rules)
    }

    fn product(&self, section: Section<'_>) -> ProductRules {
        let text = |key| self.rule(&section, key, Kind::Text);
        let other = |key| self.rule(&section, key, Kind::Other);
        // Without a handle the mapping is refused, but its other rules are checked all the same.
        let handle = self.needed(&section, "handle", Kind::Text);
        let rules = ProductRules {
            handle: handle.unwrap_or_else(|| Rule::from(Source::Places(Vec::new()))),
            title: text("title"),
            description_html: self.rule(&section, "description_html", Kind::Html),
            vendor: text("vendor"),
            product_type: text("product_type"),
            category: self.rule(&section, "category", Kind::Category),
            tags: self.rule(&section, "tags", Kind::Tags),
            status: other("status"),
            published: other("published"),
            published_at: other("published_at"),
            seo_title: text("seo_title"),
            seo_description: text("seo_description"),
            created_at: other("created_at"),
            updated_at: other("updated_at"),
        };
        section.finish();
        rules
    }

    fn attributes(&self, section: Section<'_>) -> AttributeRules {
        let collect: Vec<String> = section
            .strings("collect")
            .iter()
            .map(|p| (*p).to_owned())
            .collect();
        if collect.iter().any(String::is_empty) {
            section.mistake("collect", "a prefix must not be empty");
        }
        let mut fields = Vec::new();
        if let Some(table) = section.entries("fields") {
            let child = section.child("fields", table);
            for (name, value) in table {
                let rule = self
                    .paths
                    .borrow_mut()
                    .rule_of(&child, name, value, Kind::Attribute);
                fields.extend(rule.map(|rule| (name.clone(), rule)));
            }
        }
        section.finish();
        AttributeRules { collect, fields }
    }

    fn image(&self, section: Section<'_>) -> Option<ImageRules> {
        let each = self.path(&section, "each");
        let url = self.needed(&section, "url", Kind::Text);
        let alt = self.rule(&section, "alt", Kind::Text);
        let width = self.rule(&section, "width", Kind::Other);
        let height = self.rule(&section, "height", Kind::Other);
        section.finish();
        Some(ImageRules {
            each,
            url: url?,
            alt,
            width,
            height,
        })
    }

    fn variants(&self, section: Section<'_>) -> VariantRules {
        let text = |key| self.rule(&section, key, Kind::Text);
        let other = |key| self.rule(&section, key, Kind::Other);
        let amount = |key| self.rule(&section, key, Kind::Amount);
        let options = section
            .sections("options")
            .into_iter()
            .filter_map(|section| {
                let name = self.needed(&section, "name", Kind::Text);
                let value = self.needed(&section, "value", Kind::Text);
                section.finish();
                Some(OptionRules {
                    name: name?,
                    value: value?,
                })
            });
        let rules = VariantRules {
            each: self.path(&section, "each"),
            prefer_with: self.path(&section, "prefer_with"),
            sku: text("sku"),
            barcode: text("barcode"),
            mpn: text("mpn"),
            condition: other("condition"),
            currency: other("currency"),
            price: amount("price"),
            compare_at_price: amount("compare_at_price"),
            cost: amount("cost"),
            weight_g: self.rule(&section, "weight_g", Kind::Weight),
            requires_shipping: other("requires_shipping"),
            taxable: other("taxable"),
            tax_code: text("tax_code"),
            inventory_tracked: other("inventory_tracked"),
            inventory_policy: other("inventory_policy"),
            on_hand: other("on_hand"),
            reserved: other("reserved"),
            low_stock_at: other("low_stock_at"),
            image: text("image"),
            options: options.collect(),
        };
        section.finish();
        rules
    }

    fn relation(&self, section: Section<'_>) -> Option<RelationRules> {
        let each = self.path(&section, "each");
        let handle = self.needed(&section, "handle", Kind::Text);
        let kind = self.needed(&section, "kind", Kind::Text);
        section.finish();
        Some(RelationRules {
            each,
            handle: handle?,
            kind: kind?,
        })
    }

    fn review(&self, section: Section<'_>) -> Option<ReviewRules> {
        let each = self.path(&section, "each");
        let text = |key| self.rule(&section, key, Kind::Text);
        let (title, body, author) = (text("title"), text("body"), text("author"));
        let status = self.rule(&section, "status", Kind::Other);
        let created_at = self.rule(&section, "created_at", Kind::Other);
        let rating = self.needed(&section, "rating", Kind::Other);
        section.finish();
        Some(ReviewRules {
            each,
            rating: rating?,
            title,
            body,
            author,
            status,
            created_at,
        })
    }

    fn rating(&self, section: Section<'_>) -> Option<RatingRules> {
        let sum = self.rule(&section, "sum", Kind::Other);
        let average = self.rule(&section, "average", Kind::Other);
        if sum.is_some() == average.is_some() {
            section.mistake("", "needs `sum` or `average`, and not both");
        }
        let count = self.needed(&section, "count", Kind::Other);
        section.finish();
        Some(RatingRules {
            sum,
            average,
            count: count?,
        })
    }
}

/// The keys that lead to the list.
fn items_path(section: &Section<'_>, items: Option<&str>) -> Vec<String> {
    let Some(text) = items else { return Vec::new() };
    let path = KeyPath::parse(text).and_then(|path| {
        let key = |step| match step {
            Step::Key(key) => Ok(key),
            Step::Index(_) => Err("must be keys only, such as `data.items`".to_owned()),
        };
        path.0.into_iter().map(key).collect()
    });
    path.unwrap_or_else(|reason| {
        section.mistake("items", reason);
        Vec::new()
    })
}
