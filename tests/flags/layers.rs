//! The file, the database and what is built in, on one node and on several.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::{PROMISE, is_in_force, say, trouble};
use crate::harness::{PATIENCE, Redis, Replication, Server, Shop, product, within};

fn document(key: &str, variant: &str) -> String {
    json!({ "flags": { key: definition(variant) } }).to_string()
}

fn definition(variant: &str) -> Value {
    json!({
        "state": "ENABLED",
        "variants": { "on": true, "off": false },
        "defaultVariant": variant,
    })
}

fn file(shop: &Shop) -> PathBuf {
    shop.data_dir().join("flags.json")
}

/// Awaits that something more was wrong.
fn is_told(server: &Server, count: u64) {
    within(PATIENCE, "trouble is told", || {
        (trouble(server).0 >= count).then_some(())
    });
}

#[test]
fn a_word_reaches_every_node_and_comes_back_by_itself() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let (one, other) = (shop.serve(), shop.serve());
    let body = json!({ "variant": "off", "reason": "too slow", "for": "4s", "by": "anna" });
    let said = say(&one, "reviews", &body);
    assert_eq!(said["set_by"], "anna (somebody on this machine)");
    for server in [&one, &other] {
        is_in_force(server, "reviews", "off");
        server
            .get("/products/1/reviews")
            .problem(503, "feature-off");
    }
    let shown = other.get_admin("/admin/flags/reviews").with(200).json();
    assert_eq!(shown["layer"], "database");
    assert_eq!(shown["reason"], "too slow");
    assert!(shown["expires_at"].as_str() > shown["set_at"].as_str());
    let ready = other.get("/readyz").with(200).json();
    assert_eq!(ready["degraded"]["features"], json!(["reviews"]));
    for server in [&one, &other] {
        within(PATIENCE, "it is over", || {
            (server.get("/products/1/reviews").status == 200).then_some(())
        });
        let shown = server.get_admin("/admin/flags/reviews").with(200).json();
        assert_eq!(
            (&shown["layer"], &shown["variant"]),
            (&json!("default"), &json!("on"))
        );
        assert_eq!(
            server.get("/readyz").with(200).json()["degraded"],
            Value::Null
        );
    }
}

#[test]
fn the_file_is_above_the_database() {
    let shop = Shop::empty();
    let server = shop.serve();
    say(&server, "search", &json!({ "variant": "off" }));
    is_in_force(&server, "search", "off");
    fs::write(file(&shop), document("search", "on")).unwrap();
    is_in_force(&server, "search", "on");
    server.get("/search").with(200);
    fs::remove_file(file(&shop)).unwrap();
    is_in_force(&server, "search", "off");
    // Another node that starts now knows at its first request.
    shop.serve().get("/search").problem(503, "feature-off");
}

#[test]
fn a_file_that_makes_no_sense_leaves_what_was_good_and_alerts() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    fs::create_dir_all(shop.data_dir()).unwrap();
    fs::write(file(&shop), document("reviews", "off")).unwrap();
    let server = shop.serve();
    server
        .get("/products/1/reviews")
        .problem(503, "feature-off");
    assert_eq!(trouble(&server), (0, vec![]));
    let bomb = json!({ "flags": { "search": {
        "state": "ENABLED",
        "variants": { "on": true, "off": false },
        "targeting": { "reduce": [
            (0..40).collect::<Vec<_>>(),
            { "cat": [{ "var": "accumulator" }, { "var": "accumulator" }] },
            "boom",
        ] },
    } } });
    let wrong_type = json!({ "flags": { "search": {
        "state": "ENABLED",
        "variants": { "on": "yes" },
        "defaultVariant": "on",
    } } });
    let deep = format!(
        "{{\"flags\":{}{}}}",
        "[".repeat(200_000),
        "]".repeat(200_000)
    );
    let bad = [
        "{\"flags\":".to_owned(),
        bomb.to_string(),
        wrong_type.to_string(),
        deep,
    ];
    for (count, text) in (1..).zip(bad) {
        fs::write(file(&shop), text).unwrap();
        is_told(&server, count);
        assert_eq!(trouble(&server), (count, vec!["file".to_owned()]));
        server
            .get("/products/1/reviews")
            .problem(503, "feature-off");
        server.get("/search").with(200);
        let ready = server.get("/readyz").with(200).json();
        assert_eq!(ready["degraded"]["flags"], "file: not as it should be");
    }
    fs::write(file(&shop), document("search", "off")).unwrap();
    is_in_force(&server, "search", "off");
    assert_eq!(trouble(&server), (4, vec![]));
    server.get("/products/1/reviews").with(200);
}

#[test]
fn a_bad_file_at_the_start_leaves_what_is_built_in_and_alerts() {
    let shop = Shop::empty();
    fs::create_dir_all(shop.data_dir()).unwrap();
    fs::write(file(&shop), "nonsense").unwrap();
    let server = shop.serve();
    assert_eq!(trouble(&server), (1, vec!["file".to_owned()]));
    server.get("/search").with(200);
}

