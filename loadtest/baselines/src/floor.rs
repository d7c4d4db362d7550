//! What the kernel costs: one thread, one epoll, one `recv` and one `send` per request, and no parsing
//! beyond the blank line that ends a request.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

/// A request of a load generator is far shorter; one `recv` takes it whole.
const REQUEST_BYTES: usize = 4096;
const LISTENER: Token = Token(0);

/// Answers every request on every connection with the same bytes, until the process is killed.
pub(crate) fn serve(listen: SocketAddr, body: &[u8]) -> io::Result<()> {
    let response = response(body);
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(128);
    let mut listener = TcpListener::bind(listen)?;
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut connections = HashMap::new();
    let mut last = LISTENER;
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            if event.token() == LISTENER {
                while let Some(mut connection) = accept(&listener)? {
                    last = Token(last.0 + 1);
                    poll.registry()
                        .register(&mut connection, last, Interest::READABLE)?;
                    connections.insert(last, connection);
                }
            } else if let Some(connection) = connections.get_mut(&event.token())
                && !answer(connection, &response).unwrap_or(false)
            {
                connections.remove(&event.token());
            }
        }
    }
}

/// The next connection that waits, if any.
fn accept(listener: &TcpListener) -> io::Result<Option<TcpStream>> {
    match listener.accept() {
        Ok((connection, _)) => {
            connection.set_nodelay(true)?;
            Ok(Some(connection))
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

/// One `recv`, one `send`. False once the peer has left.
///
/// Events are edge-triggered, so a `recv` that does not fill the buffer has taken all there was, and
/// the next request makes an event of its own. A generator that waits for each answer leaves the send
/// buffer empty, so one `send` takes the whole response; anything else ends the connection, which the
/// generator counts as an error.
fn answer(connection: &mut TcpStream, response: &[u8]) -> io::Result<bool> {
    let mut request = [0; REQUEST_BYTES];
    let received = match connection.read(&mut request) {
        Ok(received) => received,
        Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
        Err(error) => return Err(error),
    };
    Ok(request[..received].ends_with(b"\r\n\r\n") && connection.write(response)? == response.len())
}

/// Head and body in one piece, with the headers that actix-web sends.
fn response(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\ncontent-type: application/json\r\n\
         date: Tue, 24 Nov 2026 00:00:00 GMT\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_a_whole_http_message() {
        let response = String::from_utf8(response(b"{}")).unwrap_or_default();
        assert!(response.starts_with("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n"));
        assert!(response.ends_with("\r\n\r\n{}"));
    }
}
