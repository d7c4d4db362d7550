//! Many products at once: what a line says, and what became of it.

use std::collections::HashSet;

use super::edit::whole;
use super::import::json_values::{JsonText, parse};
use super::import::key_path::KeyPath;
use super::import::{MAX_RECORD_BYTES, Place, SHOWN, shortened};
use super::input::ProductInput;
use super::store::{PutError, StoreError, UnresolvedRelation};
use super::validate::{Invalid, validate};

/// What a write did to a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutStatus {
    /// There was none with this handle.
    Created,
    /// It has a new version.
    Updated,
    /// It has the version it had.
    Unchanged,
}

/// A product that was written, or found to be so already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutProduct {
    /// The product.
    pub id: i64,
    /// Its version now.
    pub version: u64,
    /// What the write did.
    pub status: PutStatus,
    /// Its relations to products that are not there, which were left out.
    pub unresolved: Vec<UnresolvedRelation>,
}

/// What became of each product of a batch, in order: written, or why not.
pub type PutOutcomes = Vec<Result<PutProduct, Invalid>>;

/// Reads one line of JSON Lines, as an import does: what is not said is kept. Tells everything that is wrong
/// with it.
pub fn read_line(line: &[u8]) -> Result<ProductInput, Vec<Invalid>> {
    let line_alone = |reason: String| {
        vec![Invalid {
            pointer: String::new(),
            value: String::new(),
            reason,
        }]
    };
    if line.len() > MAX_RECORD_BYTES {
        return Err(line_alone(too_long(line.len())));
    }
    let text = std::str::from_utf8(line).map_err(|error| {
        line_alone(format!(
            "not UTF-8 from byte {} on",
            error.valid_up_to() + 1
        ))
    })?;
    if text.trim().is_empty() {
        return Err(line_alone("the line is blank; leave it out".to_owned()));
    }
    let place = Place { line: 1, column: 1 };
    let value = parse(JsonText { place, text })
        .map_err(|error| line_alone(format!("column {}: {}", error.place.column, error.reason)))?;
    let (product, unreadable) = whole::read(value);
    let wrong = whole::all(unreadable, validate(&product));
    if wrong.is_empty() {
        Ok(product)
    } else {
        Err(wrong)
    }
}

/// What to say of a line of more bytes than are read.
pub fn too_long(bytes: usize) -> String {
    format!("the line has {bytes} bytes; the limit is {MAX_RECORD_BYTES} for one product")
}

/// What a client is told of a product that the catalogue as it stands forbids.
pub(super) fn conflict(error: PutError) -> Result<Invalid, StoreError> {
    match error {
        PutError::Conflict {
            field,
            value,
            reason,
        } => Ok(Invalid {
            pointer: pointer(&field),
            value: shortened(&value, SHOWN),
            reason,
        }),
        PutError::Store(error) => Err(error),
    }
}

/// `variants[2].sku` as a JSON pointer.
fn pointer(field: &str) -> String {
    KeyPath::parse(field).map_or_else(|_| format!("/{field}"), |path| path.pointer())
}

/// How many of the first products have handles of their own. One that comes again is another version, which
/// takes a settlement between the two.
pub(super) fn distinct<'a>(products: impl IntoIterator<Item = &'a ProductInput>) -> usize {
    let mut handles = HashSet::new();
    let products = products.into_iter();
    let own = products.take_while(|product| handles.insert(product.handle.as_str()));
    own.count()
}

/// What was put a moment ago has to be there.
pub(super) fn vanished(handle: &str) -> StoreError {
    StoreError::new(format!("product {handle:?} was put and is not there"))
}
