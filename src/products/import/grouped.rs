//! Joins consecutive rows or items of a file into products.

use super::seen::Seen;
use super::{MAX_RECORD_BYTES, Place, Record, RecordError, RecordResult};
use crate::products::input::ProductInput;
use crate::products::validate::{MAX_IMAGES, MAX_VARIANTS};

/// Most parts of one product: each adds a variant or an image.
const MAX_PARTS: usize = MAX_VARIANTS + MAX_IMAGES;

/// One row or item, and the product it belongs to.
pub(super) struct Part<T> {
    /// Which product.
    pub(super) belongs: Belongs,
    /// Where it begins.
    pub(super) place: Place,
    /// Memory it takes while its product is incomplete.
    pub(super) bytes: usize,
    /// What it says, or why it was refused. One refused part refuses the product: without it the product
    /// would lose a variant.
    pub(super) content: Result<T, RecordError>,
}

/// How a part names its product.
pub(super) enum Belongs {
    /// Joins the current product if it has this key, else begins one.
    To(String),
    /// Begins a product even if the current one has the same key.
    Starts(String),
    /// Continues the current product.
    ToPrevious,
    /// Begins a product that does not say its key: its `content` is the error.
    Nameless,
}

/// Makes a product of all its parts.
pub(super) trait Assemble {
    /// Row or item.
    type Part;

    /// Makes the product; the first fault found refuses it.
    fn assemble(&mut self, parts: Vec<Self::Part>) -> Result<ProductInput, RecordError>;

    /// Says that the key of a part was used before, by the product that begins on line `first`.
    fn repeated(&self, key: &str, place: Place, first: u64) -> RecordError;
}

/// Yields one product, or one error, for each run of parts with the same key. A key that comes back
/// after another is an error, since by then its product has been handed on. Ends after a fatal error.
pub(super) struct Grouped<I, A: Assemble> {
    parts: I,
    assemble: A,
    seen: Seen,
    current: Option<Group<A::Part>>,
    ended: bool,
}

struct Group<T> {
    key: Option<String>,
    place: Place,
    bytes: usize,
    parts: Result<Vec<T>, RecordError>,
}

impl<I, A> Grouped<I, A>
where
    I: Iterator<Item = Result<Part<A::Part>, RecordError>>,
    A: Assemble,
{
    /// Groups `parts`; an error among them is fatal.
    pub(super) fn new(parts: I, assemble: A) -> Self {
        Self {
            parts,
            assemble,
            seen: Seen::default(),
            current: None,
            ended: false,
        }
    }

    fn begin(&mut self, key: Option<String>, place: Place) -> Group<A::Part> {
        let first = key
            .as_deref()
            .and_then(|key| Some((key, self.seen.insert(key, place.line)?)));
        let parts = match first {
            Some((key, first)) => Err(self.assemble.repeated(key, place, first)),
            None => Ok(Vec::new()),
        };
        Group {
            key,
            place,
            bytes: 0,
            parts,
        }
    }

    fn complete(&mut self, group: Group<A::Part>) -> RecordResult {
        let product = self.assemble.assemble(group.parts?)?;
        Ok(Record {
            place: group.place,
            product,
        })
    }

    /// Adds `part`; returns the product before it if that is now complete.
    fn add(&mut self, part: Part<A::Part>) -> Option<RecordResult> {
        let begins = match (part.belongs, &self.current) {
            (Belongs::To(key), Some(group)) if group.key.as_ref() == Some(&key) => None,
            (Belongs::To(key) | Belongs::Starts(key), _) => Some(Some(key)),
            (Belongs::Nameless, _) => Some(None),
            (Belongs::ToPrevious, Some(_)) => None,
            (Belongs::ToPrevious, None) => {
                let error = part.content.err().unwrap_or_else(|| {
                    RecordError::new(
                        part.place,
                        "",
                        "",
                        "continues a product, but none came before",
                    )
                });
                return Some(Err(error));
            }
        };
        let mut complete = None;
        if let Some(key) = begins {
            let group = self.begin(key, part.place);
            complete = self
                .current
                .replace(group)
                .map(|previous| self.complete(previous));
        }
        if let Some(group) = &mut self.current {
            group.push(part.place, part.bytes, part.content);
        }
        complete
    }
}

impl<T> Group<T> {
    fn push(&mut self, place: Place, bytes: usize, content: Result<T, RecordError>) {
        let Ok(parts) = &mut self.parts else { return };
        self.bytes += bytes;
        match content {
            Ok(_) if self.bytes > MAX_RECORD_BYTES => {
                self.parts = Err(RecordError::new(
                    place,
                    "",
                    self.key.as_deref().unwrap_or(""),
                    format!("the product takes more than {MAX_RECORD_BYTES} bytes"),
                ));
            }
            Ok(_) if parts.len() == MAX_PARTS => {
                self.parts = Err(RecordError::new(
                    place,
                    "",
                    self.key.as_deref().unwrap_or(""),
                    format!(
                        "the product has more than {MAX_PARTS} rows or items; at most {MAX_VARIANTS} \
                         variants and {MAX_IMAGES} images are read"
                    ),
                ));
            }
            Ok(content) => parts.push(content),
            Err(error) => self.parts = Err(error),
        }
    }
}

impl<I, A> Iterator for Grouped<I, A>
where
    I: Iterator<Item = Result<Part<A::Part>, RecordError>>,
    A: Assemble,
{
    type Item = RecordResult;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            match self.parts.next() {
                Some(Ok(part)) => {
                    if let Some(result) = self.add(part) {
                        return Some(result);
                    }
                }
                // The product under way may lack its last parts: it is not handed on.
                Some(Err(fatal)) => {
                    self.ended = true;
                    return Some(Err(fatal));
                }
                None => {
                    self.ended = true;
                    let last = self.current.take()?;
                    return Some(self.complete(last));
                }
            }
        }
        None
    }
}
