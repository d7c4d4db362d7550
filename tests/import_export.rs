//! `import` and `export`, as a shell meets them.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::harness::{Ended, Server, Shop, lines, product, repository, run};

/// Created, updated, unchanged, deleted, skipped.
fn counts(summary: &Value) -> [u64; 5] {
    ["created", "updated", "unchanged", "deleted", "skipped"].map(|name| {
        summary[name]
            .as_u64()
            .unwrap_or_else(|| panic!("{name}: {summary}"))
    })
}

fn write(shop: &Shop, name: &str, bytes: impl AsRef<[u8]>) -> std::path::PathBuf {
    let path = shop.file(name);
    fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn the_summary_counts_products() {
    let shop = Shop::empty();
    let file = write(
        &shop,
        "shop.jsonl",
        lines(&[product("lamp", "Lamp"), product("chair", "Chair")]),
    );
    let created = shop.import_file(&file, &[]).with(0);
    assert_eq!(created.stderr, "");
    let summary = created.summary();
    assert_eq!(counts(&summary), [2, 0, 0, 0, 0]);
    assert!(summary["seconds"].is_f64() && summary["products_per_second"].is_number());
    assert_eq!(
        (&summary["warnings"], &summary["dry_run"]),
        (&json!(0), &json!(false))
    );

    assert_eq!(
        counts(&shop.import_file(&file, &[]).with(0).summary()),
        [0, 0, 2, 0, 0]
    );
    let changed = write(
        &shop,
        "changed.jsonl",
        lines(&[product("lamp", "Desk Lamp"), product("bed", "Bed")]),
    );
    let summary = shop
        .import_file(&changed, &["--delete-missing"])
        .with(0)
        .summary();
    assert_eq!(counts(&summary), [1, 1, 0, 1, 0]);

    // Without --json, a line for people. A product that comes back is the one it was.
    let ended = shop.run("import", &[file.to_str().unwrap()]).with(0);
    let line = ended.stdout.lines().next_back().unwrap();
    assert!(
        line.starts_with("0 created, 2 updated, 0 unchanged, 0 deleted, 0 skipped in "),
        "{line}"
    );
}

/// Three rows, the second of which is wrong.
fn with_a_wrong_row(shop: &Shop) -> std::path::PathBuf {
    let mut wrong = product("chair", "Chair");
    wrong["variants"][0]["price"]["amount_minor"] = json!(-5);
    let products = [product("lamp", "Desk Lamp"), wrong, product("bed", "Bed")];
    write(shop, "wrong.jsonl", lines(&products))
}

fn names_the_wrong_row(text: &str, file: &Path) {
    for part in [file.to_str().unwrap(), "line 2", "price", "-5"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn an_error_stops_the_import_and_leaves_the_catalogue_as_it_was() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let before = shop.export();
    let file = with_a_wrong_row(&shop);
    for arguments in [&[][..], &["--on-error", "stop"], &["--dry-run"]] {
        let ended = shop.import_file(&file, arguments).with(1);
        assert_eq!(ended.stdout, "");
        assert!(ended.one_line().starts_with("error: "));
        names_the_wrong_row(ended.one_line(), &file);
    }
    assert_eq!(shop.export(), before);
}

#[test]
fn an_error_can_be_skipped_and_is_reported() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let before = shop.export();
    let file = with_a_wrong_row(&shop);
    let trial = shop
        .import_file(&file, &["--on-error=skip", "--dry-run"])
        .with(2);
    assert_eq!(counts(&trial.summary()), [1, 1, 0, 0, 1]);
    assert_eq!(trial.summary()["dry_run"], true);
    assert_eq!(shop.export(), before);

    let ended = shop.import_file(&file, &["--on-error=skip"]).with(2);
    assert_eq!(counts(&ended.summary()), [1, 1, 0, 0, 1]);
    assert!(ended.one_line().starts_with("skipped: "));
    names_the_wrong_row(ended.one_line(), &file);
    let server = shop.serve();
    assert_eq!(
        server.document("/products/by-handle/lamp")["title"],
        "Desk Lamp"
    );
    assert_eq!(server.document("/products/by-handle/bed")["title"], "Bed");
    server
        .get("/products/by-handle/chair")
        .problem(404, "product-not-found");

    // What was skipped is not missing.
    let ended = shop
        .import_file(&file, &["--on-error=skip", "--delete-missing"])
        .with(2);
    assert_eq!(counts(&ended.summary()), [0, 0, 2, 0, 1]);
    assert!(ended.stderr.contains("nothing was deleted"), "{ended:?}");
}

#[test]
fn a_dry_run_writes_nothing() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let before = shop.export();
    let file = write(
        &shop,
        "new.jsonl",
        lines(&[product("lamp", "Desk Lamp"), product("bed", "Bed")]),
    );
    let summary = shop
        .import_file(&file, &["--dry-run", "--delete-missing"])
        .with(0)
        .summary();
    assert_eq!(counts(&summary), [1, 1, 0, 0, 0]);
    assert_eq!(shop.export(), before);
}

