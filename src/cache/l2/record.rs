//! A key's record in the second tier: what it holds, of which version, since when and how long.
//!
//! ```text
//! 0     1       2     3  4        12         20          28        36
//! 0xDB  FORMAT  kind  0  version  stored_at  expires_at  checksum  body …
//! ```
//!
//! Numbers are big-endian, times in milliseconds of the Unix clock, the checksum is XXH3 (64 bits) over all the
//! rest. Scripts read format, kind, version and expiry; `lua/record.lua` has to fit.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::cache::clock::Millis;
use crate::cache::l1::Absence;

/// Raised with every change of what is written here. It is part of the keys, too, so that programs of two formats
/// that run side by side leave each other's records alone.
pub(super) const FORMAT: u8 = 1;
const MARK: u8 = 0xDB;
const CHECKSUM: usize = 28;
pub(super) const HEADER: usize = 36;

/// What a record says of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content<'b> {
    /// There is a value.
    Value(&'b [u8]),
    /// There is known to be none.
    Absent(Absence),
    /// No version below the record's may be kept; what there is has to be loaded.
    Fence,
}

/// One record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record<'b> {
    pub(super) content: Content<'b>,
    pub(super) version: u64,
    /// When it was read from the store.
    pub(super) stored_at: Millis,
    /// From when on it is not believed any more, though it still is a fence.
    pub(super) expires_at: Millis,
}

impl<'b> Record<'b> {
    /// The kind of a fence.
    pub(super) const FENCE: u8 = 4;

    /// What the beginning of a record says its kind is, whether or not the rest is whole.
    pub(super) fn kind_of(beginning: &[u8]) -> Option<u8> {
        let header = beginning.get(..HEADER)?;
        (header[..2] == [MARK, FORMAT]).then_some(header[2])
    }

    /// The same of its version.
    pub(super) fn version_of(beginning: &[u8]) -> Option<u64> {
        Self::kind_of(beginning)?;
        let version = beginning.get(4..12)?.try_into().ok()?;
        Some(u64::from_be_bytes(version))
    }

    pub(super) fn to_bytes(self) -> Vec<u8> {
        let (kind, body): (u8, &[u8]) = match self.content {
            Content::Value(body) => (1, body),
            Content::Absent(Absence::Unknown) => (2, &[]),
            Content::Absent(Absence::Removed) => (3, &[]),
            Content::Fence => (Self::FENCE, &[]),
        };
        let mut bytes = Vec::with_capacity(HEADER + body.len());
        bytes.extend([MARK, FORMAT, kind, 0]);
        bytes.extend(self.version.to_be_bytes());
        bytes.extend(self.stored_at.to_be_bytes());
        bytes.extend(self.expires_at.to_be_bytes());
        bytes.extend(checksum(&bytes, body).to_be_bytes());
        bytes.extend(body);
        bytes
    }

    /// `None` for what this format never wrote.
    pub(super) fn from_bytes(bytes: &'b [u8]) -> Option<Self> {
        let (header, body) = bytes.split_at_checked(HEADER)?;
        let (said, sum) = header.split_at_checked(CHECKSUM)?;
        if said[..2] != [MARK, FORMAT] || sum != checksum(said, body).to_be_bytes() {
            return None;
        }
        let number = |at: usize| {
            let bytes = said.get(at..at + 8)?.try_into().ok()?;
            Some(u64::from_be_bytes(bytes))
        };
        let content = match (said[2], body) {
            (1, body) => Content::Value(body),
            (2, []) => Content::Absent(Absence::Unknown),
            (3, []) => Content::Absent(Absence::Removed),
            (Self::FENCE, []) => Content::Fence,
            _ => return None,
        };
        Some(Self {
            content,
            version: number(4)?,
            stored_at: number(12)?,
            expires_at: number(20)?,
        })
    }
}

fn checksum(said: &[u8], body: &[u8]) -> u64 {
    xxh3_64_with_seed(body, xxh3_64(said))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(content: Content<'_>) -> Record<'_> {
        Record {
            content,
            version: 7,
            stored_at: 1_000,
            expires_at: 2_000,
        }
    }

    fn contents(body: &[u8]) -> [Content<'_>; 4] {
        [
            Content::Value(body),
            Content::Absent(Absence::Unknown),
            Content::Absent(Absence::Removed),
            Content::Fence,
        ]
    }

    #[test]
    fn the_format_is_the_documented_one() {
        let bytes = record(Content::Value(b"lamp")).to_bytes();
        let mut expected = vec![0xDB, 1, 1, 0];
        expected.extend([0, 0, 0, 0, 0, 0, 0, 7]);
        expected.extend([0, 0, 0, 0, 0, 0, 0x03, 0xE8]);
        expected.extend([0, 0, 0, 0, 0, 0, 0x07, 0xD0]);
        expected.extend([0x27, 0x44, 0xCE, 0xA8, 0x6F, 0x21, 0x93, 0x34]);
        expected.extend(b"lamp");
        assert_eq!(bytes, expected);
    }

    #[test]
    fn another_format_is_not_read() {
        let mut bytes = record(Content::Value(b"lamp")).to_bytes();
        bytes[1] += 1;
        let (said, sum) = bytes.split_at_mut(CHECKSUM);
        // Complete in itself, so that nothing but the format speaks against it.
        sum[..8].copy_from_slice(&checksum(said, b"lamp").to_be_bytes());
        assert_eq!(Record::from_bytes(&bytes), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            body in prop::collection::vec(any::<u8>(), 0..200),
            version: u64, stored_at: u64, expires_at: u64,
        ) {
            for content in contents(&body) {
                let record = Record { content, version, stored_at, expires_at };
                let bytes = record.to_bytes();
                prop_assert_eq!(Record::from_bytes(&bytes), Some(record));
            }
        }

        #[test]
        fn what_anybody_else_wrote_is_not(garbage in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(Record::from_bytes(&garbage), None);
        }

        #[test]
        fn a_damaged_record_is_not_read(
            body in prop::collection::vec(any::<u8>(), 0..60), at: prop::sample::Index, bit in 0..8_u8,
        ) {
            for content in contents(&body) {
                let whole = record(content).to_bytes();
                let mut flipped = whole.clone();
                let at = at.index(whole.len());
                flipped[at] ^= 1 << bit;
                prop_assert_eq!(Record::from_bytes(&flipped), None, "byte {}", at);
                prop_assert_eq!(Record::from_bytes(&whole[..at]), None, "cut at {}", at);
            }
        }
    }
}
