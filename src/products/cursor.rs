//! Where a page ended, as a client carries it to the next: opaque, signed, and good for one list only.
//!
//! A cursor holds the sort keys of the last item, not its row, so it stays good when that item is changed
//! or removed.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// Bytes of the signature: HMAC-SHA-256, cut in half as RFC 2104 §5 allows.
const SIGNATURE: usize = 16;

/// One sort key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Key {
    /// A number.
    Integer(i64),
    /// Compared byte by byte.
    Text(String),
}

/// The sort keys of the last item of a page, the deciding one first.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Position(pub Vec<Key>);

/// A stretch of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// In order.
    pub items: Vec<T>,
    /// Where to go on; `None` at the end.
    pub next: Option<Position>,
}

/// Which stretch of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PageRequest {
    /// After this item; from the beginning where `None`.
    pub after: Option<Position>,
    /// Most items; at least 1.
    pub limit: usize,
}

/// What signs cursors. Every process on a catalogue has the same.
#[derive(Clone)]
pub struct CursorKey([u8; 32]);

impl CursorKey {
    /// A key from where it is kept.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A digest of a text that only who has the key can make, and nobody can read (HMAC-SHA-256).
    pub fn digest(&self, scope: &str, text: &str) -> [u8; 32] {
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            return [0; 32];
        };
        for part in [scope, "\n", text] {
            mac.update(part.as_bytes());
        }
        mac.finalize().into_bytes().into()
    }

    /// Writes a position in the list that `scope` describes.
    pub fn seal(&self, scope: &str, position: &Position) -> String {
        // Numbers and strings: this cannot fail, and an empty position would be refused when it comes back.
        let position = serde_json::to_vec(position).unwrap_or_default();
        let signature = self.signing(scope, &position).finalize().into_bytes();
        BASE64_URL_SAFE_NO_PAD.encode([&signature[..SIGNATURE], &position].concat())
    }

    /// Reads what [`CursorKey::seal`] wrote for the same `scope`; `None` for anything else. Takes the same
    /// time whatever is wrong with the signature.
    pub fn open(&self, scope: &str, cursor: &str) -> Option<Position> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (signature, position) = bytes.split_at_checked(SIGNATURE)?;
        let signing = self.signing(scope, position);
        signing.verify_truncated_left(signature).ok()?;
        serde_json::from_slice(position).ok()
    }

    fn signing(&self, scope: &str, position: &[u8]) -> Hmac<Sha256> {
        // RFC 2104 §2: a key shorter than the block is filled up with zeros.
        let mut block = [0; 64];
        block[..self.0.len()].copy_from_slice(&self.0);
        let mut signing = Hmac::<Sha256>::new(&block.into());
        // The length keeps the end of the one from passing for the beginning of the other.
        signing.update(&(scope.len() as u64).to_le_bytes());
        signing.update(scope.as_bytes());
        signing.update(position);
        signing
    }
}

impl fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CursorKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn position() -> impl Strategy<Value = Position> {
        let key = prop_oneof![
            any::<i64>().prop_map(Key::Integer),
            any::<String>().prop_map(Key::Text),
        ];
        vec(key, 1..4).prop_map(Position)
    }

    proptest! {
        #[test]
        fn only_what_was_sealed_is_opened(
            position in position(), scope: String, other: String, key: [u8; 32], flip: prop::sample::Index,
        ) {
            let key = CursorKey::new(key);
            let cursor = key.seal(&scope, &position);
            prop_assert!(cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
            prop_assert_eq!(key.open(&scope, &cursor), Some(position));
            if other != scope {
                prop_assert_eq!(key.open(&other, &cursor), None);
            }
            prop_assert_eq!(CursorKey::new([7; 32]).open(&scope, &cursor), None);
            let mut forged = cursor.into_bytes();
            let at = flip.index(forged.len());
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            prop_assert_eq!(key.open(&scope, &String::from_utf8(forged).unwrap()), None);
        }

        #[test]
        fn anything_may_come_as_a_cursor(text: String, scope: String) {
            prop_assert_eq!(CursorKey::new([7; 32]).open(&scope, &text), None);
        }
    }
}
