//! What a worker says of itself, by the protocol of `sd_notify(3)`. Each has a socket of its own, so it does not matter
//! which of its processes speaks.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use tokio::net::UnixDatagram;

/// Longest message.
const LONGEST: usize = 4096;

/// The socket. Its file goes when it is dropped.
#[derive(Debug)]
pub(super) struct Notifications {
    socket: UnixDatagram,
    path: PathBuf,
}

/// One message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Message {
    /// It serves.
    pub(super) is_ready: bool,
    /// It lives.
    pub(super) is_alive: bool,
    /// It is about to end.
    pub(super) is_stopping: bool,
    /// What it is doing.
    pub(super) status: Option<String>,
    /// The signal on which it leaves its sockets to another process at once, where SIGTERM has it serve on for a while,
    /// unready. Ours says so.
    pub(super) handover: Option<Signal>,
}

impl Notifications {
    pub(super) fn listen(path: &Path) -> io::Result<Self> {
        // Of a supervisor that was killed.
        let _ = fs::remove_file(path);
        Ok(Self {
            socket: UnixDatagram::bind(path)?,
            path: path.to_owned(),
        })
    }

    /// Awaits the next one.
    pub(super) async fn next(&self) -> io::Result<Message> {
        let mut buffer = [0; LONGEST];
        let length = self.socket.recv(&mut buffer).await?;
        Ok(Message::parse(&String::from_utf8_lossy(&buffer[..length])))
    }
}

impl Drop for Notifications {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

impl Message {
    fn parse(text: &str) -> Self {
        let mut message = Self::default();
        for line in text.lines() {
            match line.split_once('=') {
                Some(("READY", "1")) => message.is_ready = true,
                Some(("WATCHDOG", "1")) => message.is_alive = true,
                Some(("STOPPING", "1")) => message.is_stopping = true,
                Some(("STATUS", status)) => message.status = Some(status.to_owned()),
                Some(("X_HANDOVER_SIGNAL", name)) => message.handover = signal(name),
                _ => {}
            }
        }
        message
    }
}

/// Those that a program may want for it.
fn signal(name: &str) -> Option<Signal> {
    match name {
        "SIGQUIT" => Some(Signal::QUIT),
        "SIGUSR1" => Some(Signal::USR1),
        "SIGUSR2" => Some(Signal::USR2),
        "SIGWINCH" => Some(Signal::WINCH),
        "SIGINT" => Some(Signal::INT),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_lines_and_unknown_ones_are_passed_over() {
        let message =
            Message::parse("READY=1\nSTATUS=a=b\nX_HANDOVER_SIGNAL=SIGQUIT\nMAINPID=7\nnonsense\n");
        let expected = Message {
            is_ready: true,
            status: Some("a=b".to_owned()),
            handover: Some(Signal::QUIT),
            ..Message::default()
        };
        assert_eq!(message, expected);
        assert_eq!(Message::parse("READY=0"), Message::default());
    }
}
