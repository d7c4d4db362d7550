//! A server that cannot start says why, on one line for each cause, and leaves nothing half-started.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use crate::harness::{Ended, Shop, doorbuster, product, run};

const ANY_PORTS: [&str; 2] = ["--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0"];

#[test]
fn all_that_is_wrong_with_a_configuration_is_told_at_once() {
    let shop = Shop::empty();
    let file = shop.file("shop.toml");
    fs::write(
        &file,
        "[server]\nlisten = \"here\"\nwrokers = 3\n[cache]\nfresh = 5\n[nonsense]\nkey = 1\n",
    )
    .unwrap();
    let config = [
        "--config",
        file.to_str().unwrap(),
        "--catalog-url=postgres://shop:hunter2@db",
    ];
    for name in ["serve", "import", "export", "migrate", "check"] {
        let mut command = doorbuster();
        command
            .arg(name)
            .args(config)
            .env("DOORBUSTER_SERVER_DRAIN", "soon");
        let ended = run(&mut command, &[]).with(64);
        assert_eq!(ended.stdout, "");
        let lines: Vec<_> = ended.stderr.lines().collect();
        for (beginning, mend) in [
            ("server.listen = \"here\"", "such as 127.0.0.1:8080"),
            ("server.wrokers", "did you mean workers?"),
            ("cache.fresh = \"5\"", "such as 250ms or 5s"),
            ("[nonsense]", "this version knows server,"),
            (
                "server.drain = \"soon\" (DOORBUSTER_SERVER_DRAIN)",
                "such as 250ms or 5s",
            ),
            (
                "catalog.url = \"postgres://shop:***@db\" (--catalog-url)",
                "names no database",
            ),
        ] {
            let beginning = format!("error: {beginning}");
            let line = lines.iter().find(|line| line.starts_with(&beginning));
            let line = line.unwrap_or_else(|| panic!("{beginning}: {lines:#?}"));
            assert!(line.contains(mend), "{line}");
        }
        assert_eq!(lines.len(), 6, "{lines:#?}");
    }
    assert!(!shop.data_dir().exists());
}

#[test]
fn a_file_that_is_not_toml_is_told_by_its_line() {
    let shop = Shop::empty();
    let file = shop.file("shop.toml");
    fs::write(&file, "[server]\nworkers = 2\n[cache\n").unwrap();
    let ended = shop
        .run("serve", &["--config", file.to_str().unwrap()])
        .with(64);
    let place = format!("{}:3", file.display());
    assert!(
        ended.one_line().contains(&place) && ended.one_line().contains("TOML"),
        "{ended:?}"
    );
}

#[test]
fn check_tells_a_good_configuration_from_a_bad_one() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let check = |arguments: &[&str]| shop.run("check", &[&ANY_PORTS[..], arguments].concat());

    let good = check(&[]).with(0);
    assert_eq!(good.stderr, "");
    assert!(
        good.stdout.contains("cache.fresh") && !good.stdout.contains("FAILED"),
        "{good:?}"
    );
    let report = check(&["--json"]).with(0).summary();
    assert_eq!(
        (&report["ok"], &report["errors"]),
        (&Value::Bool(true), &Value::Array(vec![]))
    );
    let checks = report["checks"].as_array().unwrap();
    assert_eq!(checks.len(), 5, "{checks:#?}");
    assert!(
        checks.iter().all(|check| check["ok"] == true),
        "{checks:#?}"
    );
    let catalogue = checks
        .iter()
        .find(|check| check["name"].as_str().unwrap().starts_with("catalogue"));
    assert_eq!(catalogue.unwrap()["detail"], "schema version 13, current");
    let settings = report["settings"].as_array().unwrap();
    let data_dir = settings
        .iter()
        .find(|line| line["setting"] == "server.data_dir")
        .unwrap();
    assert_eq!(data_dir["value"], shop.data_dir().to_str().unwrap());
    assert_eq!(data_dir["source"], "--data-dir");

    // Addresses of a server that runs are taken.
    let server = shop.serve();
    let taken = format!("--listen={}", server.public);
    let arguments = [&taken, "--admin-listen=127.0.0.1:0"];
    let bad = shop.run("check", &arguments).with(64);
    let failed: Vec<_> = bad
        .stdout
        .lines()
        .filter(|line| line.contains("FAILED"))
        .collect();
    assert_eq!(failed.len(), 1, "{bad:?}");
    assert!(failed[0].contains(&server.public.to_string()) && failed[0].contains("taken"));
    let report = shop
        .run("check", &[&arguments[..], &["--json"]].concat())
        .with(64)
        .summary();
    assert_eq!(report["ok"], false);

    let report = check(&["--json", "--catalog-url=mysql://db"])
        .with(64)
        .summary();
    assert_eq!(report["errors"][0]["setting"], "catalog.url");
    server.get("/products/1").with(200);
}

