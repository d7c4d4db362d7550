//! A server of mails that answers as it is told.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::{PATIENCE, within};

/// What is done with a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SmtpAnswer {
    /// It is not taken now.
    Later,
    /// It is not taken, now or ever.
    Never,
    /// Nothing is answered.
    Hang,
    /// The connection is closed in the middle of the mail.
    Drop,
}

#[derive(Default)]
struct Shared {
    answers: Mutex<VecDeque<SmtpAnswer>>,
    mails: Mutex<Vec<String>>,
    /// How often a mail was begun.
    begun: Mutex<usize>,
}

/// The server, until the test ends.
pub(crate) struct Smtp {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Smtp {
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
        format!("smtp://{}", self.address)
    }

    /// What is done with the next mails; those after them are taken.
    pub(crate) fn answer(&self, answers: &[SmtpAnswer]) {
        self.shared.answers.lock().unwrap().extend(answers);
    }

    /// Those that were taken.
    pub(crate) fn mails(&self) -> Vec<String> {
        self.shared.mails.lock().unwrap().clone()
    }

    pub(crate) fn begun(&self) -> usize {
        *self.shared.begun.lock().unwrap()
    }

    pub(crate) fn wait_for(&self, count: usize) -> Vec<String> {
        within(PATIENCE, "mails", || {
            let mails = self.mails();
            (mails.len() >= count).then_some(mails)
        })
    }
}

impl Shared {
    fn serve(&self, mut stream: &TcpStream) -> Option<()> {
        let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
        let mut say = |line: &str| stream.write_all(format!("{line}\r\n").as_bytes()).ok();
        let mut answer = None;
        say("220 shop ESMTP")?;
        loop {
            let line = lines.next()?.ok()?;
            match &*line.get(..4).unwrap_or_default().to_ascii_uppercase() {
                "EHLO" => say("250 shop")?,
                "MAIL" => {
                    *self.begun.lock().unwrap() += 1;
                    answer = self.answers.lock().unwrap().pop_front();
                    say("250 go on")?;
                }
                "RCPT" => match answer {
                    Some(SmtpAnswer::Later) => say("450 4.2.0 not now")?,
                    Some(SmtpAnswer::Never) => say("550 5.1.1 nobody of this name")?,
                    Some(SmtpAnswer::Hang) => {
                        // Until the client has had enough.
                        lines.next();
                        return None;
                    }
                    _ => say("250 go on")?,
                },
                "DATA" => {
                    say("354 say it")?;
                    if answer == Some(SmtpAnswer::Drop) {
                        lines.next()?.ok()?;
                        return stream.shutdown(std::net::Shutdown::Both).ok();
                    }
                    let mut mail = String::new();
                    loop {
                        let line = lines.next()?.ok()?;
                        if line == "." {
                            break;
                        }
                        mail += &line;
                        mail.push('\n');
                    }
                    self.mails.lock().unwrap().push(mail);
                    say("250 taken")?;
                }
                "RSET" | "NOOP" => say("250 done")?,
                "QUIT" => {
                    say("221 bye")?;
                    return Some(());
                }
                _ => say("502 what?")?,
            }
        }
    }
}
