//! A Redis of one's own.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{PATIENCE, within};

/// A server on a free port of the loopback, which keeps its data in a temporary folder where it is told to. Dropping
/// it kills and reaps it.
pub(crate) struct Redis {
    folder: TempDir,
    port: u16,
    arguments: Vec<String>,
    child: Child,
}

impl Redis {
    /// Empty, and keeping nothing on disk.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// With more arguments of `redis-server`.
    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        Self::start_from(tempfile::tempdir().unwrap(), None, arguments)
    }

    /// In a folder that has a configuration file, perhaps.
    pub(crate) fn start_from(folder: TempDir, file: Option<&Path>, arguments: &[&str]) -> Self {
        let mut arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
        if let Some(file) = file {
            arguments.insert(0, file.to_str().unwrap().to_owned());
        }
        let mut port = free_port();
        let mut redis = Self {
            child: spawn(port, &folder, &arguments),
            folder,
            port,
            arguments,
        };
        // Somebody else may have taken the port meanwhile.
        for _ in 0..10 {
            if is_up(&mut redis.child, port) {
                return redis;
            }
            port = free_port();
            redis.port = port;
            redis.child = spawn(port, &redis.folder, &redis.arguments);
        }
        panic!("redis-server does not start; see scripts/setup");
    }

    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address())
    }

    /// A connection of the test's own.
    pub(crate) fn connect(&self) -> redis::Connection {
        connect(self.port).unwrap()
    }

    /// Runs a command and returns its answer.
    #[track_caller]
    pub(crate) fn run<T: redis::FromRedisValue>(&self, command: &str) -> T {
        self.try_run(command).unwrap()
    }

    /// The same of one that may cut connections off meanwhile.
    pub(crate) fn try_run<T: redis::FromRedisValue>(&self, command: &str) -> redis::RedisResult<T> {
        let mut words = command.split(' ');
        let mut command = redis::cmd(words.next().unwrap());
        words.for_each(|word| {
            command.arg(word);
        });
        command.query(&mut connect(self.port)?)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        // Not reaped yet, so the number is still its own.
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Kills it and starts another one in its place, with what it kept on disk.
    pub(crate) fn restart(&mut self) {
        self.kill();
        within(PATIENCE, "the same port again", || {
            self.child = spawn(self.port, &self.folder, &self.arguments);
            is_up(&mut self.child, self.port).then_some(())
        });
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // Both fail only where it has ended and been reaped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that nobody listens on at this moment.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn spawn(port: u16, folder: &TempDir, arguments: &[String]) -> Child {
    // A configuration file is named first.
    let (file, arguments) = match arguments.split_first() {
        Some((file, rest)) if !file.starts_with("--") => (Some(file), rest),
        _ => (None, arguments),
    };
    let is_sentinel = arguments.iter().any(|it| it == "--sentinel");
    let keeps_nothing: &[&str] = if is_sentinel {
        &[]
    } else {
        &["--save", "", "--appendonly", "no"]
    };
    Command::new("redis-server")
        .args(file)
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--daemonize", "no"])
        .args(keeps_nothing)
        .arg("--dir")
        .arg(folder.path())
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server can be run; see scripts/setup")
}

/// Awaits that it answers; false where it ended instead.
fn is_up(child: &mut Child, port: u16) -> bool {
    within(PATIENCE, "an answer of redis-server", || {
        if child.try_wait().unwrap().is_some() {
            return Some(false);
        }
        let pid = connect(port).and_then(|mut connection| {
            let info: String = redis::cmd("INFO").arg("server").query(&mut connection)?;
            Ok(info)
        });
        let expected = format!("process_id:{}\r\n", child.id());
        pid.ok().map(|info| info.contains(&expected))
    })
}

fn connect(port: u16) -> redis::RedisResult<redis::Connection> {
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}"))?;
    client.get_connection_with_timeout(Duration::from_secs(1))
}
