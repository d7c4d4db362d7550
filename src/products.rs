//! The catalogue: what a product is, where it is kept, how it is read and how files become products.

pub mod catalog;
mod categories;
pub mod coding;
mod compressor;
pub mod cursor;
pub mod demo;
pub mod document;
pub mod export;
pub mod import;
pub mod input;
pub mod listing;
pub mod money;
pub mod search;
pub mod sqlite;
pub mod store;
#[cfg(test)]
pub(crate) mod testing;
pub mod validate;
