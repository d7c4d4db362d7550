//! Imports that are asked for over HTTP.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::{PATIENCE, Receiver, Reply, Server, Shop, lines, product, within};

struct Feed<'a> {
    server: &'a Server,
    bearer: String,
}

impl<'a> Feed<'a> {
    fn of(shop: &Shop, server: &'a Server) -> Self {
        let bearer = format!("Bearer {}", shop.token("catalog:write"));
        Self { server, bearer }
    }

    fn send(&self, path: &str, media_type: &str, body: impl Into<String>) -> Reply {
        let headers = [
            ("authorization", self.bearer.as_str()),
            ("content-type", media_type),
        ];
        self.server.send("POST", path, &headers, body.into())
    }

    fn get(&self, path: &str) -> Reply {
        let headers = [("authorization", self.bearer.as_str())];
        self.server.request("GET", path, &headers)
    }

    /// Sends a file, and waits for its end.
    fn import(&self, query: &str, body: impl Into<String>) -> Value {
        let accepted = self.send(&format!("/imports{query}"), "application/jsonl", body);
        self.end(&accepted.with(202))
    }

    fn end(&self, accepted: &Reply) -> Value {
        let path = accepted.header("location").unwrap();
        within(PATIENCE, "the import ends", || {
            let told = self.get(path).with(200).json();
            let is_over = ["done", "failed"].contains(&told["status"].as_str().unwrap());
            is_over.then_some(told)
        })
    }
}

#[test]
fn a_file_is_imported_behind_the_request() {
    let shop = Shop::empty();
    let server = shop.serve();
    let feed = Feed::of(&shop, &server);
    // Of several pieces.
    let products: Vec<Value> = (1..=3_000)
        .map(|number| {
            let mut lamp = product(&format!("lamp-{number}"), "Lamp");
            lamp["description_html"] = json!("Lamp ".repeat(150));
            lamp
        })
        .collect();
    let file = lines(&products);
    assert!(file.len() > 2 << 20);
    let told = feed.import("", file.clone());
    assert_eq!(told["status"], "done", "{told}");
    assert_eq!(
        (&told["products"], &told["outcome"]["created"]),
        (&json!(3_000), &json!(3_000))
    );
    assert_eq!(
        server.document("/products/by-handle/lamp-2999")["handle"],
        "lamp-2999"
    );
    // The same again changes nothing.
    let told = feed.import("", file);
    assert_eq!(told["outcome"]["unchanged"], 3_000);
    let report = feed.get("/imports/2/report").with(200);
    assert_eq!(report.text(), "");
    let kept = "SELECT count(*) FROM import_chunk";
    assert_eq!(shop.database().number(kept), 0);
}

#[test]
fn what_is_wrong_stops_it_or_is_left_out_and_reported() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    let feed = Feed::of(&shop, &server);
    let file = format!("{}{{\"handle\":\"\"}}\n", lines(&[product("desk", "Desk")]));
    let told = feed.import("", file.clone());
    assert_eq!(told["status"], "failed", "{told}");
    assert!(told["error"].as_str().unwrap().contains("line 2"), "{told}");
    server.get("/products/by-handle/desk").with(404);
    let told = feed.import("?on_error=skip&dry_run=true", file.clone());
    assert_eq!(told["outcome"]["skipped"], 1, "{told}");
    server.get("/products/by-handle/desk").with(404);
    let told = feed.import("?on_error=skip", file);
    assert_eq!(
        (&told["outcome"]["created"], &told["outcome"]["skipped"]),
        (&json!(1), &json!(1))
    );
    server.get("/products/by-handle/desk").with(200);
    let report = feed.get("/imports/3/report").with(200);
    let line: Value = serde_json::from_str(report.text().trim_end()).unwrap();
    assert_eq!(line["kind"], "skipped");
    let told = feed.import("?delete_missing=true", lines(&[product("desk", "Desk")]));
    assert_eq!(told["outcome"]["deleted"], 1, "{told}");
    server.get("/products/1").with(410);
}

