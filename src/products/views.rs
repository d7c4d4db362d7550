//! Answers that are more, or less, than the document of one product, as ready to be sent as that: bytes with a
//! fingerprint, compressed once. They come in two kinds.
//!
//! A *detail* is made of one version of a product (a part of its document, its JSON-LD, the document with what
//! hangs on it). It is good for exactly what it was made of, so it needs no lifetime: whoever reads it has just
//! read the product. A *page* (of a list, of reviews) is read from the store and lives for seconds.

mod body;
mod detail;
mod page;
mod page_loader;
mod shelves;
mod stock_loader;

pub use detail::{Detail, DetailKey, Form, Include};
pub(super) use detail::{Part, Source};
pub use page::{PageClass, PageKey, PageView};
pub(super) use page_loader::{Cursors, PageLoader, reviews_scope};
pub use shelves::Place;
pub(super) use shelves::Shelves;
pub(super) use stock_loader::StockLoader;
