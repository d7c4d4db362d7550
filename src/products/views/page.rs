//! Pages: what is read from the store for a request and kept for seconds.

use std::sync::Arc;

use crate::cache::{Clock, Lifetime, Millis, SystemClock, Weigh};
use crate::products::cursor::{Key, PageRequest};
use crate::products::document::Document;
use crate::products::listing::Listing;

/// What is asked for, defaults filled in, so that one request in two spellings is one page.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PageKey {
    /// A page of products.
    List {
        /// Filters and order.
        listing: Arc<Listing>,
        /// Which stretch.
        page: PageRequest,
    },
    /// A page of the published reviews of a product.
    Reviews {
        /// The product.
        product_id: i64,
        /// Which stretch.
        page: PageRequest,
    },
    /// Products that go with a product.
    Recommendations {
        /// The product.
        product_id: i64,
        /// Most items.
        limit: usize,
    },
    /// The exact stock of a product.
    Stock {
        /// The product.
        product_id: i64,
    },
}

/// How old a page may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageClass {
    /// At most 5 s.
    List,
    /// At most 2 s.
    Stock,
}

impl PageClass {
    /// Milliseconds for which a page is served without asking, and then while it is read anew. Their sum is the
    /// promise.
    fn windows(self) -> (Millis, Millis) {
        match self {
            Self::List => (3_000, 2_000),
            Self::Stock => (1_000, 1_000),
        }
    }
}

impl PageKey {
    /// How old the page may be.
    pub fn class(&self) -> PageClass {
        match self {
            Self::Stock { .. } => PageClass::Stock,
            Self::List { .. } | Self::Reviews { .. } | Self::Recommendations { .. } => {
                PageClass::List
            }
        }
    }

    /// The product that the page hangs on.
    pub fn product_id(&self) -> Option<i64> {
        match self {
            Self::List { .. } => None,
            Self::Reviews { product_id, .. }
            | Self::Recommendations { product_id, .. }
            | Self::Stock { product_id } => Some(*product_id),
        }
    }

    /// Bytes on the heap, about: a client decides how long its filters are.
    fn weight(&self) -> usize {
        let stretch = |page: &PageRequest| {
            let keys = page.after.iter().flat_map(|position| &position.0);
            let text = |key: &Key| match key {
                Key::Integer(_) => 0,
                Key::Text(text) => text.len(),
            };
            keys.map(|key| size_of::<Key>() + text(key)).sum::<usize>()
        };
        match self {
            Self::List { listing, page } => listing.weight() + stretch(page),
            Self::Reviews { page, .. } => stretch(page),
            Self::Recommendations { .. } | Self::Stock { .. } => 0,
        }
    }
}

/// A page as it is sent. Clones share the bytes.
#[derive(Debug, Clone)]
pub struct PageView {
    /// The JSON.
    pub document: Document,
    /// Cursor of the next page; `None` at the end.
    pub next: Option<Arc<str>>,
    lifetime: Lifetime,
    key_weight: usize,
}

impl PageView {
    /// A page that was read from the store at `since` or later.
    pub(in crate::products) fn new(
        key: &PageKey,
        since: Millis,
        body: &[u8],
        next: Option<Arc<str>>,
    ) -> Self {
        let (fresh, stale) = key.class().windows();
        Self {
            document: Document::new(body),
            next,
            lifetime: Lifetime {
                since,
                fresh,
                stale,
            },
            key_weight: key.weight(),
        }
    }

    /// Milliseconds since it was read.
    pub fn age(&self) -> Millis {
        SystemClock.now().saturating_sub(self.lifetime.since)
    }

    pub(super) fn with_document(&self, document: Document) -> Self {
        Self {
            document,
            ..self.clone()
        }
    }
}

impl Weigh for PageView {
    fn weight(&self) -> usize {
        let next = self.next.as_ref().map_or(0, |next| next.len());
        self.document.weight() + next + self.key_weight
    }

    /// A page read anew that says the same keeps what was compressed of it.
    fn inherit(&mut self, kept: &Self) {
        self.document.inherit(&kept.document);
    }

    fn lifetime(&self) -> Option<Lifetime> {
        Some(self.lifetime)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promises_are_kept() {
        let sum = |class: PageClass| class.windows().0 + class.windows().1;
        assert_eq!(sum(PageClass::List), 5_000);
        assert_eq!(sum(PageClass::Stock), 2_000);
    }

    #[test]
    fn a_page_is_weighed_with_what_its_client_asked() {
        let key = |vendor: usize, tag: usize| PageKey::List {
            listing: Arc::new(Listing {
                vendor: Some("v".repeat(vendor)),
                tags: vec![vec!["t".repeat(tag)]],
                ..Listing::default()
            }),
            page: PageRequest {
                after: None,
                limit: 20,
            },
        };
        let weight = |key: &PageKey| PageView::new(key, 0, b"{}", None).weight();
        assert_eq!(weight(&key(1_000, 500)) - weight(&key(0, 0)), 1_500);
    }
}
