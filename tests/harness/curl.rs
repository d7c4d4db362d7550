//! Clients of HTTP/2, which keep one connection for all that they ask.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::{PATIENCE, Shop, within};

/// A client that asks over and over and notes what came of it, until it is dropped.
pub(crate) struct Curl {
    child: Child,
    story: PathBuf,
}

impl Curl {
    /// Asks at a port for a product, a hundred times a second.
    pub(crate) fn start(shop: &Shop, port: u16, certificate: &Path, name: &str) -> Self {
        let story = shop.file(&format!("story-{name}"));
        let url = format!("https://localhost:{port}/products/1#[1-10000000]");
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

    /// How many answers it had so far.
    pub(crate) fn answered(&self) -> usize {
        self.answers().len()
    }

    /// How many connections it made.
    pub(crate) fn connections(&self) -> usize {
        let story = fs::read_to_string(&self.story).unwrap();
        story.matches("Connected to localhost").count()
    }

    /// Awaits so many more answers of each.
    pub(crate) fn await_more(clients: &[Self], more: usize) {
        let before: Vec<_> = clients.iter().map(Self::answered).collect();
        for (client, before) in clients.iter().zip(before) {
            within(PATIENCE, "it goes on", || {
                (client.answered() > before + more).then_some(())
            });
        }
    }

    /// Asserts that nothing failed, not even what it then asked again by itself, and that there was something to fail.
    #[track_caller]
    pub(crate) fn assert_whole(&self, least: usize) {
        let answers = self.answers();
        let failures: Vec<_> = answers.iter().filter(|it| *it != "2 200 0").collect();
        assert!(failures.is_empty(), "{failures:?}");
        assert!(answers.len() >= least, "{}", answers.len());
        let story = fs::read_to_string(&self.story).unwrap();
        for trouble in ["retrying", "Connection reset", "Connection died"] {
            let told: Vec<_> = story
                .lines()
                .filter(|line| line.contains(trouble))
                .collect();
            assert!(told.is_empty(), "{told:?}");
        }
    }
}

impl Drop for Curl {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let _ = self.child.wait();
    }
}
