//! A TCP proxy that can be bad: it delays, swallows, cuts, and closes one direction.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How often its threads look whether they are still wanted.
const LOOK: Duration = Duration::from_millis(20);

/// A proxy before one server. Dropping it cuts everything.
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

struct Shared {
    server: SocketAddr,
    is_over: AtomicBool,
    /// New connections are closed at once.
    refuses: AtomicBool,
    /// What the server says is kept back, and goes through when this ends.
    is_mute: AtomicBool,
    /// What the server says comes so much later, in milliseconds.
    delay: AtomicU64,
    accepted: AtomicUsize,
    connections: Mutex<Vec<(TcpStream, TcpStream)>>,
}

impl Proxy {
    pub(crate) fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            server,
            is_over: AtomicBool::new(false),
            refuses: AtomicBool::new(false),
            is_mute: AtomicBool::new(false),
            delay: AtomicU64::new(0),
            accepted: AtomicUsize::new(0),
            connections: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        let acceptor = thread::spawn(move || {
            for client in listener.incoming() {
                if accepting.is_over.load(Ordering::Acquire) {
                    return;
                }
                if let Ok(client) = client
                    && !accepting.refuses.load(Ordering::Acquire)
                {
                    // Where the server is down, the client is cut by the drop.
                    let _ = accepting.carry(client);
                }
            }
        });
        Self {
            address,
            shared,
            acceptor: Some(acceptor),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections came so far.
    pub(crate) fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::Acquire)
    }

    /// Cuts all connections, without a proper end where the system does so.
    pub(crate) fn cut(&self) {
        for (client, server) in self.shared.connections.lock().unwrap().drain(..) {
            // Fails where it is closed already.
            let _ = client.shutdown(Shutdown::Both);
            let _ = server.shutdown(Shutdown::Both);
        }
    }

    /// Closes the way to the server alone: what it still says goes through.
    pub(crate) fn half_close(&self) {
        for (_, server) in self.shared.connections.lock().unwrap().iter() {
            let _ = server.shutdown(Shutdown::Write);
        }
    }

    /// Whether new connections are closed at once.
    pub(crate) fn refuse(&self, refuses: bool) {
        self.shared.refuses.store(refuses, Ordering::Release);
    }

    /// Whether what the server says is kept back.
    pub(crate) fn mute(&self, is_mute: bool) {
        self.shared.is_mute.store(is_mute, Ordering::Release);
    }

    /// How much later what the server says comes.
    pub(crate) fn delay(&self, delay: Duration) {
        let millis = u64::try_from(delay.as_millis()).unwrap();
        self.shared.delay.store(millis, Ordering::Release);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Release);
        self.cut();
        // Wakes the acceptor.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

impl Shared {
    fn carry(self: &Arc<Self>, client: TcpStream) -> std::io::Result<()> {
        let server = TcpStream::connect(self.server)?;
        for stream in [&client, &server] {
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(LOOK))?;
        }
        let pair = (client.try_clone()?, server.try_clone()?);
        self.connections.lock().unwrap().push(pair);
        self.accepted.fetch_add(1, Ordering::AcqRel);
        let (from_client, to_server) = (client.try_clone()?, server.try_clone()?);
        let (there, back) = (Arc::clone(self), Arc::clone(self));
        thread::spawn(move || there.copy(from_client, to_server, false));
        thread::spawn(move || back.copy(server, client, true));
        Ok(())
    }

    fn copy(&self, mut from: TcpStream, mut to: TcpStream, is_answer: bool) {
        let mut buffer = [0; 16 * 1024];
        while !self.is_over.load(Ordering::Acquire) {
            let read = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    continue;
                }
                Err(_) => break,
            };
            if is_answer {
                let delay = self.delay.load(Ordering::Acquire);
                if delay > 0 {
                    thread::sleep(Duration::from_millis(delay));
                }
                while self.is_mute.load(Ordering::Acquire) && !self.is_over.load(Ordering::Acquire)
                {
                    thread::sleep(Duration::from_millis(1));
                }
            }
            if to.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        // Passes the end on.
        let _ = to.shutdown(Shutdown::Write);
    }
}
