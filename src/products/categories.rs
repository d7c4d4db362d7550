//! The tree of categories, with the number of public products in each.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::Serialize;
use tokio::runtime::Handle;
use tokio::sync::Mutex;

use super::store::CatalogStore;
use super::store_gate::StoreGate;
use crate::cache::LoadError;
use crate::limits::overload::context;

/// Between the levels of a path.
const LEVEL: &str = " > ";
/// How old a tree may be that is shown. Counting reads the index of all products.
const MAX_AGE: Duration = Duration::from_secs(2);

/// Who waited while one was refused is told the same for so long, and does not wait in turn.
const MAX_AGE_OF_A_REFUSAL: Duration = Duration::from_millis(250);

/// How long counting may take.
const LONGEST: Duration = Duration::from_secs(5);

/// JSON, or why there is none.
type Counted = Result<Bytes, LoadError>;

/// The newest tree, as JSON. Clones share it.
#[derive(Clone)]
pub(super) struct CategoryTree {
    store: Arc<dyn CatalogStore>,
    gate: StoreGate,
    background: Handle,
    /// Held while one caller counts for all.
    newest: Arc<Mutex<Option<(Instant, Counted)>>>,
}

impl CategoryTree {
    pub(super) fn new(store: Arc<dyn CatalogStore>, gate: StoreGate, background: Handle) -> Self {
        Self {
            store,
            gate,
            background,
            newest: Arc::default(),
        }
    }

    /// `{"items":[…]}`.
    pub(super) async fn json(&self) -> Counted {
        let mut newest = context::in_time(self.newest.lock()).await?;
        if let Some((counted, json)) = &*newest {
            let max_age = if json.is_ok() {
                MAX_AGE
            } else {
                MAX_AGE_OF_A_REFUSAL
            };
            if counted.elapsed() < max_age {
                return json.clone();
            }
        }
        let (store, gate) = (Arc::clone(&self.store), self.gate.clone());
        let counted = Instant::now();
        let count = async move {
            let counts = gate.ask_for(LONGEST, "categories", store.categories());
            Ok(Tree::new(counts.await?).json())
        };
        let count = context::scope(context::current(), count);
        let json = self.background.spawn(count).await;
        let json = json.unwrap_or_else(|error| Err(LoadError::Failed(error.to_string())));
        if matches!(json, Ok(_) | Err(LoadError::Refused(_))) {
            *newest = Some((counted, json.clone()));
        }
        json
    }
}

/// A level of the tree as it is put together.
#[derive(Default)]
struct Tree {
    count: u64,
    children: BTreeMap<String, Tree>,
}

/// A level of the tree as it is shown.
#[derive(Serialize)]
struct Category {
    name: String,
    path: String,
    count: u64,
    children: Vec<Category>,
}

impl Tree {
    fn new(paths: Vec<(String, u64)>) -> Self {
        let mut root = Self::default();
        for (path, count) in paths {
            let mut level = &mut root;
            for name in path.split(LEVEL) {
                level = level.children.entry(name.to_owned()).or_default();
                level.count += count;
            }
        }
        root
    }

    fn json(self) -> Bytes {
        let items = self.categories("");
        // Strings and numbers: this cannot fail.
        let json = serde_json::to_vec(&serde_json::json!({ "items": items })).unwrap_or_default();
        json.into()
    }

    /// What lies below, in order of the names.
    fn categories(self, above: &str) -> Vec<Category> {
        let category = |(name, tree): (String, Self)| {
            let path = format!("{above}{name}");
            Category {
                count: tree.count,
                children: tree.categories(&format!("{path}{LEVEL}")),
                path,
                name,
            }
        };
        self.children.into_iter().map(category).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn counts_hold_what_lies_below() {
        let paths = [
            ("Apparel > Socks", 4),
            ("Apparel > Tops", 1),
            ("Apparel > Tops > Tees", 3),
            ("Home", 2),
            ("Home - Garden", 1),
            ("Home > Lamps", 5),
        ];
        let paths = paths.map(|(path, count)| (path.to_owned(), count));
        let tree: Value = serde_json::from_slice(&Tree::new(paths.to_vec()).json()).unwrap();
        let category = |name: &str, path: &str, count: u64, children: Value| json!({"name": name, "path": path, "count": count, "children": children});
        let tees = category("Tees", "Apparel > Tops > Tees", 3, json!([]));
        let tops = category("Tops", "Apparel > Tops", 4, json!([tees]));
        let socks = category("Socks", "Apparel > Socks", 4, json!([]));
        let lamps = category("Lamps", "Home > Lamps", 5, json!([]));
        let expected = [
            category("Apparel", "Apparel", 8, json!([socks, tops])),
            category("Home", "Home", 7, json!([lamps])),
            category("Home - Garden", "Home - Garden", 1, json!([])),
        ];
        assert_eq!(tree, json!({ "items": expected }));
    }
}
