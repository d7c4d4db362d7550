//! Tests of the whole program, in one binary.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod architecture;
mod cache;
mod command_line;
mod details;
mod edge;
mod freshness;
mod harness;
mod import_export;
mod lists;
mod logs;
mod negotiation;
mod outage;
mod processes;
mod products;
mod real_sets;
mod requests;
mod signals;
mod start_up;
mod storefront;
