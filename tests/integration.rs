//! Tests of the whole program, in one binary.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod architecture;
mod cache;
mod command_line;
mod freshness;
mod harness;
mod logs;
mod products;
mod requests;
mod signals;
