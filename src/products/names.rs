//! Which product a handle or a sku names, remembered.
//!
//! What is remembered is a hint: names move from one product to another, and nobody is told. It is believed where
//! the product's document, which is told of every change, bears the name; else the store is asked. So a name that is
//! asked often costs the store nothing, and is never older than the product it leads to.

use memchr::memmem;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::document::Document;

/// What remembering a name takes beside its bytes: two pointers, an id, and the places in the cache's tables.
const OVERHEAD: u64 = 96;
/// What a name typically weighs, which sizes the queue that remembers recently evicted ones.
const TYPICAL: u64 = 120;

/// What kind of name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Handle,
    Sku,
}

#[derive(Debug, Clone)]
struct ByBytes;

impl Weighter<Box<str>, i64> for ByBytes {
    fn weight(&self, name: &Box<str>, _id: &i64) -> u64 {
        name.len() as u64 + OVERHEAD
    }
}

type Known = Cache<Box<str>, i64, ByBytes>;

/// The products that were found by name lately, within a budget.
#[derive(Debug)]
pub(super) struct Names {
    handles: Known,
    skus: Known,
}

impl Names {
    /// None yet. `bytes` is for both kinds together.
    pub(super) fn new(bytes: u64) -> Self {
        let half = bytes / 2;
        let items = usize::try_from(half / TYPICAL).unwrap_or(usize::MAX);
        let known = || Cache::with_weighter(items, half, ByBytes);
        Self {
            handles: known(),
            skus: known(),
        }
    }

    fn of(&self, kind: Kind) -> &Known {
        match kind {
            Kind::Handle => &self.handles,
            Kind::Sku => &self.skus,
        }
    }

    /// The product that bore the name when it was last asked for.
    pub(super) fn hint(&self, kind: Kind, name: &str) -> Option<i64> {
        self.of(kind).get(name)
    }

    /// Remembers what the store said.
    pub(super) fn remember(&self, kind: Kind, name: &str, id: i64) {
        // Others may not stand in a document as they stand here.
        if name
            .chars()
            .all(|letter| !letter.is_control() && !r#""\"#.contains(letter))
        {
            self.of(kind).insert(name.into(), id);
        }
    }

    /// Forgets a hint that was wrong.
    pub(super) fn forget(&self, kind: Kind, name: &str) {
        self.of(kind).remove(name);
    }
}

/// Whether the document of a product bears a name. It has its members in a fixed order, and a quote within a text has
/// a backslash before it, so nothing else is taken for one.
pub(super) fn bears(document: &Document, kind: Kind, name: &str) -> bool {
    match kind {
        Kind::Handle => document.contains(format!(",\"handle\":\"{name}\",\"title\":").as_bytes()),
        Kind::Sku => document.contains(format!(",\"sku\":\"{name}\",\"barcode\":").as_bytes()),
    }
}

/// Whether these bytes stand in a document that is kept in two parts.
pub(super) fn contains(head: &[u8], tail: Option<&[u8]>, sought: &[u8]) -> bool {
    let Some(tail) = tail else {
        return memmem::find(head, sought).is_some();
    };
    // What is cut in two begins in the last bytes of the one part and ends in the first of the other.
    let reach = sought.len().saturating_sub(1);
    let from = head.len().saturating_sub(reach);
    let seam = [&head[from..], &tail[..reach.min(tail.len())]].concat();
    [head, &seam, tail]
        .iter()
        .any(|part| memmem::find(part, sought).is_some())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LAMP: &str = r#"{"id":7,"handle":"lamp","title":"a \",\"handle\":\"chair\",\"title\":\" b","options":[],"variants":[{"id":1,"sku":"LAMP-1","barcode":null},{"id":2,"sku":"LAMP-2","barcode":"1"}],"attributes":{"sku":"X-1","handle":"desk"}}"#;

    #[test]
    fn a_document_bears_its_own_names_alone() {
        let document = Document::new(LAMP.as_bytes());
        for (kind, name, expected) in [
            (Kind::Handle, "lamp", true),
            (Kind::Handle, "lam", false),
            (Kind::Handle, "LAMP-1", false),
            (Kind::Handle, "chair", false),
            (Kind::Handle, "desk", false),
            (Kind::Sku, "LAMP-1", true),
            (Kind::Sku, "LAMP-2", true),
            (Kind::Sku, "lamp-2", false),
            (Kind::Sku, "X-1", false),
        ] {
            assert_eq!(bears(&document, kind, name), expected, "{kind:?} {name}");
        }
    }

    #[test]
    fn kinds_are_apart_and_what_needs_escapes_is_not_remembered() {
        let names = Names::new(100_000);
        names.remember(Kind::Handle, "lamp", 7);
        assert_eq!(names.hint(Kind::Handle, "lamp"), Some(7));
        assert_eq!(names.hint(Kind::Sku, "lamp"), None);
        names.forget(Kind::Handle, "lamp");
        assert_eq!(names.hint(Kind::Handle, "lamp"), None);
        for name in ["a\"b", "a\\b", "a\nb"] {
            names.remember(Kind::Sku, name, 1);
            assert_eq!(names.hint(Kind::Sku, name), None);
        }
    }

    #[test]
    fn a_scan_of_names_stays_within_the_budget() {
        let names = Names::new(100_000);
        for id in 0..10_000 {
            names.remember(Kind::Sku, &format!("sku-{id:05}"), id);
        }
        let kept =
            (0..10_000).filter(|id| names.hint(Kind::Sku, &format!("sku-{id:05}")).is_some());
        let kept = kept.count();
        assert!((300..=50_000 / 96).contains(&kept), "{kept}");
    }

    proptest! {
        #[test]
        fn a_cut_hides_nothing(text in "[ab]{0,40}", sought in "[ab]{1,6}", cut in 0..41_usize) {
            let (head, tail) = text.split_at(cut.min(text.len()));
            prop_assert_eq!(
                contains(head.as_bytes(), Some(tail.as_bytes()), sought.as_bytes()),
                text.contains(&sought)
            );
        }
    }
}
