//! Details: what is made of one version of one product.

use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3Default;

use super::body::{array_of, with_members};
use super::page::PageView;
use crate::cache::Weigh;
use crate::products::document::Document;
use crate::products::fields::Fields;
use crate::products::json_ld;

/// What is to be seen of a product.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Form {
    /// The document.
    Json {
        /// Members of the document; all where `None`.
        fields: Option<Fields>,
        /// Put at the end of it, whole, whatever the fields.
        include: Include,
    },
    /// The terms of schema.org.
    JsonLd,
}

/// What hangs on a product and is sent with it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Include {
    /// The first page of its reviews.
    pub reviews: bool,
    /// Products that go with it.
    pub recommendations: bool,
}

/// A product, and what is to be seen of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DetailKey {
    /// The product.
    pub product_id: i64,
    /// The form.
    pub form: Arc<Form>,
}

/// A detail as it is sent. Clones share the bytes.
#[derive(Debug, Clone)]
pub struct Detail {
    /// The JSON.
    pub document: Document,
    key_weight: usize,
}

/// What a detail is made of.
pub(in crate::products) struct Source {
    pub(in crate::products) product: Document,
    pub(in crate::products) reviews: Part,
    pub(in crate::products) recommendations: Part,
    /// What it has to do without, by name.
    pub(in crate::products) degraded: Vec<&'static str>,
}

/// Something that hangs on a product.
pub(in crate::products) enum Part {
    /// Not to be seen.
    NotAsked,
    /// To be seen, but not there for now.
    Missing,
    /// To be seen.
    There(PageView),
}

impl Part {
    fn fingerprint(&self) -> u64 {
        match self {
            Self::NotAsked => 0,
            Self::Missing => 1,
            Self::There(page) => page.document.fingerprint(),
        }
    }

    fn json(&self) -> Option<Vec<u8>> {
        match self {
            Self::NotAsked => None,
            Self::Missing => Some(b"null".to_vec()),
            Self::There(page) => Some(page.document.to_vec()),
        }
    }
}

/// A document that is not as the settlement builds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the document is not one that this program builds")]
pub(in crate::products) struct NotOurs;

impl Source {
    /// A hash of all of it.
    pub(in crate::products) fn fingerprint(&self) -> u64 {
        let parts = [&self.reviews, &self.recommendations];
        if parts.iter().all(|part| matches!(part, Part::NotAsked)) {
            return self.product.fingerprint();
        }
        let mut hasher = Xxh3Default::new();
        hasher.update(&self.product.fingerprint().to_le_bytes());
        for part in parts {
            hasher.update(&part.fingerprint().to_le_bytes());
        }
        for name in &self.degraded {
            hasher.update(name.as_bytes());
        }
        hasher.digest()
    }

    /// Makes the detail.
    pub(in crate::products) fn detail(&self, form: &Form) -> Result<Detail, NotOurs> {
        let body = match form {
            Form::JsonLd => {
                let document = self.text().ok_or(NotOurs)?;
                let json_ld = json_ld::from_document(&document).map_err(|_| NotOurs)?;
                json_ld.into_bytes()
            }
            Form::Json { fields, .. } => self.json(fields.as_ref()).ok_or(NotOurs)?,
        };
        Ok(Detail {
            document: Document::new(&body).with_keys_of(&self.product),
            key_weight: form.weight(),
        })
    }

    fn json(&self, fields: Option<&Fields>) -> Option<Vec<u8>> {
        let selected = match fields {
            Some(fields) => fields.select(&self.text()?)?.into_bytes(),
            None => self.product.to_vec(),
        };
        let (reviews, recommendations) = (self.reviews.json(), self.recommendations.json());
        let degraded = serde_json::to_vec(&self.degraded).ok()?;
        let mut more = Vec::new();
        if let Some(reviews) = &reviews {
            more.push(("reviews", &**reviews));
        }
        if let Some(recommendations) = &recommendations {
            let items = match self.recommendations {
                Part::There(_) => array_of(recommendations)?,
                Part::NotAsked | Part::Missing => recommendations,
            };
            more.push(("recommendations", items));
        }
        if !self.degraded.is_empty() {
            more.push(("degraded", &*degraded));
        }
        with_members(&selected, &more)
    }

