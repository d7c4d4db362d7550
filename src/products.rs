//! The catalogue: what a product is, where it is kept, how it is read and how files become products.

pub mod bulk;
pub mod catalog;
pub mod coding;
mod compressor;
pub mod cursor;
pub mod demo;
pub mod document;
pub mod edit;
pub mod export;
pub mod import;
pub mod input;
pub mod listing;
pub mod merge_patch;
pub mod money;
pub mod sqlite;
pub mod stock;
pub mod store;
#[cfg(test)]
pub(crate) mod testing;
pub mod validate;
mod weight;
