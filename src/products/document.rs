//! A product document as L1 keeps it: the bytes that go out, and their fingerprint.

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_64;

use crate::cache::{PackedBytes, Weigh};

/// The finished JSON of a product. Clones share the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    body: PackedBytes,
    fingerprint: u64,
}

impl Document {
    /// Copies the bytes, once for as long as the document is kept.
    pub fn new(body: &[u8]) -> Self {
        Self {
            body: PackedBytes::new(body),
            fingerprint: xxh3_64(body),
        }
    }

    /// The bytes in order, not copied, in one part or two.
    pub fn into_parts(self) -> (Bytes, Option<Bytes>) {
        self.body.into_parts()
    }

    /// The bytes, copied.
    pub fn to_vec(&self) -> Vec<u8> {
        self.body.to_vec()
    }

    /// A hash of the bytes (XXH3, 64 bits), the same on every node. With the version it makes the entity
    /// tag: the version alone would not tell two catalogues apart that were filled anew.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }
}

impl Weigh for Document {
    fn weight(&self) -> usize {
        self.body.len()
    }
}
