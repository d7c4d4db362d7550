//! A product document as L1 keeps it: the bytes that go out, and their fingerprint.

use std::sync::Arc;

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_64;

use crate::cache::Weigh;

/// The finished JSON of a product. Clones share the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    body: Arc<[u8]>,
    fingerprint: u64,
}

impl Document {
    /// Takes the bytes as they are; they lie in one allocation with their reference count.
    pub fn new(body: Arc<[u8]>) -> Self {
        Self {
            fingerprint: xxh3_64(&body),
            body,
        }
    }

    /// The bytes, shared.
    pub fn bytes(&self) -> Bytes {
        Bytes::from_owner(Arc::clone(&self.body))
    }

    /// A hash of the bytes (XXH3, 64 bits), the same on every node. With the version it makes the entity tag:
    /// the version alone would not tell two catalogues apart that were filled anew.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }
}

impl Weigh for Document {
    fn weight(&self) -> usize {
        self.body.len()
    }
}
