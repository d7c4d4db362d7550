//! Dropping what is kept because somebody says so.

use std::hash::Hash;

use super::ReadThrough;
#[cfg(doc)]
use crate::cache::l1::L1;
use crate::cache::l1::{Depth, Weigh};
use crate::cache::trace::Cause;

impl<K, V> ReadThrough<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Weigh + Send + Sync + 'static,
{
    /// Drops what is kept of keys, and what is just being loaded of any. Of each nothing below the version beside it is
    /// allowed from now on. Returns how many were there.
    pub fn purge(&self, keys: &[(K, u64)], depth: Depth) -> usize {
        let Some(l1) = &self.shared.l1 else { return 0 };
        l1.begin_purge();
        let mut dropped = 0;
        for (key, version) in keys {
            let now = self.shared.clock.now();
            dropped += usize::from(l1.purge(key, depth, now));
            self.invalidate(key, *version, Cause::Purge);
        }
        dropped
    }

    /// Drops every value that is meant; returns how many.
    pub fn purge_where(&self, depth: Depth, is_meant: impl Fn(&K, &V) -> bool) -> usize {
        let Some(l1) = &self.shared.l1 else { return 0 };
        l1.begin_purge();
        l1.purge_where(depth, self.shared.clock.now(), is_meant)
    }

    /// Drops everything: see [`L1::purge_everything`].
    pub fn purge_everything(&self, depth: Depth) {
        if let Some(l1) = &self.shared.l1 {
            l1.purge_everything(depth);
        }
    }
}
