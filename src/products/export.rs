//! Writing the catalogue to files, in the formats that `import` reads.

pub mod google;
pub mod jsonl;
pub mod page;
pub mod shopify;

use std::io;

use super::input::ProductInput;

/// Writes one format. Call [`Exporter::product`] for each product, then [`Exporter::finish`].
///
/// Products come complete: every field that has a value is `Some`.
pub trait Exporter {
    /// Writes one product.
    fn product(&mut self, product: &ProductInput) -> io::Result<()>;

    /// Writes what closes the file and flushes.
    fn finish(&mut self) -> io::Result<()>;
}
