//! Upgrades under load over HTTP/2, whose clients keep one connection for all that they ask.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{PATIENCE, certificate, within};

use super::place::Place;

const TIMES: usize = 20;
const CLIENTS: usize = 3;

/// A client that asks over and over and notes what came of it, until it is dropped.
struct Curl {
    child: Child,
    story: PathBuf,
}

impl Curl {
    fn start(place: &Place, certificate: &Path, number: usize) -> Self {
        let story = place.shop.file(&format!("story-{number}"));
        let url = format!(
            "https://localhost:{}/products/1#[1-10000000]",
            place.public.port()
        );
        let child = Command::new("curl")
            .args(["--http2", "-sv", "-o", "/dev/null", "--rate", "100/s"])
            .args([
                "-w",
                "%{stderr}\\nANSWER %{http_version} %{http_code} %{exitcode}\\n",
            ])
            .arg("--cacert")
            .arg(certificate)
            .arg(url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&story).unwrap())
            .spawn()
            .unwrap();
        Self { child, story }
    }

    /// The protocol, the status and curl's own code of each.
    fn answers(&self) -> Vec<String> {
        let story = fs::read_to_string(&self.story).unwrap();
        // The last line may be on its way.
        let (whole, _) = story.rsplit_once('\n').unwrap_or_default();
        let answers = whole
            .lines()
            .filter_map(|line| line.strip_prefix("ANSWER "));
        answers.map(str::to_owned).collect()
    }
}

impl Drop for Curl {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let _ = self.child.wait();
    }
}

#[test]
fn twenty_new_versions_over_http2_cost_no_request() {
    let place = Place::new();
    let folder = place.shop.file("tls");
    fs::create_dir(&folder).unwrap();
    let (certificate, key) = certificate(&folder);
    let environment = format!(
        "DOORBUSTER_SERVER_HTTP2 = \"true\"\nDOORBUSTER_SERVER_TLS_CERT = {certificate:?}\n\
         DOORBUSTER_SERVER_TLS_KEY = {key:?}"
    );
    let file = place.put_file_with("", &environment);
    place.pm(&["start", &file]).with(0);
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| Curl::start(&place, &certificate, number))
        .collect();
    for version in 1..=TIMES {
        let before: Vec<_> = clients.iter().map(|it| it.answers().len()).collect();
        place.put_program(&format!("VERSION={version}; exec \"$SERVER\" \"$@\""));
        place.pm(&["reload"]).with(0);
        // Each has asked the new version, too.
        for (client, before) in clients.iter().zip(before) {
            within(PATIENCE, "it goes on", || {
                (client.answers().len() > before + 20).then_some(())
            });
        }
    }
    for client in &clients {
        let answers = client.answers();
        let failures: Vec<_> = answers.iter().filter(|it| *it != "2 200 0").collect();
        assert!(failures.is_empty(), "{failures:?}");
        assert!(answers.len() > TIMES * 20, "{}", answers.len());
        let story = fs::read_to_string(&client.story).unwrap();
        // What curl asks a second time by itself has failed the first time.
        for trouble in ["retrying", "Connection reset", "Connection died"] {
            let told: Vec<_> = story
                .lines()
                .filter(|line| line.contains(trouble))
                .collect();
            assert!(told.is_empty(), "{told:?}");
        }
        let connections = story.matches("Connected to localhost").count();
        assert!(connections > TIMES, "{connections} connections");
    }
}
