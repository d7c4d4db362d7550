//! Reloads and upgrades under load: nobody notices.

use crate::harness::Load;

use super::place::{Place, await_end};

const TIMES: usize = 20;

#[test]
fn twenty_reloads_under_load_cost_no_request() {
    let place = Place::new();
    place.start("instances = 2");
    let load = Load::start(place.public, 8);
    let mut before = place.online();
    assert_eq!(before.len(), 2);
    for generation in 2..=TIMES + 1 {
        place.pm(&["reload", "web"]).with(0);
        let now = place.online();
        assert_eq!(now.len(), 2);
        assert!(now.iter().all(|pid| !before.contains(pid)), "{now:?}");
        let instances = place.instances();
        let newest = instances.iter().map(|it| it["generation"].as_u64()).max();
        assert_eq!(newest, Some(Some(generation as u64)));
        before = now;
    }
    let seen = load.stop();
    eprintln!("{} answers during {TIMES} reloads", seen.answered);
    seen.assert_whole(1_000);
}

#[test]
fn twenty_new_versions_under_load_cost_no_request() {
    let place = Place::new();
    place.start("");
    let load = Load::start(place.public, 8);
    for version in 1..=TIMES {
        let old = place.online();
        place.put_program(&format!(
            "VERSION={version}; export VERSION; exec \"$SERVER\" \"$@\""
        ));
        place.pm(&["reload"]).with(0);
        let [new] = place.online()[..] else {
            panic!("{:?}", place.instances())
        };
        let environment = std::fs::read(format!("/proc/{new}/environ")).unwrap();
        let said = format!("VERSION={version}");
        let mut variables = environment.split(|byte| *byte == 0);
        assert!(variables.any(|variable| variable == said.as_bytes()));
        if version == TIMES {
            old.into_iter().for_each(await_end);
        }
    }
    let seen = load.stop();
    eprintln!("{} answers during {TIMES} upgrades", seen.answered);
    seen.assert_whole(1_000);
}

#[test]
fn an_instance_that_takes_too_much_memory_is_replaced_and_costs_no_request() {
    let place = Place::new();
    // No server takes so little.
    place.start("max_memory_restart = \"1MiB\"");
    let load = Load::start(place.public, 4);
    let first = place.online();
    let replaced = crate::harness::within(crate::harness::PATIENCE, "replaced twice", || {
        std::thread::sleep(std::time::Duration::from_millis(50));
        let instances = place.instances();
        let now = instances.iter().find(|it| it["state"] == "online")?;
        (now["restarts"].as_u64()? >= 2).then(|| now.clone())
    });
    assert_ne!(replaced["pid"].as_i64(), first.first().copied());
    assert_eq!(replaced["last_end"], "more than max_memory_restart");
    load.stop().assert_whole(100);
}

#[test]
fn twenty_restarts_under_load_cost_no_request() {
    let place = Place::new();
    place.start("instances = 2");
    let load = Load::start(place.public, 8);
    for _ in 0..TIMES {
        let before = place.online();
        place.pm(&["restart", "web"]).with(0);
        let now = place.online();
        assert!(now.iter().all(|pid| !before.contains(pid)), "{now:?}");
    }
    let seen = load.stop();
    eprintln!("{} answers during {TIMES} restarts", seen.answered);
    seen.assert_whole(1_000);
}
