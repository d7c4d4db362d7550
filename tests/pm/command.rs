//! What operators see, and who may give orders.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::harness::run;

use super::place::Place;

#[test]
fn what_runs_is_listed_described_and_logged() {
    let place = Place::new();
    place.put_program("echo to everyone; exec \"$SERVER\" \"$@\"");
    place.start("");
    let listed = place.pm(&["list"]).with(0).stdout;
    let mut lines = listed.lines();
    assert!(
        lines.next().unwrap().starts_with("name  #  state   pid"),
        "{listed}"
    );
    let row = lines.next().unwrap();
    let status = format!("serving at {}", place.public);
    assert!(row.contains("online") && row.ends_with(&status), "{listed}");

    let described = place.pm(&["describe", "web", "--json"]).with(0).summary();
    assert_eq!(described["definition"]["name"], "web");
    assert_eq!(described["instances"][0]["generation"], 1);
    let described = place.pm(&["describe", "web"]).with(0).stdout;
    assert!(described.contains("error_file = "), "{described}");

    let logs = place.pm(&["logs", "web", "--out"]).with(0).stdout;
    assert_eq!(logs, "web | to everyone\n");
    let logs = place
        .pm(&["logs", "--err", "--lines", "100"])
        .with(0)
        .stdout;
    assert!(logs.contains("listening on http://"), "{logs}");
    place.pm(&["flush"]).with(0);
    assert_eq!(place.pm(&["logs"]).with(0).stdout, "");

    for arguments in [
        &["describe", "wbe"][..],
        &["logs", "wbe"],
        &["stop", "wbe"],
        &["reload", "wbe"],
    ] {
        let ended = place.pm(arguments).with(1);
        assert!(
            ended.stderr.contains("no process is named wbe"),
            "{ended:?}"
        );
    }
}

#[test]
fn the_same_file_again_changes_nothing_and_another_one_what_it_says() {
    let place = Place::new();
    place.start("");
    let before = place.online();
    let file = place.put_file("");
    let ended = place.pm(&["start", &file]).with(0);
    assert_eq!(ended.stdout, "web: runs already\n");
    assert_eq!(place.online(), before);
    let file = place.put_file("instances = 2");
    let ended = place.pm(&["start", &file]).with(0);
    assert_eq!(ended.stdout, "web: reloaded\n");
    let now = place.online();
    assert!(now.len() == 2 && !now.contains(&before[0]), "{now:?}");
}

#[test]
fn nobody_else_gives_orders() {
    let place = Place::new();
    place.start("");
    let mode = |name: &str| {
        let metadata = fs::metadata(place.home().join(name)).unwrap();
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode(""), 0o700);
    assert_eq!(mode("control.sock"), 0o600);
    assert_eq!(mode("state.json"), 0o600);
    // And there is one supervisor.
    let ended = place.pm(&["daemon"]).with(1);
    assert!(ended.stderr.contains("runs at"), "{ended:?}");
}

#[test]
fn an_ecosystem_file_becomes_a_process_file() {
    let place = Place::new();
    let file = place.shop.file("ecosystem.config.json");
    let app = json!({ "apps": [{
        "name": "api", "script": "api.js", "instances": 2, "exec_mode": "cluster", "wait_ready": true,
        "source_map_support": true,
    }] });
    fs::write(&file, app.to_string()).unwrap();
    let ended = place.pm(&["import", file.to_str().unwrap()]).with(2);
    let table: toml::Table = ended.stdout.parse().unwrap();
    let process = &table["process"][0];
    assert_eq!(process["command"].as_str(), Some("node"));
    assert_eq!(process["instances"].as_integer(), Some(2));
    assert!(
        ended
            .stderr
            .contains("source_map_support has no equivalent"),
        "{ended:?}"
    );
    assert!(ended.stderr.contains("LISTEN_FDS"), "{ended:?}");
}

#[test]
fn a_unit_for_systemd_is_one_that_it_takes() {
    let place = Place::new();
    let unit = place.shop.file("doorbuster-pm.service");
    place
        .pm(&["startup", "--output", unit.to_str().unwrap()])
        .with(0);
    let mut verify = std::process::Command::new("systemd-analyze");
    let ended = run(verify.arg("verify").arg("--man=no").arg(&unit), &[]);
    assert!(
        !ended.stderr.contains("doorbuster-pm.service:"),
        "{ended:?}"
    );
    assert_eq!(ended.code, 0, "{ended:?}");
}