#[test]
fn an_address_in_use_is_named_and_nothing_is_half_started() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap();
    for [public, admin] in [
        [format!("{taken}"), "127.0.0.1:0".to_owned()],
        ["127.0.0.1:0".to_owned(), format!("{taken}")],
        [format!("127.0.0.1:0,{taken}"), "127.0.0.1:0".to_owned()],
    ] {
        let arguments = ["--listen", &public, "--admin-listen", &admin];
        let ended = shop.run("serve", &arguments).with(1);
        let mend = "stop what listens there or choose another address";
        // The index may have been ready first, and said so in the log.
        let lines = ended.stderr.lines();
        let said: Vec<_> = lines.filter(|line| !line.starts_with('{')).collect();
        assert_eq!(
            said,
            [format!("error: cannot listen on {taken}: taken; {mend}")]
        );
    }
    // It can be started on the same ports and data at once.
    let server = shop.serve();
    server.get("/products/1").with(200);
}

/// Every command that needs the catalogue says the same, on one line.
#[track_caller]
fn refused(directory: &Path, code: i32) -> String {
    let mut texts = ["serve", "import", "migrate"].map(|name| {
        let mut command = doorbuster();
        command.arg(name).arg("--data-dir").arg(directory);
        if name == "serve" {
            command.args(ANY_PORTS);
        }
        let ended = run(&mut command, b"{\"handle\":\"a\"}\n").with(code);
        assert_eq!(ended.stdout, "");
        ended.one_line().to_owned()
    });
    texts.sort();
    assert_eq!(texts[0], texts[2]);
    // It creates nothing, so it may have less to say.
    let mut command = doorbuster();
    command.arg("export").arg("--data-dir").arg(directory);
    run(&mut command, &[]).with(code).one_line();
    let mut command = doorbuster();
    command
        .arg("check")
        .arg("--data-dir")
        .arg(directory)
        .args(ANY_PORTS);
    let check: Ended = run(&mut command, &[]).with(64);
    assert!(check.stdout.contains("FAILED"), "{check:?}");
    texts[0].clone()
}

#[test]
fn a_data_directory_that_cannot_be_used_is_named() {
    let shop = Shop::empty();
    let file = shop.file("file");
    fs::write(&file, "text").unwrap();
    let text = refused(&file, 1);
    assert!(
        text.ends_with("/file is not a directory; name another path"),
        "{text}"
    );
    let text = refused(&file.join("below"), 1);
    assert!(
        text.ends_with("/file/below is not a directory; name another path"),
        "{text}"
    );
    assert_eq!(fs::read(&file).unwrap(), b"text");

    // Even to the superuser the system refuses this one.
    let text = refused(Path::new("/proc/doorbuster"), 1);
    assert!(
        text.contains("/proc/doorbuster cannot be created: "),
        "{text}"
    );

    let read_only = shop.file("read-only");
    fs::create_dir(&read_only).unwrap();
    fs::set_permissions(&read_only, Permissions::from_mode(0o555)).unwrap();
    if fs::File::create(read_only.join("probe")).is_ok() {
        eprintln!("skipped: this user may write in read-only directories");
        return;
    }
    let text = refused(&read_only, 1);
    assert!(
        text.contains("read-only/catalog.db: ") && text.contains("may read and write"),
        "{text}"
    );
}

#[test]
fn a_file_that_is_no_catalogue_is_left_alone() {
    let shop = Shop::empty();
    fs::create_dir(shop.data_dir()).unwrap();
    let noise: Vec<u8> = (0..100_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    fs::write(shop.catalogue(), &noise).unwrap();
    let text = refused(&shop.data_dir(), 1);
    assert!(
        text.ends_with("/catalog.db: not a SQLite file; name another one"),
        "{text}"
    );
    assert_eq!(fs::read(shop.catalogue()).unwrap(), noise);

    // A database of another program.
    fs::remove_file(shop.catalogue()).unwrap();
    let other = shop.file_database();
    other
        .execute_batch("CREATE TABLE product (id); INSERT INTO product VALUES (7)")
        .unwrap();
    let ended = shop.run("migrate", &[]).with(1);
    assert!(
        ended.one_line().contains("table product already exists"),
        "{ended:?}"
    );
    assert!(ended.one_line().len() < 300, "{ended:?}");
    let rows: i64 = other
        .query_row("SELECT id FROM product", [], |row| row.get(0))
        .unwrap();
    assert_eq!(rows, 7);

    // A directory in its place.
    let shop = Shop::empty();
    fs::create_dir_all(shop.catalogue()).unwrap();
    refused(&shop.data_dir(), 1);
}

#[test]
fn a_catalogue_of_a_newer_version_is_left_alone() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let database = shop.file_database();
    database
        .execute_batch(
            "INSERT INTO refinery_schema_history
             SELECT 99, 'later', applied_on, '1' FROM refinery_schema_history LIMIT 1",
        )
        .unwrap();
    let text = refused(&shop.data_dir(), 1);
    let mend = "migration V99__later is not one of this version's; use a newer doorbuster";
    assert!(text.ends_with(mend), "{text}");
    let titles: i64 = database
        .query_row("SELECT count(*) FROM product", [], |row| row.get(0))
        .unwrap();
    assert_eq!(titles, 1);
}
