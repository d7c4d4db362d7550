//! HTTP byte by byte, for what a proper client would not send or would hide.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use super::{PATIENCE, Reply};

/// A connection.
pub(crate) struct Raw(BufReader<TcpStream>);

impl Raw {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }

    /// What arrives.
    pub(super) fn reader(&mut self) -> &mut impl BufRead {
        &mut self.0
    }

    /// Where to send.
    pub(super) fn writer(&mut self) -> &mut impl Write {
        self.0.get_mut()
    }

    /// The same connection for another thread, so that one sends while the other reads.
    pub(crate) fn second_handle(&self) -> Self {
        Self(BufReader::new(self.0.get_ref().try_clone().unwrap()))
    }

    /// Ends the connection, for every handle to it.
    pub(crate) fn close(&self) {
        let _ = self.0.get_ref().shutdown(Shutdown::Both);
    }

    /// Writes bytes as they are.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.0.get_mut().write_all(bytes.as_ref()).unwrap();
        self
    }

    /// Writes as much as the other side takes: it may have answered and left.
    pub(crate) fn send_anyway(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let _ = self.0.get_mut().write_all(bytes.as_ref());
        self
    }

    /// Says that nothing more will be sent.
    pub(crate) fn finish_sending(&mut self) -> &mut Self {
        self.0.get_mut().shutdown(Shutdown::Write).unwrap();
        self
    }

    /// Reads status and headers, and no more.
    pub(crate) fn head(&mut self) -> Reply {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            let length = self.0.read_line(&mut line).unwrap();
            assert!(length > 0, "the connection ended within a head: {lines:?}");
            match line.strip_suffix("\r\n") {
                Some("") => break,
                Some(line) => lines.push(line.to_owned()),
                None => panic!("not ended by CR LF: {line:?}"),
            }
        }
        let mut lines = lines.into_iter();
        let status_line = lines.next().unwrap();
        let status = status_line.strip_prefix("HTTP/1.1 ").unwrap();
        Reply {
            status: status[..3].parse().unwrap(),
            headers: lines
                .map(|line| {
                    let (name, value) = line.split_once(": ").unwrap();
                    (name.to_ascii_lowercase(), value.to_owned())
                })
                .collect(),
            body: Vec::new(),
        }
    }

    /// Reads a response whose body is as long as its head says.
    pub(crate) fn reply(&mut self) -> Reply {
        let mut reply = self.head();
        let length = reply.header("content-length").unwrap().parse().unwrap();
        reply.body = vec![0; length];
        self.read_exactly(&mut reply.body);
        reply
    }

    /// Reads as many bytes as the buffer has.
    pub(crate) fn read_exactly(&mut self, buffer: &mut [u8]) {
        self.0.read_exact(buffer).unwrap();
    }

    /// Reads whatever comes until the connection ends, by a proper end or a reset.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        if let Err(error) = self.0.read_to_end(&mut rest) {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
        }
        rest
    }
}
