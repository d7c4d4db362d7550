//! Clients that occupy connections and do nothing with them.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};

use crate::harness::{PATIENCE, Server, Shop, product, within};

/// How long a client waits that has no patience.
const SOON: Duration = Duration::from_secs(5);

/// Answers that nobody reads would hold up the end.
const NO_DRAIN: (&str, &str) = ("DOORBUSTER_SERVER_DRAIN", "0");

/// What a dribbler does a byte at a time.
#[derive(Clone, Copy, Debug)]
enum Manner {
    /// Its first head.
    Head,
    /// A head after a request that was answered.
    LaterHead,
    /// A body of the length it promised.
    Body,
    /// A body in chunks.
    Chunks,
    /// Reads a long answer.
    Reading,
}

/// So that of twenty each does all of these, and one reads, which costs the most.
const MANNERS: [Manner; 20] = {
    use Manner::{Body, Chunks, Head, LaterHead, Reading};
    [
        Head, LaterHead, Body, Chunks, Head, LaterHead, Body, Chunks, Head, LaterHead, Reading,
        Chunks, Head, LaterHead, Body, Chunks, Head, LaterHead, Body, Head,
    ]
};

struct Dribbler {
    stream: TcpStream,
    manner: Manner,
}

impl Dribbler {
    fn new(address: SocketAddr, manner: Manner) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        let start = match manner {
            Manner::Head => "GET /products/1 HTTP/1.1\r\nx-slow: ",
            Manner::LaterHead => {
                "GET /products/1 HTTP/1.1\r\nhost: shop\r\n\r\nGET /products/1 HTTP/1.1\r\nx-slow: "
            }
            Manner::Body => {
                "POST /products/1 HTTP/1.1\r\nhost: shop\r\ncontent-length: 100000\r\n\r\n"
            }
            Manner::Chunks => {
                "GET /products/1 HTTP/1.1\r\nhost: shop\r\ntransfer-encoding: chunked\r\n\r\n"
            }
            // Each asks for more than any buffer on the way holds.
            Manner::Reading => &"GET /products?limit=100 HTTP/1.1\r\nhost: shop\r\n\r\n".repeat(16),
        };
        // One that is refused already is as good as one that is refused now.
        let _ = stream.write_all(start.as_bytes());
        stream.set_nonblocking(true).unwrap();
        Self { stream, manner }
    }

    /// One byte more. False once the server has had enough.
    fn dribble(&mut self) -> bool {
        let is_open = |result: std::io::Result<usize>| match result {
            Ok(count) => count > 0,
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        };
        match self.manner {
            Manner::Reading => is_open(self.stream.read(&mut [0])),
            Manner::Chunks => is_open(self.stream.write(b"1\r\nx\r\n")) && self.has_no_end(),
            Manner::Head | Manner::LaterHead | Manner::Body => {
                is_open(self.stream.write(b"x")) && self.has_no_end()
            }
        }
    }

    /// Takes what has been sent, of which there is little.
    fn has_no_end(&mut self) -> bool {
        let mut buffer = [0; 4096];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return false,
                Ok(_) => {}
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
    }
}

fn dribblers(server: &Server, count: usize) -> Vec<Dribbler> {
    let manners = MANNERS.into_iter().cycle().take(count);
    manners
        .map(|manner| Dribbler::new(server.public, manner))
        .collect()
}

/// Lets this process open so many files; false where it may not.
fn may_open(files: u64) -> bool {
    let limit = getrlimit(Resource::Nofile);
    if limit.maximum.is_some_and(|maximum| maximum < files) {
        eprintln!(
            "skipped: needs {files} open files, and the system allows {:?}",
            limit.maximum
        );
        return false;
    }
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised).is_ok()
}

/// A connection of its own, and an answer before any dribbler has had to go: their heads are borne with for 10 s.
#[track_caller]
fn is_served(server: &Server) {
    let started = Instant::now();
    server.get_exactly("/products/1").with(200);
    let taken = started.elapsed();
    assert!(taken < Duration::from_secs(9), "{taken:?}");
}

fn long_list() -> Shop {
    let products: Vec<Value> = (0..100)
        .map(|number| {
            let mut product = product(&format!("lamp-{number}"), "Lamp");
            product["description_html"] = json!("<p>Lights the desk.</p>".repeat(800));
            product
        })
        .collect();
    Shop::with(&products)
}

