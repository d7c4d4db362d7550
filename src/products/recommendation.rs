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
