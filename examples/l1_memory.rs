//! Measures what L1 adds to the bytes it keeps: fills it with a million documents, the demo shop's over and
//! over, with the program's own allocator, and compares the memory of the process before and after.
//!
//! `cargo run --release --example l1_memory`

use std::fs;

use doorbuster::cache::{Intent, L1, L1Options};
use doorbuster::db::sqlite::Sqlite;
use doorbuster::products::demo;
use doorbuster::products::document::Document;
use doorbuster::products::sqlite::SqliteCatalog;
use doorbuster::products::store::{CatalogStore, Decision};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ENTRIES: usize = 1_000_000;
const PRODUCTS: usize = 1_000;

fn main() -> anyhow::Result<()> {
    // As the program does at its start.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    let documents = demo_documents()?;
    let l1: L1<usize, Document> = L1::new(
        L1Options {
            bytes: 16 << 30,
            negative_bytes: 1 << 20,
            fresh: 60_000,
            stale: 600_000,
            negative: 5_000,
            fence_lifetime: 4_000,
            fences_fills: false,
        },
        0,
    );
    let before = resident_bytes()?;
    let mut bodies = 0;
    for (key, body) in documents.iter().cycle().take(ENTRIES).enumerate() {
        bodies += body.len();
        l1.fill(&key, Ok(Document::new(body)), 1, 0, 0)?;
    }
    let grown = resident_bytes()?.saturating_sub(before);
    anyhow::ensure!(l1.len() == ENTRIES, "entries were evicted: {}", l1.len());
    println!(
        "{ENTRIES} entries of {} bytes on average: {} bytes an entry beyond the body",
        bodies / ENTRIES,
        grown.saturating_sub(bodies) / ENTRIES
    );
    Ok(())
}

fn demo_documents() -> anyhow::Result<Vec<Vec<u8>>> {
    let folder = tempfile::tempdir()?;
    let database = Sqlite::open(&folder.path().join("catalog.db"))?;
    database.migrate()?;
    let store = SqliteCatalog::new(database);
    store.transaction(&mut |transaction| {
        for product in demo::products(PRODUCTS) {
            // The demo shop is free of conflicts; one would show in the count below.
            let _ = transaction.put(&product);
        }
        transaction.settle()?;
        Ok(Decision::Commit)
    })?;
    let ids: Vec<i64> = (1..).take(PRODUCTS).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let stored = runtime.block_on(store.documents(&ids, Intent::Fresh))?;
    let bodies: Vec<_> = stored
        .into_iter()
        .flatten()
        .filter_map(|stored| Some(stored.document.ok()?.to_vec()))
        .collect();
    anyhow::ensure!(
        bodies.len() > PRODUCTS * 9 / 10,
        "the demo shop is incomplete"
    );
    Ok(bodies)
}

fn resident_bytes() -> std::io::Result<usize> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|rest| rest.trim().split(' ').next()?.parse::<usize>().ok());
    Ok(kib.unwrap_or(0) * 1024)
}
