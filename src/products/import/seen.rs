//! Names already met in a file, in little memory.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use xxhash_rust::xxh3::xxh3_128;

/// Remembers the line of each name by a 128-bit hash: about 50 bytes a name however long it is, and a
/// chance of 10⁻²⁶ that two of a million names are taken for one.
#[derive(Debug, Default)]
pub(super) struct Seen(HashMap<u128, u64>);

impl Seen {
    /// Notes `name`. Returns the line where it was first met, if it was.
    pub(super) fn insert(&mut self, name: &str, line: u64) -> Option<u64> {
        match self.0.entry(xxh3_128(name.as_bytes())) {
            Entry::Occupied(first) => Some(*first.get()),
            Entry::Vacant(entry) => {
                entry.insert(line);
                None
            }
        }
    }
}