#[test]
fn two_thousand_dribblers_do_not_stop_a_client() {
    if !may_open(4_000) {
        return;
    }
    let shop = long_list();
    let server = shop.serve_with(&[], &[NO_DRAIN]);
    let mut kept = server.connect();
    let mut dribblers = dribblers(&server, 2_000);
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(5) {
        for dribbler in &mut dribblers {
            dribbler.dribble();
        }
        is_served(&server);
        kept.send("GET /products/2 HTTP/1.1\r\nhost: shop\r\n\r\n");
        kept.reply().with(200);
    }
    server.stop();
}

#[test]
fn where_connections_are_full_dribblers_make_room_for_clients() {
    if !may_open(1_000) {
        return;
    }
    let shop = long_list();
    let server = shop.serve_with(
        &[],
        &[("DOORBUSTER_SERVER_MAX_CONNECTIONS", "100"), NO_DRAIN],
    );
    let mut dribblers = dribblers(&server, 150);
    let mut lost = 0;
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(6) {
        for dribbler in &mut dribblers {
            if !dribbler.dribble() {
                lost += 1;
                // Nothing discourages it.
                *dribbler = Dribbler::new(server.public, dribbler.manner);
            }
        }
        is_served(&server);
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(lost > 0, "nobody made room");
    server.stop();
}

#[test]
fn idle_clients_make_room_for_new_ones() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve_with(&[], &[("DOORBUSTER_SERVER_MAX_CONNECTIONS", "8")]);
    let mut idle: Vec<_> = (0..40)
        .map(|_| {
            let mut connection = server.connect();
            connection
                .send("GET /products/1 HTTP/1.1\r\nhost: shop\r\n\r\n")
                .reply()
                .with(200);
            connection
        })
        .collect();
    is_served(&server);
    // The oldest were closed properly; the newest are still there.
    assert_eq!(idle[0].rest(), b"");
    let newest = idle.last_mut().unwrap();
    newest
        .send("GET /products/1 HTTP/1.1\r\nhost: shop\r\n\r\n")
        .reply()
        .with(200);
}

#[test]
fn whoever_keeps_the_server_waiting_is_closed() {
    let shop = long_list();
    let server = shop.serve_with(&[], &[("DOORBUSTER_SERVER_HEADER_TIMEOUT", "500ms")]);
    // Its patience with readers is longer than that of a test: see `http::connections::tests`.
    for manner in [
        Manner::Head,
        Manner::LaterHead,
        Manner::Body,
        Manner::Chunks,
    ] {
        let mut dribbler = Dribbler::new(server.public, manner);
        let started = Instant::now();
        within(PATIENCE, "the end of its patience", || {
            std::thread::sleep(Duration::from_millis(20));
            (!dribbler.dribble()).then_some(())
        });
        let taken = started.elapsed();
        assert!(taken < SOON, "{manner:?}: {taken:?}");
    }
    // Who has sent nothing at all is told, and who is between two requests is let be.
    let mut silent = server.connect();
    let mut idle = server.connect();
    idle.send("GET /products/1 HTTP/1.1\r\nhost: shop\r\n\r\n")
        .reply()
        .with(200);
    assert!(
        silent
            .rest()
            .starts_with(b"HTTP/1.1 408 Request Timeout\r\n")
    );
    std::thread::sleep(Duration::from_secs(2));
    idle.send("GET /products/1 HTTP/1.1\r\nhost: shop\r\n\r\n")
        .reply()
        .with(200);
}

#[test]
fn an_idle_connection_is_kept_as_long_as_is_set() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve_with(&[], &[("DOORBUSTER_SERVER_KEEP_ALIVE", "300ms")]);
    let mut idle = server.connect();
    idle.send("GET /products/1 HTTP/1.1\r\nhost: shop\r\n\r\n")
        .reply()
        .with(200);
    let started = Instant::now();
    assert_eq!(idle.rest(), b"");
    let taken = started.elapsed();
    assert!(
        (Duration::from_millis(200)..SOON).contains(&taken),
        "{taken:?}"
    );
}

#[test]
fn with_few_files_there_are_fewer_connections_and_clients_are_served() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let serve = shop.command("serve");
    let mut command = Command::new("sh");
    command
        .env_clear()
        .arg("-c")
        .arg("ulimit -n 200; exec \"$@\"")
        .arg("sh");
    command.arg(serve.get_program()).args(serve.get_args());
    let server = Server::start(&mut command);
    server
        .program
        .log
        .wait_for_message("server.max_connections = 10000 is more than the 200 open files");
    let _dribblers = dribblers(&server, 300);
    for _ in 0..10 {
        is_served(&server);
    }
}
