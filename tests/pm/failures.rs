//! What does not work changes nothing.

use std::time::Duration;

use crate::harness::{Load, PATIENCE, Raw, within};

use super::place::{Place, await_end, end, is_running};

#[test]
fn a_new_version_that_fails_or_hangs_leaves_the_old_one_serving() {
    let place = Place::new();
    place.start("");
    let before = place.online();
    let load = Load::start(place.public, 4);
    place.put_program("echo no such library >&2; exit 3");
    let ended = place.pm(&["reload"]).with(1);
    for part in ["web: ", "exit code 3", "no such library", "goes on"] {
        assert!(ended.stderr.contains(part), "{ended:?}");
    }
    assert_eq!(place.online(), before);

    place.put_program("exec sleep 600");
    let file = place.put_file("");
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text.replace("listen_timeout = \"25s\"", "listen_timeout = \"500ms\"");
    std::fs::write(&file, text).unwrap();
    let ended = place.pm(&["reload", &file]).with(1);
    assert!(ended.stderr.contains("was not ready within"), "{ended:?}");
    assert_eq!(place.online(), before);
    // Nothing of it is left.
    assert_eq!(place.instances().len(), 1);

    // A definition that cannot come into force is no other case.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let other = place.public;
    let text = std::fs::read_to_string(place.put_file("")).unwrap();
    let address = taken.local_addr().unwrap();
    std::fs::write(
        &file,
        text.replace(&other.to_string(), &address.to_string()),
    )
    .unwrap();
    let ended = place.pm(&["reload", &file]).with(1);
    assert!(ended.stderr.contains("cannot listen on"), "{ended:?}");
    assert_eq!(place.online(), before);
    load.stop().assert_whole(100);
}

#[test]
fn start_says_what_does_not_start() {
    let place = Place::new();
    place.put_program("echo broken >&2; exit 1");
    let file = place.put_file("max_restarts = 2\nexp_backoff_restart_delay = \"10ms\"");
    let ended = place.pm(&["start", &file]).with(1);
    assert!(
        ended
            .stderr
            .contains("instance 0 ended before it was ready: exit code 1; it said: broken"),
        "{ended:?}"
    );
    // It is tried again, and given up.
    within(PATIENCE, "given up", || {
        let instances = place.instances();
        (instances[0]["state"] == "errored").then(|| assert_eq!(instances[0]["restarts"], 2))
    });
    place.put_program("exec \"$SERVER\" \"$@\"");
    place.pm(&["restart", "web"]).with(0);
    assert_eq!(place.get(), 200);
}

#[test]
fn a_worker_that_is_killed_is_started_again_and_who_connects_waits() {
    let place = Place::new();
    place.start("");
    let before = place.online();
    for process in &before {
        end(i32::try_from(*process).unwrap());
    }
    before.iter().copied().for_each(await_end);
    // The socket is there although nobody accepts from it.
    assert_eq!(place.get(), 200);
    let instances = within(PATIENCE, "ready", || {
        (place.online().len() == 1).then(|| place.instances())
    });
    assert_eq!(instances[0]["restarts"], 1);
    assert_eq!(instances[0]["last_end"], "signal 9");
}

#[test]
fn a_supervisor_that_is_killed_leaves_its_workers_to_the_next_one() {
    let place = Place::new();
    place.start("instances = 2");
    let before = place.online();
    let load = Load::start(place.public, 4);
    let daemon = place.daemon();
    end(daemon);
    await_end(i64::from(daemon));
    let answered = load.answered();
    within(PATIENCE, "they serve on", || {
        (load.answered() > answered + 50).then_some(())
    });
    // The next command finds nobody, and has the next one started.
    assert_eq!(place.online(), before);
    assert_ne!(place.daemon(), daemon);
    // It has the sockets: a new generation serves at them when the old ones have ended.
    place.pm(&["reload"]).with(0);
    before.iter().copied().for_each(await_end);
    assert_eq!(place.online().len(), 2);
    load.stop().assert_whole(100);

    // One that died meanwhile is started again.
    let [first, second] = place.online()[..] else {
        panic!("{:?}", place.instances())
    };
    let daemon = place.daemon();
    end(daemon);
    await_end(i64::from(daemon));
    end(i32::try_from(first).unwrap());
    await_end(first);
    let now = place.online();
    assert!(now.len() == 2 && now.contains(&second), "{now:?}");
    // So is one that dies later, although it is nobody's child.
    end(i32::try_from(second).unwrap());
    await_end(second);
    within(PATIENCE, "started again", || {
        (place.online().len() == 2).then_some(())
    });
    place.pm(&["update"]).with(0);
    assert_eq!(place.online().len(), 2);
    let left = place.online();
    place.pm(&["kill"]).with(0);
    assert!(left.iter().all(|process| !is_running(*process)));
}

#[test]
fn a_stop_tells_load_balancers_first_and_finishes_what_was_begun() {
    let place = Place::new();
    place.start("");
    let mut kept = Raw::connect(place.public);
    kept.send("GET /products/1 HTTP/1.1\r\nhost: shop\r\n\r\n");
    kept.reply().with(200);
    std::thread::scope(|scope| {
        let stopping = scope.spawn(|| place.pm(&["stop", "web"]).with(0));
        within(Duration::from_secs(5), "unready", || {
            let mut connection = std::net::TcpStream::connect(place.public).ok()?;
            std::io::Write::write_all(
                &mut connection,
                b"GET /readyz HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n",
            )
            .ok()?;
            let mut answer = String::new();
            std::io::Read::read_to_string(&mut connection, &mut answer).ok()?;
            answer.starts_with("HTTP/1.1 503").then_some(())
        });
        stopping.join().unwrap();
    });
    assert!(std::net::TcpStream::connect(place.public).is_err());
    place.pm(&["start", "web"]).with(0);
    assert_eq!(place.get(), 200);
}