#[test]
fn wrong_usage_is_told_from_wrong_data() {
    let shop = Shop::empty();
    let text = write(&shop, "prose.txt", "Dear customer,\nthank you.\n");
    let map = write(&shop, "map.toml", "[product]\nhandel = \"slug\"\n");
    let (text, map) = (text.to_str().unwrap(), map.to_str().unwrap());
    for (arguments, part) in [
        (&["--format=mapped", text][..], "--map"),
        (
            &["--format=jsonl", "--map", map, text],
            "--map needs --format mapped",
        ),
        (&["--map", map, text], "handel"),
        (&["--map", "no-such-map.toml", text], "no-such-map.toml"),
        (
            &["--delete-missing", text, text],
            "--delete-missing takes one file",
        ),
        (&["--default-currency=XXQ", text], "XXQ"),
        (&["--on-error=hope", text], "hope"),
        (&[text], "--map"),
    ] {
        let ended = shop.run("import", arguments).with(64);
        assert_eq!(ended.stdout, "");
        assert!(ended.stderr.contains(part), "{arguments:?}: {ended:?}");
    }
    for (arguments, part) in [
        (
            &["no-such-file.jsonl"][..],
            "no-such-file.jsonl: cannot be opened",
        ),
        (&["--format=jsonl", text], "line 1"),
        (&["--format=jsonl", "/"], "cannot be opened"),
    ] {
        let ended = shop.run("import", arguments).with(1);
        assert!(ended.one_line().contains(part), "{arguments:?}: {ended:?}");
    }
}

#[test]
fn standard_input_is_read_where_no_file_is_named() {
    let products = lines(&[product("lamp", "Lamp")]);
    for arguments in [&[][..], &["-"], &["--format=jsonl", "-"]] {
        let shop = Shop::empty();
        let mut command = shop.command("import");
        let ended = run(command.arg("--json").args(arguments), products.as_bytes()).with(0);
        assert_eq!(counts(&ended.summary()), [1, 0, 0, 0, 0]);
    }
    let shop = Shop::empty();
    let ended: Ended = run(&mut shop.command("import"), &gzip(products.as_bytes())).with(0);
    assert!(ended.stdout.starts_with("1 created"), "{ended:?}");
    let wrong = run(shop.command("import").arg("--format=jsonl"), b"{\n").with(1);
    assert!(
        wrong.one_line().starts_with("error: standard input: "),
        "{wrong:?}"
    );
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zip(bytes: &[u8]) -> Vec<u8> {
    let mut archive = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive
        .start_file("shop.jsonl", SimpleFileOptions::default())
        .unwrap();
    archive.write_all(bytes).unwrap();
    archive.finish().unwrap().into_inner()
}

#[test]
fn compressed_files_are_read_as_they_are() {
    let shop = Shop::empty();
    let part = |number: u32| lines(&[product(&format!("lamp-{number}"), "Lamp")]).into_bytes();
    // Told by content: the last name lies.
    let files = [
        write(&shop, "1.jsonl", part(1)),
        write(&shop, "2.jsonl.gz", gzip(&part(2))),
        write(
            &shop,
            "3.jsonl.zst",
            zstd::encode_all(&part(3)[..], 1).unwrap(),
        ),
        write(&shop, "4.zip", zip(&part(4))),
        write(&shop, "5.txt", gzip(&part(5))),
    ];
    let mut command = shop.command("import");
    let ended = run(command.arg("--json").args(&files), &[]).with(0);
    assert_eq!(counts(&ended.summary()), [5, 0, 0, 0, 0]);

    let mut damaged = gzip(&part(6));
    damaged.truncate(damaged.len() - 12);
    let file = write(&shop, "6.gz", damaged);
    let ended = shop.import_file(&file, &["--on-error=skip"]).with(1);
    assert!(ended.one_line().contains("6.gz"), "{ended:?}");
    assert_eq!(shop.export().lines().count(), 5);
}

#[test]
fn files_before_one_that_fails_stay_imported() {
    let shop = Shop::empty();
    let good = write(&shop, "good.jsonl", lines(&[product("lamp", "Lamp")]));
    let bad = write(
        &shop,
        "bad.jsonl",
        lines(&[product("bed", "Bed")]) + "nonsense\n",
    );
    let last = write(&shop, "last.jsonl", lines(&[product("chair", "Chair")]));
    let mut command = shop.command("import");
    let ended = run(
        command
            .args(["--json", "--format=jsonl"])
            .args([good, bad, last]),
        &[],
    )
    .with(1);
    assert!(ended.one_line().contains("bad.jsonl") && ended.one_line().contains("line 2"));
    let left = shop.export();
    assert!(
        left.lines().count() == 1 && left.contains("\"lamp\""),
        "{left}"
    );
}

#[test]
fn a_reader_of_an_export_may_leave() {
    let products: Vec<_> = (0..3_000)
        .map(|number| product(&format!("p{number}"), "Lamp"))
        .collect();
    let shop = Shop::with(&products);
    let mut command = shop.command("export");
    let mut export = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(export.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    let ended = export.wait_with_output().unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&first).unwrap()["handle"],
        "p0"
    );
    assert_eq!((ended.status.code(), ended.stderr), (Some(0), Vec::new()));
}

