//! Measures searches as clients meet them.
//!
//! ```console
//! $ cargo run --release --example search_load -- fill 1000000 /var/tmp/large    # a catalogue to search
//! $ doorbuster serve --data-dir /var/tmp/large
//! $ cargo run --release --example search_load -- measure 127.0.0.1:8080 8 4000  # clients, searches
//! ```
//!
//! The catalogue is the demo shop, carried on to as many products as are asked for, with words of a long tail
//! added to the descriptions, as real catalogues have them. The searches are of one to three words of its
//! titles, some of them misspelt, cut off or filtered, no two the same.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small numbers, for people"
)]

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use doorbuster::app;
use doorbuster::products::demo;
use doorbuster::products::store::Decision;
use serde_json::Value;
use ureq::Agent;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Products in one transaction.
const BATCH: usize = 10_000;
/// Words of the long tail, of which each product has a few.
const TAIL_WORDS: u64 = 200_000;
/// Products whose titles the searches are made of.
const SAMPLE: usize = 2_000;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["fill", count, folder] => fill(count.parse()?, folder),
        ["measure", address, clients, searches] => {
            measure(address.parse()?, clients.parse()?, searches.parse()?)
        }
        _ => anyhow::bail!("use: fill COUNT DATA_DIR, or: measure ADDRESS CLIENTS SEARCHES"),
    }
}

fn fill(count: usize, folder: &str) -> anyhow::Result<()> {
    let store = app::open_sqlite(&std::path::Path::new(folder).join("catalog.db"))?;
    let mut random = Random(1);
    let mut products = demo::products(count).peekable();
    while products.peek().is_some() {
        store.as_store().transaction(&mut |transaction| {
            for mut product in products.by_ref().take(BATCH) {
                // They are in no document.
                product.reviews = None;
                let tail: Vec<_> = (0..6).map(|_| random.tail_word()).collect();
                let description = product.description_html.get_or_insert_default();
                description.extend(["<p>", &tail.join(" "), "</p>"]);
                // The demo shop is free of conflicts.
                let _ = transaction.put(&product);
            }
            transaction.settle()?;
            Ok(Decision::Commit)
        })?;
    }
    Ok(())
}

fn measure(address: SocketAddr, clients: usize, searches: usize) -> anyhow::Result<()> {
    let titles = titles(address)?;
    let paths = paths(&titles, searches);
    let next = AtomicUsize::new(0);
    let began = Instant::now();
    let client = || -> anyhow::Result<Vec<(Duration, u64, usize)>> {
        let agent = agent();
        let mut taken = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(path) = paths.get(index) else {
                return Ok(taken);
            };
            let sent = Instant::now();
            let found = ask(&agent, address, path)?;
            taken.push((
                sent.elapsed(),
                found["total"]["value"].as_u64().unwrap_or(0),
                index,
            ));
            anyhow::ensure!(
                found["incomplete"] == false,
                "the index is not complete yet"
            );
        }
    };
    let taken = thread::scope(|scope| {
        let clients: Vec<_> = (0..clients).map(|_| scope.spawn(client)).collect();
        let taken = clients.into_iter().map(|client| {
            client
                .join()
                .unwrap_or_else(|_| anyhow::bail!("a client panicked"))
        });
        taken.collect::<anyhow::Result<Vec<_>>>()
    })?;
    let seconds = began.elapsed().as_secs_f64();
    let mut taken = taken.concat();
    taken.sort_unstable();
    let at = |part: f64| {
        taken[((taken.len() - 1) as f64 * part) as usize]
            .0
            .as_secs_f64()
            * 1000.0
    };
    println!(
        "{} searches by {clients} clients: {:.0}/s, p50 {:.1} ms, p90 {:.1}, p99 {:.1}, max {:.1}",
        taken.len(),
        taken.len() as f64 / seconds,
        at(0.5),
        at(0.9),
        at(0.99),
        at(1.0),
    );
    println!("slowest:");
    for (time, total, index) in taken.iter().rev().take(8) {
        println!(
            "  {:.1} ms, {total} found: {}",
            time.as_secs_f64() * 1000.0,
            paths[*index]
        );
    }
    Ok(())
}

