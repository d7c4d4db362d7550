//! `pm monit` in a terminal.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::harness::{PATIENCE, doorbuster, within};

use super::place::Place;

#[test]
fn it_takes_a_terminal() {
    let place = Place::new();
    place.start("");
    let ended = place.pm(&["monit"]).with(1);
    assert!(ended.stderr.contains("pm list --json"), "{ended:?}");
}

#[test]
fn in_a_terminal_it_shows_processes_and_takes_keys() {
    let place = Place::new();
    place.start("");
    // `script` has a terminal for whom it runs.
    let program = doorbuster().get_program().to_str().unwrap().to_owned();
    let line = format!(
        "stty rows 30 cols 120; exec {program} pm --home {} monit",
        place.home().display()
    );
    let mut child = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .env("TERM", "xterm")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let shown = Arc::new(Mutex::new(Vec::new()));
    let (mut screen, all) = (child.stdout.take().unwrap(), Arc::clone(&shown));
    let reading = thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = screen.read(&mut buffer) {
            all.lock().unwrap().extend_from_slice(&buffer[..count]);
        }
    });
    let await_word = |word: &str| {
        within(PATIENCE, word, || {
            thread::sleep(Duration::from_millis(5));
            let shown = shown.lock().unwrap();
            String::from_utf8_lossy(&shown).contains(word).then_some(())
        });
    };
    let mut keys = child.stdin.take().unwrap();
    // Single words: blanks are what the screen has anyway, so they are not written. The last one is of the log.
    for word in [
        "processes",
        "online",
        "reload",
        "doorbuster::commands::serve",
    ] {
        await_word(word);
    }
    let mut before = place.online();
    for key in [b"R", b"r"] {
        keys.write_all(key).unwrap();
        before = within(PATIENCE, "another one serves", || {
            thread::sleep(Duration::from_millis(50));
            let now = place.online();
            (now.len() == 1 && now != before).then_some(now)
        });
    }
    keys.write_all(b"q").unwrap();
    assert!(child.wait().unwrap().success());
    reading.join().unwrap();
    // The screen that was there before is there again.
    await_word("\u{1b}[?1049l");
}
