//! Tests of the whole program, in one binary.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod architecture;
mod bulk;
mod cache;
mod command_line;
mod conditional;
mod connections;
mod cors;
mod description;
mod details;
mod documentation;
mod edge;
mod export;
mod freshness;
mod harness;
mod import_export;
mod limits;
mod lists;
mod logs;
mod methods;
mod negotiation;
mod outage;
mod pages;
mod paths;
mod processes;
mod products;
mod real_sets;
mod requests;
mod signals;
mod start_up;
mod tokens;
mod views;
mod write_once;
mod writes;
mod writes_refused;
