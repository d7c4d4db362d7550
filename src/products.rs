//! The catalogue: what a product is, where it is kept, how it is read and how files become products.

pub mod demo;
pub mod export;
pub mod import;
pub mod input;
pub mod money;
