//! A product document as L1 keeps it: the bytes that go out, in every coding built so far, and their
//! fingerprint.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_64;

use super::coding::{Bodies, Coding};
pub use super::modified::Seconds;
use super::modified::last_modified;
use super::names;
use super::surrogate_keys::{kept_keys, make_keys};
use crate::cache::{PackedBytes, Weigh};

/// The finished JSON of a product. Clones share the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    body: PackedBytes,
    fingerprint: u64,
    last_modified: Option<Seconds>,
    /// Kept apart, or to be made anew.
    keys: Option<&'static str>,
    /// Costs a document without any no more than the pointer.
    compressed: Option<Arc<Bodies>>,
}

impl Document {
    /// Copies the bytes, once for as long as the document is kept.
    pub fn new(body: &[u8]) -> Self {
        Self {
            body: PackedBytes::new(body),
            fingerprint: xxh3_64(body),
            last_modified: last_modified(body, SystemTime::now()),
            keys: Some(""),
            compressed: None,
        }
    }

    /// The same of a whole product, which is known by its surrogate keys, too.
    pub fn of_product(body: &[u8]) -> Self {
        Self {
            keys: kept_keys(body),
            ..Self::new(body)
        }
    }

    /// Number of bytes, uncompressed.
    pub fn len(&self) -> usize {
        self.body.len()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.body.is_empty()
    }

    /// The bytes in order, not copied, in one part or two.
    pub fn into_parts(self) -> (Bytes, Option<Bytes>) {
        self.body.into_parts()
    }

    /// The bytes, copied.
    pub fn to_vec(&self) -> Vec<u8> {
        self.body.to_vec()
    }

    /// Whether these bytes stand in it.
    pub(super) fn contains(&self, sought: &[u8]) -> bool {
        let (head, tail) = self.body.parts();
        names::contains(head, tail, sought)
    }

    /// The compressed body, not copied, where it has been built.
    pub fn compressed(&self, coding: Coding) -> Option<&Bytes> {
        self.compressed.as_ref()?.get(coding)
    }

    /// The same document with a compressed body, which has to be that of its bytes.
    pub(super) fn with_compressed(&self, coding: Coding, body: Bytes) -> Self {
        let mut bodies = self.compressed.as_deref().cloned().unwrap_or_default();
        bodies.set(coding, body);
        Self {
            compressed: Some(Arc::new(bodies)),
            ..self.clone()
        }
    }

    /// The same document, to be dropped by caches in front together with the product that it was made of.
    pub(super) fn with_keys_of(self, product: &Self) -> Self {
        Self {
            keys: product.keys,
            ..self
        }
    }

    /// What else a cache in front can drop the product by: its vendor and its categories, each with a space before
    /// it. Empty where it has none.
    pub fn surrogate_keys(&self) -> Cow<'static, str> {
        match self.keys {
            Some(keys) => Cow::Borrowed(keys),
            None => Cow::Owned(make_keys(&self.to_vec())),
        }
    }

    /// Whether a cache in front would drop the product by this key.
    pub fn bears(&self, key: &str) -> bool {
        self.surrogate_keys().split(' ').any(|known| known == key)
    }

    /// True where both are the same bytes, whatever has been built of them.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint && self.body == other.body
    }

    /// A hash of the bytes (XXH3, 64 bits), the same on every node. With the version it makes the entity
    /// tag: the version alone would not tell two catalogues apart that were filled anew.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// The second in which the product last changed. `None` where that second was not over yet when the document
    /// was read: a second change may have come within it.
    pub fn last_modified(&self) -> Option<Seconds> {
        self.last_modified
    }
}

impl Weigh for Document {
    fn weight(&self) -> usize {
        let compressed = self.compressed.as_ref();
        self.body.len() + compressed.map_or(0, |bodies| bodies.weight())
    }

    /// A refresh that finds the same bytes keeps what was built of them.
    fn inherit(&mut self, kept: &Self) {
        if self.compressed.is_none() && self.is_same(kept) {
            self.compressed.clone_from(&kept.compressed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_built_is_inherited_by_the_same_bytes_alone() {
        let kept = Document::new(b"lamp").with_compressed(Coding::Gzip, Bytes::from_static(b"L"));
        let mut same = Document::new(b"lamp");
        same.inherit(&kept);
        assert_eq!(same, kept);
        let mut other = Document::new(b"chair");
        other.inherit(&kept);
        assert_eq!(other, Document::new(b"chair"));
    }

    #[test]
    fn every_body_is_weighed() {
        let plain = Document::new(b"lamp");
        assert_eq!(plain.weight(), 4);
        let one = plain.with_compressed(Coding::Gzip, Bytes::from_static(b"0123456789"));
        let two = one.with_compressed(Coding::Brotli, Bytes::from_static(b"01234"));
        assert!(one.weight() >= plain.weight() + 10);
        assert!(two.weight() >= one.weight() + 5);
        assert_eq!(two.compressed(Coding::Gzip).unwrap(), "0123456789");
        assert_eq!(two.compressed(Coding::Brotli).unwrap(), "01234");
        assert_eq!(two.compressed(Coding::Zstd), None);
    }

    #[test]
    fn without_a_compressed_body_it_grows_by_a_pointer() {
        let without = size_of::<PackedBytes>()
            + size_of::<u64>()
            + size_of::<Option<Seconds>>()
            + size_of::<Option<&str>>();
        let without = without.next_multiple_of(align_of::<Document>());
        assert_eq!(size_of::<Document>(), without + size_of::<usize>());
    }
}
