//! An export a page at a time, for readers who may take their time: nothing is held open between two pages.

use crate::products::input::{ProductInput, Status};
use crate::products::listing::Listing;

/// Which products are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExportFilter {
    /// Those of this status; any where `None`.
    pub status: Option<Status>,
    /// Those that pass its filters, public or not. Its order does not matter: an export goes by id.
    pub listing: Listing,
}

/// A stretch of an export.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportPage {
    /// Complete, in order of id. May be empty although there is a next page.
    pub products: Vec<ProductInput>,
    /// The id to go on after; `None` where there are no more products.
    pub next: Option<i64>,
}