    fn text(&self) -> Option<String> {
        String::from_utf8(self.product.to_vec()).ok()
    }
}

impl Form {
    /// What hangs on the product and is part of it.
    pub(in crate::products) fn include(&self) -> Include {
        match self {
            Self::Json { include, .. } => *include,
            Self::JsonLd => Include::default(),
        }
    }

    /// Bytes on the heap.
    fn weight(&self) -> usize {
        let fields = match self {
            Self::Json { fields, .. } => fields.as_ref().map_or(0, Fields::weight),
            Self::JsonLd => 0,
        };
        size_of::<Self>() + fields
    }
}

impl Detail {
    pub(super) fn with_document(&self, document: Document) -> Self {
        Self {
            document,
            ..self.clone()
        }
    }
}

impl Weigh for Detail {
    fn weight(&self) -> usize {
        self.document.weight() + self.key_weight
    }
}

#[cfg(test)]
mod tests {
    use super::super::page::PageKey;
    use super::*;

    fn page(body: &[u8]) -> PageView {
        PageView::new(&PageKey::Stock { product_id: 1 }, 0, body, None)
    }

    fn source() -> Source {
        Source {
            product: Document::new(b"{\"id\":1,\"title\":\"Lamp\"}"),
            reviews: Part::There(page(b"{\"items\":[],\"next\":null}")),
            recommendations: Part::There(page(b"{\"items\":[{\"id\":2}]}")),
            degraded: Vec::new(),
        }
    }

    fn made(source: &Source, fields: Option<&str>) -> String {
        let form = Form::Json {
            fields: fields.map(|text| Fields::parse(text).unwrap()),
            include: Include::default(),
        };
        let detail = source.detail(&form).unwrap();
        String::from_utf8(detail.document.to_vec()).unwrap()
    }

    #[test]
    fn fields_select_within_the_document_and_what_is_included_is_whole() {
        let source = source();
        let included = "\"reviews\":{\"items\":[],\"next\":null},\"recommendations\":[{\"id\":2}]}";
        for (fields, own) in [
            (None, "{\"id\":1,\"title\":\"Lamp\","),
            (Some("title"), "{\"title\":\"Lamp\","),
            (Some("vendor"), "{"),
        ] {
            assert_eq!(made(&source, fields), format!("{own}{included}"));
        }
    }

    #[test]
    fn what_is_missing_is_null_and_told() {
        let source = Source {
            reviews: Part::Missing,
            recommendations: Part::Missing,
            degraded: vec!["include"],
            ..source()
        };
        assert_eq!(
            made(&source, Some("id")),
            "{\"id\":1,\"reviews\":null,\"recommendations\":null,\"degraded\":[\"include\"]}"
        );
    }

    #[test]
    fn every_part_tells_in_the_fingerprint() {
        let other = || Part::There(page(b"{\"items\":[{\"id\":3}]}"));
        let of = |change: fn(&mut Source, Part)| {
            let mut source = source();
            change(&mut source, other());
            source.fingerprint()
        };
        let all = [
            of(|_, _| {}),
            of(|source, _| source.product = Document::new(b"{}")),
            of(|source, other| source.reviews = other),
            of(|source, other| source.recommendations = other),
            of(|source, _| source.reviews = Part::NotAsked),
            of(|source, _| source.reviews = Part::Missing),
            of(|source, _| source.recommendations = Part::NotAsked),
            of(|source, _| source.recommendations = Part::Missing),
            of(|source, _| source.degraded = vec!["reviews"]),
            of(|source, _| std::mem::swap(&mut source.reviews, &mut source.recommendations)),
        ];
        let distinct: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }
}
