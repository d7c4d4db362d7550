//! Names in Redis.

use super::L2Key;
use super::record::FORMAT;
use super::scripts::Slot;
use crate::cache::l1::Depth;

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

    /// The slot that a record of this name belongs to; `None` for every other name.
    pub(super) fn slot_of(&self, name: &[u8]) -> Option<Slot> {
        let inner = name.strip_prefix(self.beginning.as_bytes())?;
        let is_record = inner.starts_with(b"{") && inner.ends_with(b"}");
        is_record.then(|| Slot {
            record: name.to_vec(),
            lease: [name, b":lease"].concat(),
        })
    }

    pub(super) fn channel(&self) -> String {
        format!("{}invalidated", self.beginning)
    }

    /// A name to try things with.
    pub(super) fn scratch(&self) -> String {
        format!("{}examined", self.beginning)
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

/// What nodes tell each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Message<K> {
    /// Nothing below this version is allowed any more.
    Invalidated(K, u64),
    /// Something was purged by a node.
    Purged {
        what: Purged<K>,
        depth: Depth,
        node: u64,
    },
    /// Something else has changed that all nodes have to look at: what, in a word.
    Note(String),
}

/// What is to be dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purged<K> {
    /// A key. Nothing below this version of it is allowed any more.
    Key(K, u64),
    /// Every value that bears this tag. The tag is one word.
    Tag(String),
    /// All.
    Everything,
}

impl<K: L2Key> Message<K> {
    pub(super) fn to_text(&self) -> String {
        match self {
            Self::Invalidated(key, version) => format!("{version} {}", key.to_text()),
            Self::Purged { what, depth, node } => {
                let depth = match depth {
                    Depth::Soft => "soft",
                    Depth::Hard => "hard",
                };
                let what = match what {
                    Purged::Key(key, version) => format!("key {version} {}", key.to_text()),
                    Purged::Tag(tag) => format!("tag {tag}"),
                    Purged::Everything => "all".to_owned(),
                };
                format!("purge {node:016x} {depth} {what}")
            }
            Self::Note(note) => format!("note {note}"),
        }
    }

    /// Reads such a text; `None` for any other. What was said before purges were known had the form of today.
    pub(super) fn from_bytes(message: &[u8]) -> Option<Self> {
        let (first, rest) = std::str::from_utf8(message).ok()?.split_once(' ')?;
        if first == "note" {
            return Some(Self::Note(rest.to_owned()));
        }
        if first != "purge" {
            return Some(Self::Invalidated(K::from_text(rest)?, first.parse().ok()?));
        }
        let mut words = rest.splitn(4, ' ');
        let node = u64::from_str_radix(words.next()?, 16).ok()?;
        let depth = match words.next()? {
            "soft" => Depth::Soft,
            "hard" => Depth::Hard,
            _ => return None,
        };
        let what = match (words.next()?, words.next()) {
            ("all", None) => Purged::Everything,
            ("tag", Some(tag)) if !tag.contains(' ') => Purged::Tag(tag.to_owned()),
            ("key", Some(key)) => {
                let (version, key) = key.split_once(' ')?;
                Purged::Key(K::from_text(key)?, version.parse().ok()?)
            }
            _ => return None,
        };
        Some(Self::Purged { what, depth, node })
    }
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
        let purged = |what, depth| Message::Purged {
            what,
            depth,
            node: 0xABC,
        };
        for message in [
            Message::Invalidated(7_i64, 9),
            Message::Note("flags".to_owned()),
            purged(Purged::Key(7, 9), Depth::Soft),
            purged(Purged::Tag("vendor-acme".to_owned()), Depth::Hard),
            purged(Purged::Everything, Depth::Soft),
        ] {
            let text = message.to_text();
            assert_eq!(Message::from_bytes(text.as_bytes()), Some(message));
        }
        for other in [
            "",
            "9",
            "9 ",
            "x 7",
            "9 7 ",
            "9 seven",
            "-9 7",
            "purge",
            "purge 1 soft",
            "purge x soft all",
            "purge 1 very all",
            "purge 1 soft all 7",
            "purge 1 soft key 7",
            "purge 1 soft tag a b",
            "\u{fffd}",
        ] {
            let read = Message::<i64>::from_bytes(other.as_bytes());
            assert_eq!(read, None, "{other:?}");
        }
        assert_eq!(Message::<i64>::from_bytes(&[0xff, b' ', b'7']), None);
    }

    #[test]
    fn records_are_told_from_other_names() {
        let keyspace = Keyspace::new("shop:");
        let slot = keyspace.slot(&7_i64);
        assert_eq!(keyspace.slot_of(&slot.record), Some(slot.clone()));
        for other in [&slot.lease[..], b"shop:1:mark", b"shop:2:{7}", b"{7}", b""] {
            assert_eq!(keyspace.slot_of(other), None);
        }
    }
}
