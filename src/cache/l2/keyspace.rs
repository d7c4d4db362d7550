//! Names in Redis.

use super::L2Key;
use super::record::FORMAT;
use super::scripts::Slot;

/// All names begin alike, so that Redis can be shared, and with the format of the records: what programs of another
/// format keep is theirs.
#[derive(Debug, Clone)]
pub(super) struct Keyspace {
    beginning: String,
}

impl Keyspace {
    pub(super) fn new(prefix: &str) -> Self {
        Self {
            beginning: format!("{prefix}{FORMAT}:"),
        }
    }

    /// The braces have Redis Cluster keep both in one hash slot.
    pub(super) fn slot(&self, key: &impl L2Key) -> Slot {
        let record = format!("{}{{{}}}", self.beginning, key.to_text());
        Slot {
            lease: format!("{record}:lease").into_bytes(),
            record: record.into_bytes(),
        }
    }

    pub(super) fn channel(&self) -> String {
        format!("{}invalidated", self.beginning)
    }

    /// How far the journal was delivered.
    pub(super) fn mark(&self) -> String {
        format!("{}mark", self.beginning)
    }

    /// A pattern (as of `SCAN`) that matches every key of ours, and no other.
    pub(super) fn pattern(&self) -> Vec<u8> {
        let mut pattern = Vec::new();
        for byte in self.beginning.bytes() {
            if b"*?[]\\^".contains(&byte) {
                pattern.push(b'\\');
            }
            pattern.push(byte);
        }
        pattern.push(b'*');
        pattern
    }
}

/// What is published of an invalidation.
pub(super) fn message(key: &impl L2Key, version: u64) -> String {
    format!("{version} {}", key.to_text())
}

/// Reads such a message; `None` for any other.
pub(super) fn read_message<K: L2Key>(message: &[u8]) -> Option<(K, u64)> {
    let (version, key) = std::str::from_utf8(message).ok()?.split_once(' ')?;
    Some((K::from_text(key)?, version.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_a_key_share_its_hash_slot() {
        let slot = Keyspace::new("shop:").slot(&-42_i64);
        assert_eq!(slot.record, b"shop:1:{-42}");
        assert_eq!(slot.lease, b"shop:1:{-42}:lease");
    }

    #[test]
    fn a_prefix_is_taken_literally() {
        assert_eq!(Keyspace::new("a*[b]?").pattern(), b"a\\*\\[b\\]\\?1:*");
    }

    #[test]
    fn a_message_is_read_as_it_was_written() {
        assert_eq!(
            read_message(message(&7_i64, 9).as_bytes()),
            Some((7_i64, 9))
        );
        for other in ["", "9", "9 ", "x 7", "9 7 ", "9 seven", "-9 7", "\u{fffd}"] {
            assert_eq!(read_message::<i64>(other.as_bytes()), None, "{other:?}");
        }
        assert_eq!(read_message::<i64>(&[0xff, b' ', b'7']), None);
    }
}
