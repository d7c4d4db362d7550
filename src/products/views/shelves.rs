//! Where what is sent is kept, so that a compressed body can be put beside it.

use std::sync::Arc;

use bytes::Bytes;

use super::detail::{Detail, DetailKey};
use super::page::{PageKey, PageView};
use crate::cache::{Derived, ReadThrough};
use crate::products::coding::Coding;
use crate::products::document::Document;

/// Where something that is sent is kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
    /// The document of a product.
    Product(i64),
    /// A detail that was made of this source.
    Detail(DetailKey, u64),
    /// A page.
    Page(PageKey),
}

/// Everything that is kept. Clones share it.
#[derive(Clone)]
pub(in crate::products) struct Shelves {
    pub(in crate::products) documents: ReadThrough<i64, Document>,
    /// `None` where none is kept.
    pub(in crate::products) details: Option<Arc<Derived<DetailKey, Detail>>>,
    pub(in crate::products) pages: ReadThrough<PageKey, PageView>,
}

impl Shelves {
    /// Whether anything is kept there.
    pub(in crate::products) fn keeps(&self, place: &Place) -> bool {
        match place {
            Place::Product(_) => self.documents.is_cached(),
            Place::Detail(..) => self.details.is_some(),
            Place::Page(_) => self.pages.is_cached(),
        }
    }

    /// What is kept there.
    pub(in crate::products) fn peek(&self, place: &Place) -> Option<Document> {
        match place {
            Place::Product(id) => self.documents.peek(id),
            Place::Detail(key, source) => {
                let detail = self.details.as_ref()?.peek(key, *source)?;
                Some(detail.document)
            }
            Place::Page(key) => Some(self.pages.peek(key)?.document),
        }
    }

    /// Puts a compressed body beside the document that it is the body of, if that is still there.
    pub(in crate::products) fn put(
        &self,
        place: &Place,
        document: &Document,
        coding: Coding,
        body: &Bytes,
    ) {
        let with_body = |kept: &Document| {
            let is_same = kept.is_same(document);
            is_same.then(|| kept.with_compressed(coding, body.clone()))
        };
        match place {
            Place::Product(id) => self.documents.amend(id, with_body),
            Place::Detail(key, source) => {
                if let Some(details) = &self.details {
                    details.amend(key, *source, |kept| {
                        Some(kept.with_document(with_body(&kept.document)?))
                    });
                }
            }
            Place::Page(key) => self.pages.amend(key, |kept| {
                Some(kept.with_document(with_body(&kept.document)?))
            }),
        }
    }
}