#[test]
fn a_row_that_makes_no_sense_leaves_what_was_good_and_others_are_heeded() {
    let shop = Shop::empty();
    let server = shop.serve();
    say(&server, "reviews", &json!({ "variant": "off" }));
    is_in_force(&server, "reviews", "off");
    let bad = r#"{"state":"ENABLED","variants":{"on":"x"},"defaultVariant":"on"}"#;
    let database = shop.database();
    let sql = format!("UPDATE flag SET definition = '{bad}' WHERE key = 'reviews'");
    database.execute(&sql, []).unwrap();
    is_told(&server, 1);
    assert_eq!(trouble(&server), (1, vec!["database: reviews".to_owned()]));
    is_in_force(&server, "reviews", "off");
    say(&server, "search", &json!({ "variant": "off" }));
    is_in_force(&server, "search", "off");
    say(&server, "reviews", &json!({ "variant": "on" }));
    is_in_force(&server, "reviews", "on");
    assert_eq!(trouble(&server), (1, vec![]));
}

#[test]
fn a_kill_switch_reaches_each_node_with_database_and_redis_dead() {
    let mut servers = Replication::start(0);
    let mut redis = Redis::start();
    let (first, second) = (Shop::in_a_file(), Shop::in_a_file());
    let arguments = [
        format!("--catalog-url={}", servers.url(0)),
        format!("--redis-url={}", redis.url()),
    ];
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let nodes = [
        first.serve_with(&arguments, &[]),
        second.serve_with(&arguments, &[]),
    ];
    say(&nodes[0], "reviews", &json!({ "variant": "off" }));
    for node in &nodes {
        is_in_force(node, "reviews", "off");
    }
    servers.kill(0);
    redis.kill();
    for (shop, node) in [&first, &second].into_iter().zip(&nodes) {
        fs::write(file(shop), document("search", "off")).unwrap();
        let after = is_in_force(node, "search", "off");
        println!("in force after {after:?}, with PostgreSQL and Redis dead");
        assert!(after < PROMISE);
        node.get("/search").problem(503, "feature-off");
        // What the database said last stays.
        node.get("/products/1/reviews").problem(503, "feature-off");
    }
    let silent = || trouble(&nodes[0]).1 == ["database"];
    within(PATIENCE, "that the database is gone is told", || {
        silent().then_some(())
    });
    // Answers without the database, for flags and for nothing else.
    assert_eq!(
        nodes[0].get_admin("/admin/flags/search").with(200).json()["layer"],
        "file"
    );
    let body = json!({ "variant": "on" }).to_string();
    let json = [("content-type", "application/json")];
    nodes[0]
        .send_admin("PUT", "/admin/flags/search", &json, body)
        .problem(503, "catalog-unavailable");
}

#[test]
fn what_the_ladder_gives_up_is_taken_up_by_an_operators_word() {
    let mut servers = Replication::start(0);
    let shop = Shop::in_a_file();
    let url = format!("--catalog-url={}", servers.url(0));
    let ladder = [("DOORBUSTER_FLAGS_LADDER", "facets,recommendations")];
    let server = shop.serve_with(&[&url], &ladder);
    servers.kill(0);
    // What fails makes it hot.
    let mut id = 0;
    let shown = within(PATIENCE, "a step up", || {
        for _ in 0..20 {
            id += 1;
            server.get(&format!("/products/{id}"));
        }
        let shown = server.get_admin("/admin/flags/facets").with(200).json();
        (shown["layer"] == "pressure").then_some(shown)
    });
    assert_eq!(shown["variant"], "off");
    let ready = server.get_admin("/admin/flags").with(200).json();
    assert_eq!(
        ready["features"]["recommendations"], true,
        "one step at a time"
    );
    fs::create_dir_all(shop.data_dir()).unwrap();
    fs::write(file(&shop), document("facets", "on")).unwrap();
    is_in_force(&server, "facets", "on");
}

#[test]
fn other_nodes_are_told_by_way_of_redis() {
    let shop = Shop::empty();
    let redis = Redis::start();
    let url = format!("--redis-url={}", redis.url());
    let server = shop.serve_with(&[&url], &[("DOORBUSTER_REDIS_TIMEOUT", "1s")]);
    server.await_redis();
    let mut connection = redis.connect();
    connection.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut messages = connection.as_pubsub();
    messages.subscribe("doorbuster:1:invalidated").unwrap();
    say(&server, "search", &json!({ "variant": "off" }));
    let message: String = messages.get_message().unwrap().get_payload().unwrap();
    assert_eq!(message, "note flags");
}

#[test]
fn a_word_is_heard_at_once_in_postgresql_and_without_notifications_within_a_second() {
    let shop = Shop::empty_in_postgres();
    let server = shop.serve();
    let said = "INSERT INTO flag (key, definition) VALUES ('search', '{\"state\":\"ENABLED\",\
                \"variants\":{\"on\":true,\"off\":false},\"defaultVariant\":\"off\"}')";
    shop.database().execute(said, []).unwrap();
    is_in_force(&server, "search", "off");
    let shown = server.get_admin("/admin/flags/search").with(200).json();
    assert_eq!(shown["set_by"], "shop");
    let quiet = "DROP TRIGGER flag_changed ON flag";
    shop.database().execute(quiet, []).unwrap();
    shop.database().execute("DELETE FROM flag", []).unwrap();
    is_in_force(&server, "search", "on");
}
