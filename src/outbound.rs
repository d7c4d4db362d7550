//! Requests that the program makes itself: to receivers of webhooks, to caches in front, to where an import comes from. Knows
//! nothing of products.

mod address;
mod client;
pub mod signature_v4;

pub use client::{Client, ClientError, Reach};
