//! The side of the control socket that asks. Blocks.

use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::control::{Reply, Request};
use super::home::Home;

/// How long a daemon may take to be there: it starts what died with the last one first.
const START: Duration = Duration::from_mins(1);
const LOOK: Duration = Duration::from_millis(10);

/// Asks a daemon.
#[derive(Debug, Clone)]
pub struct Client(Home);

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No daemon runs.
    #[error("nothing runs here: no supervisor at {0}; start one with: doorbuster pm start FILE")]
    NoDaemon(String),
    /// One was started, and did not come up.
    #[error("the supervisor does not start; {0} may say why")]
    NoStart(String),
    /// It ended before it replied, or is none of this version.
    #[error("the supervisor gave no reply: {0}")]
    Broken(String),
    /// The system refused.
    #[error("cannot ask the supervisor: {0}")]
    Io(#[from] io::Error),
}

impl Client {
    /// Asks nothing yet.
    pub fn new(home: Home) -> Self {
        Self(home)
    }

    /// Asks the daemon that runs. Where one was killed, the next one is started to take over.
    pub fn ask(&self, request: &Request) -> Result<Reply, ClientError> {
        let Some(stream) = self.connect()? else {
            if self.0.state().exists() {
                return self.ask_starting(request);
            }
            return Err(ClientError::NoDaemon(self.0.path().display().to_string()));
        };
        exchange(stream, request)
    }

    /// Asks a daemon, which is started where none runs.
    pub fn ask_starting(&self, request: &Request) -> Result<Reply, ClientError> {
        if let Some(stream) = self.connect()? {
            return exchange(stream, request);
        }
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.0.daemon_log())?;
        let mut daemon = Command::new(std::env::current_exe()?)
            .args(["pm", "--home"])
            .arg(self.0.path())
            .arg("daemon")
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let began = Instant::now();
        loop {
            if let Some(stream) = self.connect()? {
                return exchange(stream, request);
            }
            // Another one may have been quicker, and is about to listen.
            let _ = daemon.try_wait()?;
            if began.elapsed() > START {
                let log = self.0.daemon_log().display().to_string();
                return Err(ClientError::NoStart(log));
            }
            sleep(LOOK);
        }
    }

    fn connect(&self) -> io::Result<Option<UnixStream>> {
        match UnixStream::connect(self.0.control_socket()) {
            Ok(stream) => Ok(Some(stream)),
            // A daemon that was killed leaves its socket behind.
            Err(error)
                if [io::ErrorKind::NotFound, io::ErrorKind::ConnectionRefused]
                    .contains(&error.kind()) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

fn exchange(mut stream: UnixStream, request: &Request) -> Result<Reply, ClientError> {
    let broken = |error: serde_json::Error| ClientError::Broken(error.to_string());
    let mut line = serde_json::to_string(request).map_err(broken)?;
    line.push('\n');
    stream.write_all(line.as_bytes())?;
    let mut reply = String::new();
    BufReader::new(stream).read_line(&mut reply)?;
    if reply.is_empty() {
        return Err(ClientError::Broken("it ended".to_owned()));
    }
    serde_json::from_str(&reply).map_err(broken)
}
