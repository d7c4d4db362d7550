//! The `doorbuster` program: hands the command line to the library.

use std::process::ExitCode;

/// Faster than the system's for many short-lived buffers on many threads, and it gives memory back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    doorbuster::commands::main(std::env::args_os(), std::env::vars_os()).into()
}
