//! systemd's two protocols: sockets that are handed over, and what is told in return.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::harness::{PATIENCE, Program, Raw, Server, Shop, free_port, product, within};

/// Stands in for systemd.
pub(super) struct Manager {
    socket: UnixDatagram,
    pub(super) path: String,
}

impl Manager {
    pub(super) fn new(shop: &Shop) -> Self {
        let path = shop.file("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        Self {
            socket,
            path: path.to_str().unwrap().to_owned(),
        }
    }

    /// Awaits a message that says this on a line; returns the whole message.
    #[track_caller]
    pub(super) fn wait_for(&self, line: &str) -> String {
        let message = self.next_within(line, PATIENCE);
        message.unwrap_or_else(|| panic!("nobody says {line}"))
    }

    fn next_within(&self, line: &str, limit: Duration) -> Option<String> {
        let deadline = Instant::now() + limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            self.socket.set_read_timeout(Some(left)).unwrap();
            let mut buffer = [0; 4096];
            let Ok(length) = self.socket.recv(&mut buffer) else {
                return None;
            };
            let message = String::from_utf8(buffer[..length].to_vec()).unwrap();
            if message.lines().any(|said| said == line) {
                return Some(message);
            }
        }
    }

    fn forget(&self) {
        self.socket.set_nonblocking(true).unwrap();
        while self.socket.recv(&mut [0; 4096]).is_ok() {}
        self.socket.set_nonblocking(false).unwrap();
    }
}

#[test]
fn a_service_manager_is_told_how_the_server_is() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let manager = Manager::new(&shop);
    let mut server = shop.serve_with(&[], &[("NOTIFY_SOCKET", &manager.path)]);
    let ready = manager.wait_for("READY=1");
    let status = format!("STATUS=serving at {}", server.public);
    assert!(ready.lines().any(|line| line == status), "{ready}");
    server.get("/readyz").with(200);

    server.program.signal(Signal::HUP);
    let reloading = manager.wait_for("RELOADING=1");
    let now = reloading
        .lines()
        .find_map(|line| line.strip_prefix("MONOTONIC_USEC="));
    assert!(now.unwrap().parse::<u64>().unwrap() > 0, "{reloading}");
    manager.wait_for("READY=1");

    server.program.signal(Signal::TERM);
    manager.wait_for("STOPPING=1");
    assert_eq!(server.program.wait_for_code(), 0);
}

#[test]
fn a_worker_process_tells_the_same() {
    let shop = Shop::empty();
    let manager = Manager::new(&shop);
    let mut command = shop.command("work");
    command.env("NOTIFY_SOCKET", &manager.path);
    let mut worker = Program::start(&mut command);
    manager.wait_for("READY=1");
    worker.signal(Signal::HUP);
    manager.wait_for("RELOADING=1");
    manager.wait_for("READY=1");
    worker.signal(Signal::TERM);
    manager.wait_for("STOPPING=1");
    assert_eq!(worker.wait_for_code(), 0);
}

/// Stops one thread of a process, and no other, until it is dropped. A debugger can.
#[expect(dead_code, reason = "kept for its end")]
struct StuckThread(Program);

impl StuckThread {
    fn new(thread: i32) -> Self {
        const SCRIPT: &str = "\
import ctypes, sys, time
libc = ctypes.CDLL(None, use_errno=True)
SEIZE, INTERRUPT = 0x4206, 0x4207
thread = int(sys.argv[1])
for request in (SEIZE, INTERRUPT):
    if libc.ptrace(request, thread, None, None) != 0:
        sys.exit(ctypes.get_errno())
print('{\"message\": \"stuck\"}', file=sys.stderr, flush=True)
time.sleep(3600)
";
        let mut command = Command::new("python3");
        command.args(["-c", SCRIPT, &thread.to_string()]);
        let debugger = Program::start(command.stdin(Stdio::null()));
        debugger.log.wait_for_message("stuck");
        Self(debugger)
    }
}

/// A thread that answers requests of the public.
fn http_worker(server: &Server) -> i32 {
    let folder = format!("/proc/{}/task", server.program.child.id());
    let mut threads: Vec<i32> = fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| {
            let entry = entry.unwrap();
            let name = fs::read_to_string(entry.path().join("comm")).unwrap();
            // Linux keeps the first 15 bytes of `actix-rt|system:0|arbiter:N`.
            name.starts_with("actix-rt|system")
                .then(|| entry.file_name().to_str().unwrap().parse().unwrap())
        })
        .collect();
    threads.sort_unstable();
    // Those of the public were begun first.
    threads[0]
}

#[test]
fn signs_of_life_end_when_one_worker_of_several_is_stuck() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let manager = Manager::new(&shop);
    let environment = [
        ("NOTIFY_SOCKET", manager.path.as_str()),
        ("WATCHDOG_USEC", "300000"),
        ("DOORBUSTER_SERVER_WORKERS", "2"),
    ];
    let server = shop.serve_with(&[], &environment);
    for _ in 0..3 {
        manager.wait_for("WATCHDOG=1");
    }
    let stuck = StuckThread::new(http_worker(&server));
    // One round may have been answered just before.
    manager.forget();
    manager.next_within("WATCHDOG=1", Duration::from_millis(150));
    let sign = manager.next_within("WATCHDOG=1", Duration::from_secs(1));
    assert_eq!(sign, None);
    // The other one still answers: only a look at each of them finds out.
    let mut connections: Vec<_> = (0..2).map(|_| server.connect()).collect();
    for connection in &mut connections {
        connection.send("GET /healthz HTTP/1.1\r\nhost: shop\r\n\r\n");
    }
    drop(stuck);
    manager.wait_for("WATCHDOG=1");
    for connection in &mut connections {
        connection.reply().with(200);
    }
}

#[test]
fn systemd_can_hand_the_sockets_over() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let address = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
    for names in [true, false] {
        let (public, admin) = (address(free_port()), address(free_port()));
        // With names they may come in any order.
        let order = if names {
            [admin, public]
        } else {
            [public, admin]
        };
        let mut command = Command::new("systemd-socket-activate");
        command.stdin(Stdio::null());
        for listen in order {
            command.arg(format!("--listen={listen}"));
        }
        if names {
            command.arg("--fdname=admin:public");
        }
        let serve = shop.command("serve");
        command.arg(serve.get_program()).args(serve.get_args());
        let mut program = Program::start(&mut command);
        // It starts the server when somebody comes.
        let first = within(PATIENCE, "it listens", || TcpStream::connect(public).ok());
        program
            .log
            .wait_for_message(&format!("listening on http://{public}"));
        program
            .log
            .wait_for_message(&format!("listening for operators on http://{admin}"));
        drop(first);
        let ask = |address, path: &str| {
            let request = format!("GET {path} HTTP/1.1\r\nhost: shop\r\n\r\n");
            Raw::connect(address).send(request).reply()
        };
        ask(public, "/products/1").with(200);
        ask(admin, "/admin/cache").with(200);
        program.signal(Signal::TERM);
        assert_eq!(program.wait_for_code(), 0);
    }
}
