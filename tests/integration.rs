//! Tests of the whole program, in one binary.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod architecture;
mod command_line;
