//! Whoever the program sends requests to, as it is or answers otherwise: refuses, hangs up, redirects.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

use super::{PATIENCE, within};

/// What was sent.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Message {
    /// Names are in lower case.
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        &found.unwrap().1
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

#[derive(Default)]
struct Shared {
    messages: Mutex<Vec<Message>>,
    /// Statuses of the next answers; 0 hangs up. 204 where there is none.
    answers: Mutex<VecDeque<u16>>,
    /// What answers hold that are no errors.
    content: Mutex<String>,
}

/// Says nothing until whoever asks has had enough.
pub(crate) const HANGS: u16 = 1;

/// A receiver, until the test ends.
pub(crate) struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Receiver {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::<Shared>::default();
        let of = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let of = Arc::clone(&of);
                thread::spawn(move || of.serve(&stream));
            }
        });
        Self { address, shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Statuses of the next answers; 0 hangs up, and [`HANGS`] does not. 204 where none is said.
    pub(crate) fn answer(&self, statuses: &[u16]) {
        self.shared.answers.lock().unwrap().extend(statuses);
    }

    /// What further answers hold, as 200.
    pub(crate) fn answer_with(&self, content: &str) {
        content.clone_into(&mut self.shared.content.lock().unwrap());
    }

    pub(crate) fn messages(&self) -> Vec<Message> {
        self.shared.messages.lock().unwrap().clone()
    }

    pub(crate) fn wait_for(&self, count: usize) -> Vec<Message> {
        within(PATIENCE, "messages", || {
            let messages = self.messages();
            (messages.len() >= count).then_some(messages)
        })
    }
}

impl Shared {
    fn serve(&self, stream: &TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let (method, path) = line.split_once(' ')?;
            let request = (method.to_owned(), path.split(' ').next()?.to_owned());
            let mut headers = Vec::new();
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).ok()? == 0 {
                    return None;
                }
                let Some((name, value)) = line.trim_end().split_once(": ") else {
                    if line.trim_end().is_empty() {
                        break;
                    }
                    continue;
                };
                headers.push((name.to_ascii_lowercase(), value.to_owned()));
            }
            let length = headers.iter().find(|(name, _)| name == "content-length");
            let length = length.map_or(Some(0), |(_, length)| length.parse().ok())?;
            let mut body = vec![0; length];
            reader.read_exact(&mut body).ok()?;
            let body = String::from_utf8(body).ok()?;
            self.messages.lock().unwrap().push(Message {
                method: request.0,
                path: request.1,
                headers,
                body,
            });
            let content = self.content.lock().unwrap().clone();
            let usual = if content.is_empty() { 204 } else { 200 };
            let status = self.answers.lock().unwrap().pop_front().unwrap_or(usual);
            if status == 0 {
                return None;
            }
            if status == HANGS {
                // Ends with the connection.
                let _ = reader.read_exact(&mut [0]);
                return None;
            }
            let content = if status == 200 {
                content
            } else {
                String::new()
            };
            let answer = format!(
                "HTTP/1.1 {status} It\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: {}\r\n\r\n{content}",
                content.len()
            );
            let mut stream = stream;
            stream.write_all(answer.as_bytes()).ok()?;
        }
    }
}
