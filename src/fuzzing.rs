//! What has to hold for any bytes that come from outside, one function for each target of `fuzz/`. They panic
//! where it does not hold. `scripts/fuzz` lets a fuzzer choose the bytes; the tests here take the seeds in
//! `fuzz/corpus/` and what a few changes make of them, so that no target can rot.

pub use crate::http::fuzzing::{conditions, credentials, negotiation, query, write_body};
pub use crate::products::fuzzing::{
    cursor, import_google, import_jsonl, import_mapped, import_shopify, import_source,
};

#[cfg(test)]
mod tests;
