//! Clients that ask over and over, each on a connection that it keeps for as long as the server says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::{PATIENCE, within};

/// The clients. They ask until they are told to stop.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    connections: Arc<AtomicU64>,
    clients: Vec<JoinHandle<Vec<String>>>,
}

/// What they have seen.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) answered: u64,
    /// How many connections that took.
    pub(crate) connections: u64,
    /// Every answer of the server's own failing, and every connection that ended without one.
    pub(crate) failures: Vec<String>,
}

impl Load {
    /// Has so many clients ask, a millisecond after each answer.
    pub(crate) fn start(address: SocketAddr, clients: usize) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let [answered, connections] = [(); 2].map(|()| Arc::<AtomicU64>::default());
        let client = |_| {
            let stop = Arc::clone(&stop);
            let (answered, connections) = (Arc::clone(&answered), Arc::clone(&connections));
            thread::spawn(move || ask_on(address, &stop, &answered, &connections))
        };
        let clients = (0..clients).map(client).collect();
        Self {
            stop,
            answered,
            connections,
            clients,
        }
    }

    /// How many answers there were so far.
    pub(crate) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Awaits so many more answers of all of them together.
    pub(crate) fn await_more(&self, more: u64) {
        let before = self.answered();
        within(PATIENCE, "it goes on", || {
            thread::sleep(Duration::from_millis(1));
            (self.answered() >= before + more).then_some(())
        });
    }

    pub(crate) fn stop(self) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        let failures = self.clients.into_iter();
        let failures = failures.flat_map(|client| client.join().unwrap()).collect();
        Seen {
            answered: self.answered.load(Ordering::Relaxed),
            connections: self.connections.load(Ordering::Relaxed),
            failures,
        }
    }
}

impl Seen {
    /// Asserts that nothing failed, and that there was something to fail.
    #[track_caller]
    pub(crate) fn assert_whole(&self, least: u64) {
        assert!(self.failures.is_empty(), "{self:#?}");
        assert!(self.answered >= least, "{self:?}");
    }
}

fn ask_on(
    address: SocketAddr,
    stop: &AtomicBool,
    answered: &AtomicU64,
    connections: &AtomicU64,
) -> Vec<String> {
    let mut failures = Vec::new();
    let mut connection = None;
    let mut asked_on_it = 0;
    while !stop.load(Ordering::Relaxed) {
        let anew = || {
            connections.fetch_add(1, Ordering::Relaxed);
            connect(address)
        };
        let taken = connection.take().map_or_else(anew, Ok);
        match taken.and_then(ask) {
            Ok((status, kept)) => {
                if status >= 500 {
                    failures.push(format!("status {status}"));
                }
                asked_on_it = if kept.is_some() { asked_on_it + 1 } else { 0 };
                connection = kept;
                answered.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => failures.push(format!("after {asked_on_it} answers: {error}")),
        }
        thread::sleep(Duration::from_millis(1));
    }
    failures
}

fn connect(address: SocketAddr) -> std::io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(BufReader::new(stream))
}

/// The status, and the connection unless the server closes it.
fn ask(mut stream: BufReader<TcpStream>) -> std::io::Result<(u16, Option<BufReader<TcpStream>>)> {
    stream
        .get_mut()
        .write_all(b"GET /products/1 HTTP/1.1\r\nhost: shop\r\n\r\n")?;
    let (mut status, mut length, mut closes) = (0, 0, false);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(rest) = line.strip_prefix("http/1.1 ") {
            status = rest[..3].parse().unwrap_or(0);
        } else if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().unwrap_or(0);
        } else if line == "connection: close" {
            closes = true;
        } else if line.is_empty() {
            break;
        }
    }
    stream.read_exact(&mut vec![0; length])?;
    Ok((status, (!closes).then_some(stream)))
}
