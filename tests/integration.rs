//! Tests of the whole program, in one binary.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod command_line;
