//! TLS to PostgreSQL, as the URL asks for it.

use std::path::Path;

use serde_json::json;

use crate::harness::{Replication, Server, Shop, certificate, lines, product, run, within};

/// A server that speaks TLS, and its certificate.
fn encrypted(folder: &Path) -> (Replication, String) {
    let servers = Replication::start(0);
    let (certificate, key) = certificate(folder);
    servers.give(0, &certificate);
    servers.give(0, &key);
    servers.set(0, "ssl_cert_file", "cert.pem");
    servers.set(0, "ssl_key_file", "key.pem");
    servers.set(0, "ssl", "on");
    let shown = certificate.to_str().unwrap().to_owned();
    (servers, shown)
}

/// The URL by a name that the certificate has, or by one that it has not.
fn url(servers: &Replication, host: &str, query: &str) -> String {
    let port = servers.address(0).port();
    format!("postgres://shop@{host}:{port}/shop?hostaddr=127.0.0.1&{query}")
}

fn check(shop: &Shop, url: &str) -> (bool, String) {
    let ended = shop.run("check", &["--json", "--catalog-url", url]);
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let checks = report["checks"].as_array().unwrap();
    let is_catalogue =
        |check: &&serde_json::Value| check["name"].as_str().unwrap().starts_with("catalogue");
    let catalogue = checks.iter().find(is_catalogue).unwrap();
    let detail = catalogue["detail"].as_str().unwrap().to_owned();
    (catalogue["ok"] == json!(true), detail)
}

#[test]
fn a_certificate_is_asked_for_what_the_mode_says() {
    let shop = Shop::in_a_file();
    let folder = tempfile::tempdir().unwrap();
    let (servers, ours) = encrypted(folder.path());
    let other = tempfile::tempdir().unwrap();
    let theirs = certificate(other.path()).0;
    let theirs = theirs.to_str().unwrap();
    for (host, query, expected) in [
        ("localhost", "sslmode=require".to_owned(), Ok(())),
        ("elsewhere", "sslmode=require".to_owned(), Ok(())),
        ("elsewhere", "sslmode=prefer".to_owned(), Ok(())),
        (
            "localhost",
            format!("sslmode=verify-full&sslrootcert={ours}"),
            Ok(()),
        ),
        (
            "127.0.0.1",
            format!("sslmode=verify-full&sslrootcert={ours}"),
            Ok(()),
        ),
        (
            "elsewhere",
            format!("sslmode=verify-ca&sslrootcert={ours}"),
            Ok(()),
        ),
        (
            "elsewhere",
            format!("sslmode=require&sslrootcert={ours}"),
            Ok(()),
        ),
        (
            "elsewhere",
            format!("sslmode=verify-full&sslrootcert={ours}"),
            Err("elsewhere"),
        ),
        (
            "localhost",
            format!("sslmode=verify-ca&sslrootcert={theirs}"),
            Err("certificate"),
        ),
        (
            "localhost",
            format!("sslmode=require&sslrootcert={theirs}"),
            Err("certificate"),
        ),
        (
            "localhost",
            "sslmode=verify-full".to_owned(),
            Err("certificate"),
        ),
        (
            "localhost",
            "sslmode=verify-full&sslrootcert=/nowhere.pem".to_owned(),
            Err("/nowhere.pem cannot be read"),
        ),
    ] {
        let (is_ok, detail) = check(&shop, &url(&servers, host, &query));
        match expected {
            Ok(()) => assert!(is_ok, "{host} {query}: {detail}"),
            Err(reason) => assert!(
                !is_ok && detail.contains(reason),
                "{host} {query}: {detail}"
            ),
        }
    }
    servers.set(0, "ssl", "off");
    let (is_ok, detail) = check(&shop, &url(&servers, "localhost", "sslmode=require"));
    assert!(
        !is_ok && detail.contains("does not support TLS"),
        "{detail}"
    );
    assert!(check(&shop, &url(&servers, "localhost", "sslmode=prefer")).0);
}

#[test]
fn everything_is_encrypted_and_so_is_the_cancelling_of_what_nobody_awaits() {
    let shop = Shop::in_a_file();
    let folder = tempfile::tempdir().unwrap();
    let (servers, ours) = encrypted(folder.path());
    let catalogue = url(
        &servers,
        "localhost",
        &format!("sslmode=verify-full&sslrootcert={ours}"),
    );
    let mut import = shop.command("import");
    import.args(["--format=jsonl", "--catalog-url", &catalogue]);
    run(&mut import, lines(&[product("lamp", "Lamp")]).as_bytes()).with(0);
    let mut serve = shop.command("serve");
    let server = Server::start(serve.args(["--catalog-url", &catalogue]));
    server.document("/products/1");
    let session = servers.session(0, "shop");
    let plain: i64 = session.value(
        "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
         WHERE application_name = 'doorbuster' AND NOT ssl",
    );
    let encrypted: i64 = session.value("SELECT count(*) FROM pg_stat_ssl WHERE ssl");
    assert!(
        plain == 0 && encrypted > 0,
        "{plain} plain, {encrypted} encrypted"
    );
    // A read that waits for longer than its deadline is cancelled.
    let holder = servers.session(0, "shop");
    holder
        .batch("BEGIN; LOCK TABLE product_listing IN ACCESS EXCLUSIVE MODE")
        .unwrap();
    assert_eq!(server.get("/products").status, 503);
    within(std::time::Duration::from_secs(10), "nobody waits", || {
        let waiting: i64 = session.value(
            "SELECT count(*) FROM pg_stat_activity
             WHERE application_name = 'doorbuster' AND query LIKE '%FROM product_listing%'
                 AND wait_event_type = 'Lock'",
        );
        (waiting == 0).then_some(())
    });
    holder.batch("ROLLBACK").unwrap();
    server.get("/products").with(200);
}
