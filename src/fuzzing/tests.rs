//! The targets over their seeds, over changed seeds and over noise.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{RngSeed, TestRunner};

/// Inputs of each target, beside its seeds.
const CASES: u32 = 1_000;
/// Most bytes of one.
const LONGEST: usize = 8 * 1024;

macro_rules! targets {
    ($($target:ident),+ $(,)?) => {
        const TARGETS: &[&str] = &[$(stringify!($target)),+];
        $(
            #[test]
            fn $target() {
                holds(stringify!($target), super::$target);
            }
        )+
    };
}

targets![
    conditions,
    credentials,
    cursor,
    import_google,
    import_jsonl,
    import_mapped,
    import_shopify,
    import_source,
    negotiation,
    query,
    write_body,
];

fn holds(name: &str, target: fn(&[u8])) {
    let mut seeds = Vec::new();
    for path in files(&Path::new("corpus").join(name)) {
        // Shown if the test fails.
        println!("seed {}", path.display());
        let seed = fs::read(path).unwrap();
        target(&seed);
        seeds.push(seed);
    }
    // The same inputs each time: to come upon others is the fuzzer's job.
    let config = ProptestConfig {
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::with_cases(CASES)
    };
    let outcome = TestRunner::new(config).run(&input(seeds), |bytes| {
        target(&bytes);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz")
        .join(folder);
    let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "nothing in {}", folder.display());
    paths
}

/// Mostly seeds with a few changes, sometimes noise.
fn input(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let changed = (select(seeds.clone()), vec(change(seeds), 0..6));
    let changed = changed.prop_map(|(mut bytes, changes)| {
        for change in &changes {
            change.apply(&mut bytes);
        }
        bytes
    });
    prop_oneof![9 => changed, 1 => vec(any::<u8>(), 0..64)]
}

#[derive(Debug, Clone)]
struct Change {
    /// Where what is replaced begins.
    at: Index,
    /// Bytes that are replaced.
    length: usize,
    by: Vec<u8>,
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let start = self.at.index(bytes.len() + 1);
        let end = bytes.len().min(start + self.length);
        bytes.splice(start..end, self.by.iter().copied());
        bytes.truncate(LONGEST);
    }
}

/// Bytes cut out, overwritten, put between, or a part of a seed put in their place.
fn change(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Change> {
    let piece = (select(seeds), any::<Index>(), 0..64_usize).prop_map(|(seed, at, length)| {
        let start = at.index(seed.len() + 1);
        seed[start..seed.len().min(start + length)].to_vec()
    });
    let mark = select(b"\0\t\n\r \"#%&',-./0:;<=>[\\]{|}~\x7f\xc2\xef\xff".to_vec());
    let by = prop_oneof![
        Just(Vec::new()),
        mark.prop_map(|byte| vec![byte]),
        vec(any::<u8>(), 1..4),
        piece,
    ];
    (any::<Index>(), 0..32_usize, by).prop_map(|(at, length, by)| Change { at, length, by })
}

#[test]
fn every_target_is_built_and_tested() {
    let sources = files(Path::new("fuzz_targets"));
    let names = sources
        .iter()
        .map(|path| path.file_stem().unwrap().to_str().unwrap());
    assert_eq!(names.collect::<Vec<_>>(), TARGETS);
    let corpora = files(Path::new("corpus"));
    let names = corpora
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap());
    assert_eq!(names.collect::<Vec<_>>(), TARGETS);
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/Cargo.toml");
    let manifest = fs::read_to_string(manifest).unwrap();
    for (name, source) in TARGETS.iter().zip(sources) {
        let call = format!("doorbuster::fuzzing::{name}(data)");
        assert!(
            fs::read_to_string(source).unwrap().contains(&call),
            "{call}"
        );
        let path = format!("path = \"fuzz_targets/{name}.rs\"");
        assert!(manifest.contains(&path), "{path}");
    }
}
