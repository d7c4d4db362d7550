//! Bytes that are kept for long and in great number, in allocations that waste little.
//!
//! A size-class allocator has four sizes for each power of two, so a block of 2,100 bytes takes 2,560, and
//! what its pages cannot hold of such blocks is lost, too. Over many documents that is an eighth of the
//! memory. Cut in two, the first part fills its class exactly and only the rest, which is small, is rounded
//! up. The figures below are mimalloc's; with another allocator the bytes are the same, only the waste
//! differs.

use std::sync::Arc;

use bytes::Bytes;

/// Each allocation begins with two reference counts.
const HEADER: usize = 2 * size_of::<usize>();
/// Memory a cut has to save to be worth a second allocation, and a second part to send.
const WORTH: usize = 64;
/// Blocks up to [`SMALL`] lie in pages of this size.
const SMALL_PAGE: usize = 64 * 1024;
const SMALL: usize = 8 * 1024;
/// Larger ones in pages of this size, up to an eighth of it; the largest have pages of their own.
const MEDIUM_PAGE: usize = 512 * 1024;
const MEDIUM: usize = MEDIUM_PAGE / 8;

/// Immutable bytes in one or two allocations. Clones share them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedBytes {
    head: Arc<[u8]>,
    tail: Option<Arc<[u8]>>,
}

impl PackedBytes {
    /// Copies the bytes once.
    pub fn new(bytes: &[u8]) -> Self {
        let (head, tail) = bytes.split_at(cut(bytes.len()));
        Self {
            head: Arc::from(head),
            tail: (!tail.is_empty()).then(|| Arc::from(tail)),
        }
    }

    /// Number of bytes.
    pub fn len(&self) -> usize {
        self.head.len() + self.tail.as_ref().map_or(0, |tail| tail.len())
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes in order, not copied, in one part or two.
    pub fn into_parts(self) -> (Bytes, Option<Bytes>) {
        (
            Bytes::from_owner(self.head),
            self.tail.map(Bytes::from_owner),
        )
    }

    /// The bytes in order, in one part or two.
    pub fn parts(&self) -> (&[u8], Option<&[u8]>) {
        (&self.head, self.tail.as_deref())
    }

    /// The bytes in order, copied.
    pub fn to_vec(&self) -> Vec<u8> {
        [&*self.head, self.tail.as_deref().unwrap_or_default()].concat()
    }
}

/// Where to cut `length` bytes.
fn cut(length: usize) -> usize {
    let head = full_block(length + HEADER).saturating_sub(HEADER);
    let in_two = footprint(head) + footprint(length - head);
    if in_two + WORTH < footprint(length) {
        head
    } else {
        length
    }
}

/// The memory that `length` bytes take with their header: a block of their class, and its share of what
/// the page cannot hold.
fn footprint(length: usize) -> usize {
    let class = class_for(length + HEADER);
    let page = if class <= SMALL {
        SMALL_PAGE
    } else if class <= MEDIUM {
        MEDIUM_PAGE
    } else {
        class
    };
    page / (page / class)
}

/// The class whose blocks hold `size` bytes.
fn class_for(size: usize) -> usize {
    let class = size.next_multiple_of(spacing(size));
    if size <= usable(class) {
        class
    } else {
        class + spacing(class)
    }
}

/// The largest size up to `size` that fills a block.
fn full_block(size: usize) -> usize {
    let class = size - size % spacing(size);
    usable(class)
}

/// The distance between neighbouring size classes around `size`.
fn spacing(size: usize) -> usize {
    let power = size.max(4).ilog2();
    1 << (power - 2)
}

/// What a block of a class holds: one word less than its size, except for powers of two. Measured, with
/// mimalloc 3.
fn usable(class: usize) -> usize {
    if class.is_power_of_two() {
        class
    } else {
        class.saturating_sub(size_of::<usize>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn classes_are_quarters_of_powers_of_two() {
        assert_eq!((full_block(2_100), class_for(2_100)), (2_048, 2_560));
        assert_eq!((full_block(2_048), class_for(2_048)), (2_048, 2_048));
        assert_eq!((full_block(1_700), class_for(1_700)), (1_528, 1_792));
        assert_eq!((class_for(2_552), class_for(2_560)), (2_560, 3_072));
    }

    #[test]
    fn what_fills_its_class_is_not_cut() {
        assert_eq!(cut(2_048 - HEADER), 2_048 - HEADER);
        assert_eq!(cut(2_100), 2_048 - HEADER);
        assert_eq!(cut(0), 0);
        assert_eq!(cut(100), 100);
    }

    proptest! {
        #[test]
        fn parts_are_the_bytes(bytes in prop::collection::vec(any::<u8>(), 0..10_000)) {
            let packed = PackedBytes::new(&bytes);
            prop_assert_eq!(packed.len(), bytes.len());
            prop_assert_eq!(&packed.to_vec(), &bytes);
            let (head, tail) = packed.into_parts();
            prop_assert_eq!([head, tail.unwrap_or_default()].concat(), bytes);
        }

        #[test]
        fn a_cut_never_takes_more_than_none(length in 0_usize..1_000_000) {
            let head = cut(length);
            prop_assert!(head <= length);
            if head < length {
                let parts = footprint(head) + footprint(length - head);
                prop_assert!(parts + WORTH < footprint(length));
            }
        }
    }
}
