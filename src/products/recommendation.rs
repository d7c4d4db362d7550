//! Products that one who looks at a product may want to see.

/// Why a product is recommended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The product names it itself, as this kind: `accessory`, say.
    Relation(String),
    /// It is in the same category.
    Category,
    /// It shares a tag.
    Tag,
}

/// A product and why it is recommended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recommendation {
    /// The recommended product.
    pub product_id: i64,
    /// The first reason that holds, in the order of [`Reason`].
    pub reason: Reason,
}

/// Recommendations for a product on their way.
pub(super) struct Found {
    pub(super) of: i64,
    limit: usize,
    list: Vec<Recommendation>,
}

impl Found {
    /// Nothing yet, of at most `limit`.
    pub(super) fn new(of: i64, limit: usize) -> Self {
        Self {
            of,
            limit,
            list: Vec::new(),
        }
    }

    /// What was found, the most fitting first.
    pub(super) fn into_list(self) -> Vec<Recommendation> {
        self.list
    }

    /// True while there are fewer than are wanted.
    pub(super) fn wants_more(&self) -> bool {
        self.list.len() < self.limit
    }

    /// Rows that are enough whatever is among them already: all that was found, the product itself, and as
    /// many as are wanted.
    pub(super) fn enough(&self) -> i64 {
        i64::try_from(self.limit + self.list.len() + 1).unwrap_or(i64::MAX)
    }

    /// Takes a product, unless it is known or enough are.
    pub(super) fn add(&mut self, product_id: i64, reason: Reason) {
        let known = product_id == self.of || self.list.iter().any(|it| it.product_id == product_id);
        if !known && self.wants_more() {
            self.list.push(Recommendation { product_id, reason });
        }
    }
}
