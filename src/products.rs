//! The catalogue: what a product is, where it is kept, how it is read and how files become products.

pub mod attributes;
pub mod back_in_stock;
mod behind;
pub mod bulk;
pub mod catalog;
mod categories;
pub mod coding;
mod compressor;
mod conflicts;
pub mod cursor;
pub mod demo;
pub mod document;
pub mod edit;
pub mod export;
pub mod fields;
mod follow;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
pub mod import;
pub mod input;
pub mod json_ld;
mod json_text;
mod list_order;
pub mod listing;
pub mod loader;
pub mod merge_patch;
mod modified;
pub mod money;
mod names;
pub mod postgres;
mod put;
pub mod recommendation;
pub mod reviews;
pub mod search;
pub mod sqlite;
pub mod stock;
pub mod store;
pub mod store_gate;
mod surrogate_keys;
pub mod tables;
pub mod tail;
#[cfg(test)]
pub(crate) mod testing;
pub mod validate;
pub mod views;
pub mod webhooks;
mod weight;
