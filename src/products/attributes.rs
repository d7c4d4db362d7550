//! The free-form part of a product.

use std::ops::Deref;
use std::sync::OnceLock;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// Anything a product says by a name of its own. Its JSON is made once, by whoever asks first: an import does that
/// while another thread writes.
#[derive(Debug, Clone, Default)]
pub struct Attributes {
    by_name: Map<String, Value>,
    json: OnceLock<String>,
}

impl Attributes {
    /// As the stores keep them: a compact JSON object.
    pub fn json(&self) -> &str {
        // Names are strings: this cannot fail.
        self.json
            .get_or_init(|| serde_json::to_string(&self.by_name).unwrap_or_default())
    }
}

impl From<Map<String, Value>> for Attributes {
    fn from(by_name: Map<String, Value>) -> Self {
        Self {
            by_name,
            json: OnceLock::new(),
        }
    }
}

impl From<Attributes> for Value {
    fn from(attributes: Attributes) -> Self {
        Self::Object(attributes.by_name)
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.by_name.serialize(serializer)
    }
}

impl Deref for Attributes {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.by_name
    }
}

impl PartialEq for Attributes {
    fn eq(&self, other: &Self) -> bool {
        self.by_name == other.by_name
    }
}