#[test]
fn who_may_not_write_imports_nothing_and_sees_nothing() {
    let shop = Shop::empty();
    let server = shop.serve_with(&[], &[("DOORBUSTER_IMPORTS_MAX_BYTES", "1KiB")]);
    server.send("POST", "/imports", &[], "{}").with(401);
    server.get("/imports/1").with(401);
    let feed = Feed::of(&shop, &server);
    feed.get("/imports/99").with(404);
    feed.get("/imports/lamp").with(404);
    feed.send("/imports", "text/csv", "a".repeat(2_000))
        .with(413);
    feed.send("/imports", "text/csv", "").with(422);
    feed.send("/imports?format=xls", "text/csv", "a").with(400);
    feed.send("/imports?default_currency=XXQ", "text/csv", "a")
        .with(400);
    // No prefix is allowed, so none is.
    let naming = json!({ "url": "https://feeds.example/a.csv" }).to_string();
    let refused = feed.send("/imports", "application/json", naming).with(422);
    assert_eq!(refused.json()["code"], "invalid-import");
}

#[test]
fn a_file_elsewhere_is_fetched_where_that_is_allowed() {
    let shop = Shop::empty();
    let source = Receiver::start();
    let prefix = format!("{}/", source.url());
    let address = format!("{prefix}products.jsonl");
    let naming = json!({ "url": address }).to_string();
    // In a private network, which nobody has allowed.
    let server = shop.serve_with(&[], &[("DOORBUSTER_IMPORTS_URLS", &prefix)]);
    let feed = Feed::of(&shop, &server);
    let accepted = feed.send("/imports", "application/json", naming.clone());
    let number = accepted.with(202).json()["id"].clone();
    within(PATIENCE, "it is refused", || {
        let listed = shop.run("jobs", &["list", "--kind=import.run", "--json"]);
        let jobs = listed.with(0).summary();
        let error = jobs["jobs"][0]["errors"][0]["error"]
            .as_str()
            .map(str::to_owned);
        error.filter(|it| it.contains("its address is private"))
    });
    assert!(source.messages().is_empty());
    server.stop();
    // A redirect is not followed, and a failure is tried again.
    source.answer(&[302]);
    source.answer_with(&lines(&[product("lamp", "Lamp")]));
    let server = shop.serve_with(
        &[],
        &[
            ("DOORBUSTER_IMPORTS_URLS", prefix.as_str()),
            ("DOORBUSTER_IMPORTS_ALLOW_PRIVATE", "true"),
        ],
    );
    let feed = Feed::of(&shop, &server);
    shop.run("jobs", &["retry", "--kind=import.run"]).with(0);
    let told = within(PATIENCE, "the import ends", || {
        let told = feed.get(&format!("/imports/{number}")).with(200).json();
        if told["status"] != "done" {
            shop.run("jobs", &["retry", "--kind=import.run"]);
        }
        (told["status"] == "done").then_some(told)
    });
    assert_eq!(told["outcome"]["created"], 1);
    assert!(
        source
            .messages()
            .iter()
            .all(|it| it.path == "/products.jsonl")
    );
}

#[test]
fn one_that_is_interrupted_begins_anew() {
    let shop = Shop::empty();
    let server = shop.serve_with(&[], &[("DOORBUSTER_JOBS_SERVE", "false")]);
    let feed = Feed::of(&shop, &server);
    let products: Vec<_> = (1..=20_000)
        .map(|number| product(&format!("lamp-{number}"), "Lamp"))
        .collect();
    let accepted = feed.send("/imports", "application/jsonl", lines(&products));
    let accepted = accepted.with(202);
    let work = || {
        let mut command = shop.command("work");
        command.env("DOORBUSTER_JOBS_LEASE", "1s");
        crate::harness::Program::start(&mut command)
    };
    let running = "SELECT count(*) FROM import_run WHERE status = 'running'";
    let worker = work();
    within(PATIENCE, "it is begun", || {
        (shop.database().number(running) == 1).then_some(())
    });
    worker.signal(Signal::KILL);
    drop(worker);
    let _worker = work();
    let told = feed.end(&accepted);
    assert_eq!(told["status"], "done", "{told}");
    let there = "SELECT count(*) FROM product";
    assert_eq!(shop.database().number(there), 20_000);
}
