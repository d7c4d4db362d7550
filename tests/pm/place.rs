//! A supervisor of its own, with a shop and a process file.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::harness::{
    Ended, PATIENCE, Raw, Shop, certificate, doorbuster, free_port, product, run, within,
};

/// Ended with all that it runs when it goes out of scope.
pub(super) struct Place {
    pub(super) shop: Shop,
    pub(super) public: SocketAddr,
    pub(super) admin: SocketAddr,
}

impl Place {
    pub(super) fn new() -> Self {
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let place = Self {
            shop: Shop::with(&[product("lamp", "Lamp")]),
            public: local(free_port()),
            admin: local(free_port()),
        };
        place.put_program("exec \"$SERVER\" \"$@\"");
        place
    }

    pub(super) fn home(&self) -> PathBuf {
        self.shop.file("pm")
    }

    /// The program that is run: a script, so that it can be another one the next time. Put in its place as a package
    /// manager does it.
    pub(super) fn put_program(&self, script: &str) {
        let (new, path) = (self.shop.file("program.new"), self.shop.file("program"));
        fs::write(&new, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).unwrap();
        fs::rename(new, path).unwrap();
    }

    /// A process file with the shop's server and these further lines.
    pub(super) fn put_file(&self, lines: &str) -> String {
        self.put_file_with(lines, "")
    }

    /// The same, with these further variables.
    fn put_file_with(&self, lines: &str, environment: &str) -> String {
        let serve = self.shop.command("serve");
        let arguments: Vec<_> = serve
            .get_args()
            .map(|it| it.to_str().unwrap().to_owned())
            .collect();
        let text = format!(
            "[[process]]\nname = \"web\"\ncommand = \"./program\"\nargs = {arguments:?}\n\
             listen = [\"{}\", \"admin={}\"]\nlisten_timeout = \"25s\"\n{lines}\n\
             [process.env]\nSERVER = {:?}\nDOORBUSTER_SERVER_WORKERS = \"1\"\n\
             DOORBUSTER_FLAGS_LADDER = \"none\"\nDOORBUSTER_SERVER_DRAIN_GRACE = \"200ms\"\n{environment}\n",
            self.public,
            self.admin,
            env!("CARGO_BIN_EXE_doorbuster"),
        );
        let path = self.shop.file("processes.toml");
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Runs one command.
    pub(super) fn pm(&self, arguments: &[&str]) -> Ended {
        let mut command = doorbuster();
        command.env("PATH", "/usr/bin:/bin");
        command
            .args(["pm", "--home"])
            .arg(self.home())
            .args(arguments);
        run(&mut command, &[])
    }

    #[track_caller]
    pub(super) fn start(&self, lines: &str) {
        let file = self.put_file(lines);
        self.pm(&["start", &file]).with(0);
    }

    /// The same under TLS, with HTTP/2 for who wants it. Returns the certificate, whose key is beside it.
    #[track_caller]
    pub(super) fn start_encrypted(&self, lines: &str) -> PathBuf {
        let folder = self.shop.file("tls");
        fs::create_dir(&folder).unwrap();
        let (certificate, key) = certificate(&folder);
        let environment = format!(
            "DOORBUSTER_SERVER_HTTP2 = \"true\"\nDOORBUSTER_SERVER_TLS_CERT = \"{}\"\n\
             DOORBUSTER_SERVER_TLS_KEY = \"{}\"",
            certificate.display(),
            key.display(),
        );
        let file = self.put_file_with(lines, &environment);
        self.pm(&["start", &file]).with(0);
        certificate
    }

    /// The instances of `web`, as `list` has them.
    #[track_caller]
    pub(super) fn instances(&self) -> Vec<Value> {
        let listed = self.pm(&["list", "--json"]).with(0).summary();
        listed[0]["instances"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    }

    /// The numbers of the processes that serve.
    #[track_caller]
    pub(super) fn online(&self) -> Vec<i64> {
        let instances = self.instances().into_iter();
        let online = instances.filter(|it| it["state"] == "online");
        online.map(|it| it["pid"].as_i64().unwrap()).collect()
    }

    pub(super) fn get(&self) -> u16 {
        Raw::connect(self.public)
            .send("GET /products/1 HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n")
            .reply()
            .status
    }

    /// The supervisor's process.
    pub(super) fn daemon(&self) -> i32 {
        let text = fs::read_to_string(self.home().join("daemon.lock")).unwrap();
        text.trim().parse().unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Its workers are no children of the test: what a failed test leaves is ended here.
        let state = fs::read(self.home().join("state.json")).unwrap_or_default();
        if std::thread::panicking() {
            let log = fs::read_to_string(self.home().join("daemon.log"));
            eprintln!("--- log of the supervisor\n{}", log.unwrap_or_default());
            let log = fs::read_to_string(self.home().join("logs/web-error.log"));
            eprintln!("--- log of its workers\n{}", log.unwrap_or_default());
        }
        if self.pm(&["kill"]).code == 0 {
            return;
        }
        let state: Value = serde_json::from_slice(&state).unwrap_or_default();
        let workers = state["processes"].as_array().into_iter().flatten();
        for worker in workers.flat_map(|it| it["workers"].as_array().into_iter().flatten()) {
            let number = worker["identity"]["pid"].as_i64();
            let number = number.and_then(|number| i32::try_from(number).ok());
            end(number.unwrap_or(0));
        }
    }
}

/// Kills a process that may be gone already.
pub(super) fn end(number: i32) {
    if let Some(process) = Pid::from_raw(number) {
        let _ = kill_process(process, Signal::KILL);
    }
}

pub(super) fn is_running(number: i64) -> bool {
    let stat = fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(')').map(|(_, rest)| rest.trim_start());
    state.is_some_and(|state| !state.starts_with('Z'))
}

pub(super) fn await_end(number: i64) {
    within(PATIENCE, "a process ends", || {
        std::thread::sleep(Duration::from_millis(5));
        (!is_running(number)).then_some(())
    });
}
