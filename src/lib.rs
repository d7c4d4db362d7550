//! Doorbuster serves a shop's product catalogue and stays up, fast and right through a spike.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod app;
pub mod cache;
pub mod commands;
pub mod config;
pub mod console;
pub mod db;
pub mod flags;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod http;
pub mod jobs;
pub mod limits;
pub mod mail;
pub mod outbound;
pub mod products;
pub mod search;
pub mod slo;
pub mod supervisor;
pub mod telemetry;
pub mod tokens;
