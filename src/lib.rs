//! Doorbuster serves a shop's product catalogue and stays up, fast and right through a spike.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod cache;
pub mod db;
pub mod commands;
pub mod config;
pub mod products;
pub mod telemetry;