/// Every answer of two servers to the ids of a catalogue is the same.
fn assert_same(one: &Server, other: &Server, ids: std::ops::RangeInclusive<u32>) {
    for id in ids {
        let path = format!("/products/{id}");
        let same_id = [("x-request-id", "same")];
        let [one, other] = [one, other].map(|server| server.request("GET", &path, &same_id));
        assert_eq!(
            (one.status, one.text()),
            (other.status, other.text()),
            "{path}"
        );
        assert_eq!(one.header("etag"), other.header("etag"), "{path}");
    }
}

#[test]
fn a_catalogue_goes_through_a_file_unchanged() {
    let original = Shop::empty();
    let one = original.serve_with(&["--demo"], &[]);
    // Versions above one, and a product that is not public.
    original.import(&[json!({ "handle": "ember-hemp-tee", "title": "Ember Tee" })]);
    let file = original.file("all.jsonl");
    let ended = original
        .run("export", &["--json", file.to_str().unwrap()])
        .with(0);
    assert_eq!(ended.summary()["products"], 1000);

    let copy = Shop::empty();
    let summary = copy.import_file(&file, &[]).with(0).summary();
    assert_eq!(counts(&summary), [1000, 0, 0, 0, 0]);
    let other = copy.serve();
    assert_eq!(other.document("/products/456")["version"], 2);
    assert_same(&one, &other, 1..=1001);
    assert_eq!(copy.export(), fs::read_to_string(&file).unwrap());
}

#[test]
fn the_samples_are_shops() {
    for (sample, format, handle, sku) in [
        (
            "shopify-products.csv",
            "shopify-csv",
            "harbour-linen-shirt",
            "FF-HLS-NAV-S",
        ),
        (
            "google-feed.xml",
            "google-feed",
            "dune-wool-rug",
            "FF-RUG-S-NAT",
        ),
    ] {
        let shop = Shop::empty();
        let file = repository("samples").join(sample);
        let created = shop.import_file(&file, &[]).with(0).summary();
        let total = created["created"].as_u64().unwrap();
        assert!(total >= 5, "{created}");
        assert_eq!(counts(&created), [total, 0, 0, 0, 0]);
        let again = shop
            .import_file(&file, &["--format", format])
            .with(0)
            .summary();
        assert_eq!(counts(&again), [0, 0, total, 0, 0]);

        let server = shop.serve();
        let public = (1..=total).filter(|id| server.get(&format!("/products/{id}")).status == 200);
        assert!(
            public.count() * 2 > usize::try_from(total).unwrap(),
            "{sample}"
        );
        let by_handle = server.document(&format!("/products/by-handle/{handle}"));
        let by_sku = server.document(&format!("/products/by-sku/{sku}"));
        assert_eq!(by_handle, by_sku);
        assert_eq!(by_handle["handle"], handle);

        // Through the same format and back.
        let exported = shop.file("exported");
        let arguments = ["--format", format, exported.to_str().unwrap()];
        shop.run("export", &arguments).with(0);
        let summary = shop.import_file(&exported, &[]).with(0).summary();
        let [created, _, _, deleted, skipped] = counts(&summary);
        assert_eq!([created, deleted, skipped], [0; 3], "{summary}");
    }
}

/// A mistyped folder must not pass for an empty shop, nor be made into one.
#[test]
fn neither_an_export_nor_a_dry_run_creates_a_catalogue() {
    let shop = Shop::blank();
    let ended = shop.run("export", &[]).with(1);
    assert!(
        ended.one_line().contains("there is no catalogue at "),
        "{}",
        ended.stderr
    );
    let file = write(&shop, "shop.jsonl", lines(&[product("lamp", "Lamp")]));
    let summary = shop.import_file(&file, &["--dry-run"]).with(0).summary();
    assert_eq!(counts(&summary), [1, 0, 0, 0, 0]);
    assert!(!shop.data_dir().exists());
}
