//! The two lines every figure of the benchmark is drawn against: `actix`, a bare actix-web route that
//! returns the same static bytes, and `floor`, one `recv` and one `send` without any HTTP framework.

mod actix;
mod floor;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Parser, ValueEnum};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Serves one document for every `GET /products/{id}`.
#[derive(Parser)]
struct Arguments {
    /// How to serve it.
    mode: Mode,
    /// File with the bytes of the body.
    body: PathBuf,
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1:8081")]
    listen: SocketAddr,
    /// Worker threads of actix-web; `floor` has one thread.
    #[arg(long, default_value_t = 1)]
    workers: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum Mode {
    /// A bare actix-web route.
    Actix,
    /// One thread, one `recv` and one `send` per request.
    Floor,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let body = std::fs::read(&arguments.body)
        .with_context(|| format!("cannot read the body from {}", arguments.body.display()))?;
    match arguments.mode {
        Mode::Actix => actix::serve(arguments.listen, arguments.workers, body),
        Mode::Floor => floor::serve(arguments.listen, &body),
    }
    .with_context(|| format!("cannot serve on {}", arguments.listen))
}
