//! `doorbuster flags`, as an operator meets it at five past midnight.

use std::fs;

use serde_json::{Value, json};

use crate::harness::{Ended, Server, Shop};

fn flags(shop: &Shop, server: Option<&Server>, arguments: &[&str]) -> Ended {
    let node = server.map(|server| format!("--node=http://{}", server.admin));
    let mut arguments = arguments.to_vec();
    arguments.extend(node.as_deref());
    shop.run("flags", &arguments)
}

#[test]
fn a_feature_is_switched_off_in_a_running_server_and_the_command_says_that_it_worked() {
    let shop = Shop::empty();
    let server = shop.serve();
    let set = [
        "set", "search", "off", "--reason", "too slow", "--for", "2h", "--by", "anna",
    ];
    let done = flags(&shop, Some(&server), &set).with(0).stdout;
    assert!(
        done.starts_with("search is off, by the database\n"),
        "{done}"
    );
    assert!(done.contains(": in force within "), "{done}");
    server.get("/search").problem(503, "feature-off");
    let list = shop.run("flags", &["list"]).with(0).stdout;
    let line = list
        .lines()
        .find(|line| line.starts_with("search "))
        .unwrap();
    for word in ["off", "database", "anna", "too slow"] {
        assert!(line.contains(word), "{list}");
    }
    assert_eq!(
        shop.run("flags", &["get", "search"]).with(0).stdout,
        "off\n"
    );
    let history = shop
        .run("flags", &["history", "search", "--json"])
        .with(0)
        .summary();
    assert_eq!(history["history"][0]["set_by"], "anna");
    assert_eq!(history["history"][0]["reason"], "too slow");

    let unset = flags(&shop, Some(&server), &["unset", "search"])
        .with(0)
        .stdout;
    assert!(unset.contains("in force within"), "{unset}");
    server.get("/search").with(200);
    let again = flags(&shop, Some(&server), &["unset", "search"]).with(1);
    assert!(again.one_line().contains("the database says nothing of it"));
    let history = shop.run("flags", &["history"]).with(0).stdout;
    assert_eq!(history.lines().count(), 3);
    assert!(history.contains("taken back"));
}

#[test]
fn the_file_of_this_machine_is_above_and_needs_no_server() {
    let shop = Shop::empty();
    let server = shop.serve();
    let off = ["set", "search", "off", "--local", "--reason", "now"];
    flags(&shop, Some(&server), &off).with(0);
    server.get("/search").problem(503, "feature-off");
    let shown = server.get_admin("/admin/flags/search").json();
    assert_eq!(
        (&shown["layer"], &shown["reason"]),
        (&json!("file"), &json!("now"))
    );
    // What the database says is not in force here, and the command says so.
    let warned = flags(&shop, Some(&server), &["set", "search", "on", "--json"]).with(2);
    assert_eq!(warned.summary()["nodes"][0]["in_force"], false);
    flags(&shop, Some(&server), &["unset", "search", "--local"]).with(0);
    server.get("/search").with(200);
    server.stop();
    let silent = flags(
        &shop,
        None,
        &["set", "search", "off", "--node=http://127.0.0.1:9"],
    )
    .with(0);
    assert!(
        silent.stdout.contains("holds there from the next start"),
        "{silent:?}"
    );
    shop.serve().get("/search").problem(503, "feature-off");
}

#[test]
fn a_flag_of_the_shop_is_made_from_a_file() {
    let shop = Shop::empty();
    let file = shop.file("banner.json");
    let definition = json!({
        "state": "ENABLED", "variants": { "red": "#f00", "blue": "#00f" }, "defaultVariant": "blue",
    });
    fs::write(&file, definition.to_string()).unwrap();
    let nobody = "--node=http://127.0.0.1:9";
    let path = file.to_str().unwrap();
    shop.run("flags", &["set", "banner", "--definition", path, nobody])
        .with(0);
    shop.run("flags", &["set", "banner", "red", nobody]).with(0);
    let got = shop
        .run("flags", &["get", "banner", "--json"])
        .with(0)
        .summary();
    assert_eq!(got["variant"], "red");
    assert_eq!(got["definition"]["variants"], definition["variants"]);
}

#[test]
fn what_is_wrong_is_said_with_the_mend_and_makes_nothing() {
    let shop = Shop::empty();
    for (arguments, mend) in [
        (&["set", "serch", "off"][..], "did you mean search?"),
        (&["set", "search", "maybe"], "known are on, off"),
        (&["set", "search"], "--definition"),
        (&["set", "search", "off", "--for", "0s"], "no time at all"),
        (&["get", "zzz"], "see `doorbuster flags list`"),
        (&["unset", "zzz"], "see `doorbuster flags list`"),
    ] {
        let refused = shop.run("flags", arguments).with(64);
        assert!(refused.stderr.contains(mend), "{refused:?}");
    }
    let list = shop.run("flags", &["list", "--json"]).with(0).summary();
    assert_eq!(list["flags"].as_array().unwrap().len(), 10);
    assert_eq!(
        shop.run("flags", &["history", "--json"]).with(0).summary(),
        json!({ "history": [] })
    );
}

#[test]
fn a_file_that_makes_no_sense_is_told_and_not_written_over() {
    let shop = Shop::empty();
    fs::create_dir_all(shop.data_dir()).unwrap();
    let file = shop.data_dir().join("flags.json");
    fs::write(&file, "{").unwrap();
    let list = shop.run("flags", &["list", "--json"]).with(2).summary();
    assert_eq!(list["trouble"][0]["place"], "file");
    let refused = shop
        .run("flags", &["set", "search", "off", "--local"])
        .with(1);
    assert!(refused.one_line().contains("mend it first"), "{refused:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "{");
    assert_eq!(
        list["flags"]
            .as_array()
            .map_or(Value::Null, |it| it.len().into()),
        json!(10)
    );
}
