//! `[edge]`: caches in front.

use std::sync::Arc;

use serde_json::Value;

use super::file::RawValue;
use super::reader::{Reader, Section};
use crate::products::edge_purge::{self, Edge};

/// In place of a list, for none.
const NONE: &str = "none";

/// Caches in front.
#[derive(Debug, Clone)]
pub struct EdgeConfig {
    /// Those that are told of each product that changed.
    pub purge: Vec<Arc<dyn Edge>>,
}

impl EdgeConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut section = reader.section("edge");
        Self {
            purge: section.edges(
                "purge",
                "caches in front that drop each product that changed, as tables with kind (varnish, nginx, fastly, \
                 cloudfront) and url, or as JSON",
            ),
        }
    }
}

impl Section<'_, '_> {
    /// Reads caches; none unless something is said.
    fn edges(&mut self, key: &'static str, help: &'static str) -> Vec<Arc<dyn Edge>> {
        let show = |edges: &Vec<Arc<dyn Edge>>| match edges.as_slice() {
            [] => NONE.to_owned(),
            edges => edge_purge::show(edges),
        };
        // There are secrets in it.
        self.setting(key, Vec::new(), help, read, show, |_| "***".to_owned())
    }
}

type Edges = Vec<Arc<dyn Edge>>;

fn read(raw: RawValue) -> Result<Edges, (Option<String>, String)> {
    let document = match raw {
        RawValue::Scalar(text) if text == NONE => return Ok(Vec::new()),
        RawValue::Scalar(text) => serde_json::from_str(&text).map_err(|error| {
            let reason = format!("neither none nor JSON: {error}; write [{{\"kind\":…}}]");
            (Some(text), reason)
        })?,
        RawValue::List(items) => Value::from(items),
        RawValue::Nested(document) => document,
    };
    edge_purge::read(&document).map_err(|reason| (None, reason))
}
