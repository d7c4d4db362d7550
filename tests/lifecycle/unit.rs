//! A service as systemd has it: sockets that outlive the process, and a manager that is told how it is.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{PATIENCE, Program, Shop, certificate, free_port, product, within};

use super::manager::Manager;

/// `systemd-socket-activate` opens the sockets and hands them to a loop that starts whatever the program is then.
/// Ended when it goes out of scope.
pub(super) struct Unit {
    pub(super) shop: Shop,
    pub(super) public: SocketAddr,
    manager: Manager,
    keeper: Program,
    /// Folders with a certificate and its key each, used in turn; none without TLS.
    certificates: Vec<PathBuf>,
}

impl Unit {
    /// Without TLS.
    pub(super) fn start() -> Self {
        Self::start_with(false)
    }

    /// With TLS, and HTTP/2 for who wants it.
    pub(super) fn start_encrypted() -> Self {
        Self::start_with(true)
    }

    fn start_with(is_encrypted: bool) -> Self {
        let shop = Shop::with(&[product("lamp", "Lamp")]);
        let manager = Manager::new(&shop);
        let [public, admin] = [(); 2].map(|()| SocketAddr::from(([127, 0, 0, 1], free_port())));
        let mut certificates = Vec::new();
        for name in ["one", "two"] {
            let folder = shop.file(name);
            fs::create_dir(&folder).unwrap();
            if is_encrypted {
                certificate(&folder);
                certificates.push(folder);
            }
        }
        let mut keep = Command::new("systemd-socket-activate");
        keep.stdin(Stdio::null()).stdout(Stdio::null());
        keep.current_dir(shop.file(""));
        keep.arg(format!("--listen={public}"))
            .arg(format!("--listen={admin}"));
        keep.arg("--fdname=public:admin");
        let mut environment = vec![
            ("NOTIFY_SOCKET", manager.path.clone()),
            ("SERVER", env!("CARGO_BIN_EXE_doorbuster").to_owned()),
            ("DOORBUSTER_SERVER_WORKERS", "1".to_owned()),
            // Balancers are not to find out: there is no other server for them.
            ("DOORBUSTER_SERVER_DRAIN_GRACE", "0s".to_owned()),
            ("DOORBUSTER_FLAGS_LADDER", "none".to_owned()),
        ];
        if is_encrypted {
            environment.extend([
                ("DOORBUSTER_SERVER_HTTP2", "true".to_owned()),
                ("DOORBUSTER_SERVER_TLS_CERT", "cert.pem".to_owned()),
                ("DOORBUSTER_SERVER_TLS_KEY", "key.pem".to_owned()),
            ]);
        }
        for (name, value) in environment {
            keep.arg(format!("--setenv={name}={value}"));
        }
        let serve = shop.command("serve");
        keep.args([
            "sh",
            "-c",
            "until [ -e end ]; do ./program \"$@\"; done",
            "sh",
        ]);
        keep.args(serve.get_args()).arg("--config=shop.toml");
        let unit = Self {
            keeper: {
                put_version(&shop, 0);
                put_certificate(&shop, &certificates, 0);
                fs::write(shop.file("shop.toml"), "").unwrap();
                Program::start(&mut keep)
            },
            shop,
            public,
            manager,
            certificates,
        };
        // It starts when somebody comes.
        within(PATIENCE, "it listens", || TcpStream::connect(public).ok());
        unit.manager.wait_for("READY=1");
        unit
    }

    /// A file with all certificates that are used, the first of them first.
    pub(super) fn trusted(&self) -> PathBuf {
        let all = self.certificates.iter();
        let all: String = all
            .map(|folder| fs::read_to_string(folder.join("cert.pem")).unwrap())
            .collect();
        let trusted = self.shop.file("trusted.pem");
        fs::write(&trusted, all).unwrap();
        trusted
    }

    /// The first certificate, whose key is beside it.
    pub(super) fn certificate(&self) -> PathBuf {
        self.certificates[0].join("cert.pem")
    }

    /// `systemctl reload`, with a file in which everything is different that may be.
    pub(super) fn reload(&self, number: usize) {
        let flags = self.shop.file(&format!("flags-{number}.json"));
        fs::write(&flags, "{\"flags\":{}}").unwrap();
        let text = format!(
            "[flags]\nfile = \"{}\"\n[server]\ndrain = \"{}s\"\n[telemetry]\ntrace_slow = \"{}s\"\n\
             [[limits.policy]]\nname = \"many\"\nclasses = [\"product\"]\n\
             windows = [{{ name = \"hour\", quota = {}, window = \"1h\" }}]\n",
            flags.display(),
            number + 60,
            number + 1,
            number + 1_000_000,
        );
        fs::write(self.shop.file("shop.toml"), text).unwrap();
        put_certificate(&self.shop, &self.certificates, number);
        let says = |line: &serde_json::Value| {
            let message = line["message"].as_str().unwrap_or_default();
            let parts = ["flags.file", "limits.policy", "server.drain", "trace_slow"];
            message.starts_with("read the configuration again: ")
                && parts.iter().all(|part| message.contains(part))
                && (self.certificates.is_empty() || message.contains("the certificate"))
        };
        let before = self.keeper.log.count(says);
        self.signal(Signal::HUP);
        self.manager.wait_for("RELOADING=1");
        self.manager.wait_for("READY=1");
        within(PATIENCE, "it says what is different", || {
            (self.keeper.log.count(says) > before).then_some(())
        });
    }

    /// A new program, and `systemctl restart`.
    pub(super) fn upgrade(&self, version: usize) {
        put_version(&self.shop, version);
        let old = self.main_process();
        self.signal(Signal::TERM);
        self.manager.wait_for("STOPPING=1");
        self.manager.wait_for("READY=1");
        let new = self.main_process();
        assert_ne!(new, old);
        let environment = fs::read(format!("/proc/{new}/environ")).unwrap();
        let said = format!("VERSION={version}");
        let mut variables = environment.split(|byte| *byte == 0);
        assert!(variables.any(|variable| variable == said.as_bytes()));
    }

    fn main_process(&self) -> i32 {
        let text = fs::read_to_string(self.shop.file("pid")).unwrap();
        text.trim().parse().unwrap()
    }

    fn signal(&self, signal: Signal) {
        let process = Pid::from_raw(self.main_process()).unwrap();
        kill_process(process, signal).unwrap();
    }
}

impl Drop for Unit {
    fn drop(&mut self) {
        // Killing the loop would leave the server.
        let _ = fs::write(self.shop.file("end"), "");
        let running = Pid::from_raw(self.main_process());
        let _ = running.map(|process| kill_process(process, Signal::KILL));
        let _ = self.keeper.child.wait();
    }
}

/// The program that is started next, put in its place as a package manager does it.
fn put_version(shop: &Shop, version: usize) {
    let (new, path) = (shop.file("program.new"), shop.file("program"));
    let script = format!(
        "#!/bin/sh\necho $$ >pid\nexport LISTEN_PID=$$ VERSION={version}\nexec \"$SERVER\" \"$@\"\n"
    );
    fs::write(&new, script).unwrap();
    fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).unwrap();
    fs::rename(new, path).unwrap();
}

fn put_certificate(shop: &Shop, certificates: &[PathBuf], number: usize) {
    if certificates.is_empty() {
        return;
    }
    let folder = &certificates[number % certificates.len()];
    for file in ["cert.pem", "key.pem"] {
        fs::copy(folder.join(file), shop.file(file)).unwrap();
    }
}
