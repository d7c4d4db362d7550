//! Sparse fieldsets: the part of a product document that names like `id,price.min,variants.sku` select.
//!
//! A name selects a member of the document, a dotted name a member within; a list is gone through, and the
//! rest of the name selects within each of its elements. What is selected keeps its place and its bytes. Where
//! a name goes on below `null`, the `null` stays; below any other value without parts nothing is selected.

mod known;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::json_text::{elements, members};
use known::Known;
pub use known::paths;

/// Most names of one request.
pub const MAX_NAMES: usize = 64;
/// Most parts of a name.
const MAX_DEPTH: usize = 8;
/// Similarity from which on a name is worth suggesting (Jaro-Winkler, 1 is equal).
const SIMILAR: f64 = 0.8;
/// Longest name that is compared with the known ones, in bytes. Comparing takes time by the length of both, or
/// worse, and a name much longer than any that is known is no slip of one.
const COMPARED: usize = 64;

/// A selection, in one spelling for each: sorted, and without what another name selects already.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fields(Arc<str>);

/// Why names select nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldsError {
    /// Two commas with nothing between, or a dot at an end.
    #[error("{0:?} has an empty name; write names with commas between, like id,title,price.min")]
    Empty(String),
    /// More than [`MAX_NAMES`].
    #[error("{0} names are more than {MAX_NAMES}; name fewer, or the object they are in")]
    TooMany(usize),
    /// More than `MAX_DEPTH` parts.
    #[error("{0:?} goes deeper than {MAX_DEPTH} levels; name the object it is in")]
    TooDeep(String),
    /// No product has it.
    #[error("{name:?} is not a field of a product; {mend}")]
    Unknown {
        /// As given.
        name: String,
        /// The nearest one that there is, or all.
        mend: String,
    },
}

impl Fields {
    /// Reads names with commas between.
    pub fn parse(text: &str) -> Result<Self, FieldsError> {
        let mut names: Vec<_> = text.split(',').collect();
        if names.len() > MAX_NAMES {
            return Err(FieldsError::TooMany(names.len()));
        }
        for name in &names {
            check(name, text)?;
        }
        names.sort_unstable_by(|one, other| one.split('.').cmp(other.split('.')));
        // What is within another one comes right after it.
        names.dedup_by(|next, kept| is_within(next, kept));
        Ok(Self(names.join(",").into()))
    }

    /// Bytes on the heap.
    pub(super) fn weight(&self) -> usize {
        self.0.len()
    }

    /// The part of a document that is selected; `None` where the document is no JSON object.
    pub fn select(&self, document: &str) -> Option<String> {
        let mut selection = Selection::default();
        for name in self.0.split(',') {
            selection.add(name);
        }
        let mut selected = String::new();
        selection.write(document.trim(), &mut selected)?;
        Some(selected)
    }
}

fn check(name: &str, all: &str) -> Result<(), FieldsError> {
    if name.split('.').any(str::is_empty) {
        return Err(FieldsError::Empty(all.to_owned()));
    }
    if name.split('.').count() > MAX_DEPTH {
        return Err(FieldsError::TooDeep(name.to_owned()));
    }
    let mut level = &Known::Object(known::DOCUMENT);
    for part in name.split('.') {
        let known = match level {
            Known::Anything => return Ok(()),
            Known::Object(members) => members.iter().find(|(known, _)| *known == part),
            Known::Value => None,
        };
        level = match known {
            Some((_, known)) => known,
            None => return Err(unknown(name)),
        };
    }
    Ok(())
}

/// Compares with whole paths, and a name without a dot with their ends as well: `sku` is meant to be
/// `variants.sku`.
fn unknown(name: &str) -> FieldsError {
    let meant = name.trim();
    let alike = |path: &String| {
        let end = path.rsplit('.').next().filter(|_| !meant.contains('.'));
        let ends = end.map_or(0.0, |end| strsim::jaro_winkler(meant, end));
        strsim::jaro_winkler(meant, path).max(ends)
    };
    let paths = known::paths();
    let nearest = paths
        .iter()
        .filter(|_| meant.len() <= COMPARED)
        .map(|path| (alike(path), path))
        .filter(|(similarity, _)| *similarity >= SIMILAR)
        // Of equal ones the first, which is the outermost.
        .rev()
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    let mend = if let Some((_, path)) = nearest {
        format!("did you mean {path}?")
    } else {
        let names = known::DOCUMENT.iter().map(|(name, _)| *name);
        format!("known are {}", names.collect::<Vec<_>>().join(", "))
    };
    FieldsError::Unknown {
        name: name.to_owned(),
        mend,
    }
}

/// Whether `name` is `outer` or a part of it.
fn is_within(name: &str, outer: &str) -> bool {
    let rest = name.strip_prefix(outer);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// What is selected within a value; all of it where nothing is named.
#[derive(Default)]
struct Selection<'f>(BTreeMap<&'f str, Selection<'f>>);

impl<'f> Selection<'f> {
    fn add(&mut self, name: &'f str) {
        let mut level = self;
        for part in name.split('.') {
            level = level.0.entry(part).or_default();
        }
    }

    fn is_all(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there is anything to select in a value.
    fn finds_something_in(&self, value: &str) -> bool {
        self.is_all() || value.starts_with(['{', '[']) || value == "null"
    }

    fn write(&self, value: &str, out: &mut String) -> Option<()> {
        if self.is_all() || value == "null" {
            out.push_str(value);
        } else if value.starts_with('[') {
            let found = elements(value)?;
            let found = found.iter().filter(|value| self.finds_something_in(value));
            out.push('[');
            for (index, value) in found.enumerate() {
                if index > 0 {
                    out.push(',');
                }
                self.write(value, out)?;
            }
            out.push(']');
        } else {
            out.push('{');
            let mut is_first = true;
            for member in members(value)? {
                let name = member.plain_name()?;
                let Some(within) = self.0.get(&*name) else {
                    continue;
                };
                if !within.finds_something_in(member.value) {
                    continue;
                }
                if !is_first {
                    out.push(',');
                }
                is_first = false;
                out.push_str(member.name);
                out.push(':');
                within.write(member.value, out)?;
            }
            out.push('}');
        }
        Some(())
    }
}

#[cfg(test)]
mod tests;
