//! What tells the items of a group apart.

use std::collections::{HashMap, HashSet};

use indexmap::IndexSet;

use super::super::RecordError;
use super::item::Item;
use super::titles;
use crate::products::input::ProductOption;
use crate::products::validate::MAX_OPTIONS;

/// Attributes that can become options, with the names shown.
const CANDIDATES: &[(&str, &str)] = &[
    ("color", "Color"),
    ("size", "Size"),
    ("material", "Material"),
    ("pattern", "Pattern"),
];

/// The options of a product, and what each item has of them.
pub(super) struct Variation {
    /// Names of the attributes that are options.
    names: Vec<&'static str>,
    pub(super) options: Vec<ProductOption>,
    /// The values of each item, in the order of `options`.
    pub(super) values: Vec<Vec<String>>,
}

impl Variation {
    /// Whether an attribute is an option, and so no attribute of the product.
    pub(super) fn contains(&self, name: &str) -> bool {
        self.names.contains(&name)
    }

    /// Finds in which of the candidates the items differ. Each item must have a value in all of them,
    /// and no two the same.
    pub(super) fn of(items: &[Item]) -> Result<Self, RecordError> {
        let mut found = Self {
            names: Vec::new(),
            options: Vec::new(),
            values: vec![Vec::new(); items.len()],
        };
        for (name, shown) in CANDIDATES {
            let texts = items
                .iter()
                .map(|item| Ok(item.text(name)?.map_or("", |text| text.value)))
                .collect::<Result<Vec<_>, RecordError>>()?;
            if texts.windows(2).all(|pair| pair[0] == pair[1]) {
                continue;
            }
            let mut values = IndexSet::new();
            for ((item, text), chosen) in items.iter().zip(&texts).zip(&mut found.values) {
                if text.is_empty() {
                    return Err(RecordError::new(
                        item.place,
                        *name,
                        "",
                        "missing, though the items of its group differ in it; fill it in all of them",
                    ));
                }
                values.insert((*text).to_owned());
                chosen.push((*text).to_owned());
            }
            found.names.push(name);
            found.options.push(ProductOption {
                name: (*shown).to_owned(),
                values: values.into_iter().collect(),
            });
        }
        found.add_titles(items)?;
        found.check(items)?;
        Ok(found)
    }

    /// Where the candidates do not tell all items apart, their titles have to: what follows the words that
    /// all begin with becomes an option.
    fn add_titles(&mut self, items: &[Item]) -> Result<(), RecordError> {
        let combinations: HashSet<&Vec<String>> = self.values.iter().collect();
        if combinations.len() == items.len() || self.names.len() == MAX_OPTIONS {
            return Ok(());
        }
        let mut titles = Vec::with_capacity(items.len());
        for item in items {
            titles.push(item.text("title")?.map_or("", |title| title.value));
        }
        let shared = titles::shared(&titles).len();
        let rests = titles.iter().map(|title| titles::rest(&title[shared..]));
        let rests: Vec<&str> = rests.collect();
        let told: HashSet<(&&str, &Vec<String>)> = rests.iter().zip(&self.values).collect();
        if shared == 0 || told.len() < items.len() || rests.contains(&"") {
            return Ok(());
        }
        let values: IndexSet<&str> = rests.iter().copied().collect();
        self.options.push(ProductOption {
            name: "Variant".to_owned(),
            values: values.into_iter().map(str::to_owned).collect(),
        });
        for (chosen, rest) in self.values.iter_mut().zip(rests) {
            chosen.push(rest.to_owned());
        }
        Ok(())
    }

    fn check(&self, items: &[Item]) -> Result<(), RecordError> {
        if let (Some(first), true) = (items.first(), self.names.len() > MAX_OPTIONS) {
            return Err(RecordError::new(
                first.place,
                "item_group_id",
                "",
                format_args!(
                    "the items of the group differ in {}; a product can have {MAX_OPTIONS} options",
                    self.names.join(", ")
                ),
            ));
        }
        let mut combinations = HashMap::new();
        for (item, values) in items.iter().zip(&self.values) {
            if let Some(line) = combinations.insert(values, item.place.line) {
                return Err(RecordError::new(
                    item.place,
                    "item_group_id",
                    "",
                    format_args!(
                        "same color, size, material, pattern and title as the item of its group on line \
                         {line}; items of a group must differ in one of them"
                    ),
                ));
            }
        }
        Ok(())
    }
}
