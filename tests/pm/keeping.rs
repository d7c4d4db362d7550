//! Instances, schedules, and what is kept for the next start of the machine.

use serde_json::json;

use crate::harness::{Load, PATIENCE, Raw, free_port, within};

use super::place::Place;

#[test]
fn instances_are_added_and_taken_away_while_the_others_serve() {
    let place = Place::new();
    place.start("");
    let load = Load::start(place.public, 4);
    for (to, count) in [("+1", 2), ("3", 3), ("-1", 2), ("1", 1)] {
        place.pm(&["scale", "web", to]).with(0);
        assert_eq!(place.online().len(), count, "{to}");
    }
    for wrong in ["0", "-1", "many"] {
        let ended = place.pm(&["scale", "web", wrong]).with(1);
        assert!(ended.stderr.contains("cannot scale to"), "{ended:?}");
    }
    load.stop().assert_whole(50);
}

#[test]
fn each_instance_has_ports_of_its_own_where_it_is_told_so() {
    let place = Place::new();
    let port = loop {
        // Two neighbours.
        let port = free_port();
        if std::net::TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
            break port;
        }
    };
    let file = place.put_file(&format!(
        "instances = 2\nlisten_each = [\"admin=127.0.0.1:{port}\"]"
    ));
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text.replace(&format!(", \"admin={}\"", place.admin), "");
    std::fs::write(&file, text).unwrap();
    place.pm(&["start", &file]).with(0);
    place.pm(&["reload"]).with(0);
    for port in [port, port + 1] {
        let address = ([127, 0, 0, 1], port).into();
        let request = "GET /admin/cache HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n";
        Raw::connect(address).send(request).reply().with(200);
    }
}

#[test]
fn a_schedule_replaces_what_runs() {
    let place = Place::new();
    // Every second.
    place.start("cron_restart = \"* * * * * *\"");
    let before = place.online();
    let load = Load::start(place.public, 2);
    within(PATIENCE, "another generation", || {
        std::thread::sleep(std::time::Duration::from_millis(50));
        let now = place.online();
        (!now.is_empty() && now.iter().all(|it| !before.contains(it))).then_some(())
    });
    load.stop().assert_whole(50);
}

#[test]
fn what_was_saved_runs_again() {
    let place = Place::new();
    place.start("instances = 1");
    place.pm(&["scale", "web", "+1"]).with(0);
    place.pm(&["save"]).with(0);
    place.pm(&["kill"]).with(0);
    // Nothing runs, so nothing is asked.
    let ended = place.pm(&["list"]).with(1);
    assert!(ended.stderr.contains("no supervisor"), "{ended:?}");
    place.pm(&["resurrect"]).with(0);
    assert_eq!(place.online().len(), 2);
    assert_eq!(place.get(), 200);
    place.pm(&["delete", "web"]).with(0);
    let listed = place.pm(&["list", "--json"]).with(0).summary();
    assert_eq!(listed, json!([]));
}