/// Titles and categories of products from all over the catalogue.
fn titles(address: SocketAddr) -> anyhow::Result<Vec<(String, String)>> {
    let agent = agent();
    let newest = ask(&agent, address, "/search?limit=1")?;
    let count = newest["total"]["value"].as_u64().context("no total")?;
    let ids: Vec<u64> = (0..SAMPLE as u64)
        .map(|number| 1 + number * count / SAMPLE as u64)
        .collect();
    let mut titles = Vec::new();
    for ids in ids.chunks(100) {
        let ids: Vec<_> = ids.iter().map(u64::to_string).collect();
        let products = ask(&agent, address, &format!("/products?ids={}", ids.join(",")))?;
        let items = products["items"].as_array().context("no items")?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        titles.extend(
            items
                .iter()
                .map(|item| (text(&item["title"]), text(&item["category"]))),
        );
    }
    Ok(titles)
}

/// Paths of searches, no two the same.
fn paths(titles: &[(String, String)], count: usize) -> Vec<String> {
    let mut random = Random(2);
    let mut seen = HashSet::new();
    let mut paths = Vec::new();
    while paths.len() < count {
        let (title, category) = &titles[random.below(titles.len() as u64) as usize];
        let words: Vec<&str> = title.split_whitespace().collect();
        let asked = 1 + random.below(3) as usize;
        let start = random.below(words.len().saturating_sub(asked) as u64 + 1) as usize;
        let mut query = words[start..(start + asked).min(words.len())].join(" ");
        match random.below(10) {
            0 | 1 => query = misspelt(&query, &mut random),
            2 | 3 => query = beginning(&query),
            _ => {}
        }
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("q", &query);
        match random.below(10) {
            0 => form.append_pair("category", category.split(" > ").next().unwrap_or_default()),
            1 => form.append_pair("availability", "in_stock,low_stock"),
            2 => form.append_pair("sort", "price"),
            3 => form.append_pair("rating_min", "4"),
            // Broad words are few: another page size makes another search of them.
            _ => form.append_pair("limit", &(10 + random.below(40)).to_string()),
        };
        let path = format!("/search?{}", form.finish());
        if seen.insert(path.clone()) {
            paths.push(path);
        }
    }
    paths
}

/// The first half, at least three letters, as it is being typed.
fn beginning(query: &str) -> String {
    let letters = query.chars().count().div_ceil(2).max(3);
    query.chars().take(letters).collect()
}

/// With two letters exchanged.
fn misspelt(query: &str, random: &mut Random) -> String {
    let mut letters: Vec<char> = query.chars().collect();
    if letters.len() > 2 {
        let at = random.below(letters.len() as u64 - 2) as usize + 1;
        letters.swap(at, at.saturating_sub(1).max(1));
    }
    letters.into_iter().collect()
}

fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(true)
        .build()
        .into()
}

fn ask(agent: &Agent, address: SocketAddr, path: &str) -> anyhow::Result<Value> {
    let mut response = agent.get(format!("http://{address}{path}")).call()?;
    let body = response
        .body_mut()
        .with_config()
        .limit(64 << 20)
        .read_to_vec()?;
    Ok(serde_json::from_slice(&body)?)
}

/// `SplitMix64`, as in the demo shop.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// A made-up word; the smaller its number, the more frequent.
    fn tail_word(&mut self) -> String {
        const SYLLABLES: [&str; 16] = [
            "ba", "ce", "di", "fo", "gu", "ha", "ke", "li", "mo", "nu", "pa", "re", "si", "to",
            "vu", "ze",
        ];
        let part = self.below(1 << 20) as f64 / f64::from(1 << 20);
        let mut number = (part * part * part * TAIL_WORDS as f64) as u64 + 16;
        let mut word = String::new();
        while number > 0 {
            word.push_str(SYLLABLES[(number % 16) as usize]);
            number /= 16;
        }
        word
    }
}
