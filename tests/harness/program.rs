//! A running program, and one that has run.

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::log::Log;

/// A program that runs. Dropping it kills and reaps it.
pub(crate) struct Program {
    pub(crate) child: Child,
    pub(crate) log: Log,
}

impl Program {
    /// Starts it, with its log followed. Standard input and output are as the command says.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = Log::follow(child.stderr.take().unwrap());
        Self { child, log }
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        // Not reaped yet, so the number is still its own.
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Awaits the end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.log.wait_for_end();
        self.child.wait().unwrap()
    }

    /// Awaits the end, and that it came by itself.
    pub(crate) fn wait_for_code(&mut self) -> i32 {
        let status = self.wait();
        let code = status.code();
        code.unwrap_or_else(|| panic!("ended by signal {:?}", status.signal()))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail only where it has ended and been reaped.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.log.finish();
        if thread::panicking() {
            eprintln!("--- log of {}", self.child.id());
            for line in self.log.lines() {
                eprintln!("{line}");
            }
        }
    }
}

/// What a program left when it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Itself, having ended with this code.
    #[track_caller]
    pub(crate) fn with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// The last line of standard output, which is an object under `--json`.
    pub(crate) fn summary(&self) -> Value {
        let last = self.stdout.lines().next_back().unwrap_or_default();
        serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// The one line on stderr.
    #[track_caller]
    pub(crate) fn one_line(&self) -> &str {
        let mut lines = self.stderr.lines();
        let line = lines.next().unwrap_or_default();
        assert!(lines.next().is_none() && !line.is_empty(), "{self:#?}");
        line
    }
}

/// Runs a program to its end, with this on standard input.
pub(crate) fn run(command: &mut Command, input: &[u8]) -> Ended {
    let pipes = command.stdin(Stdio::piped());
    let pipes = pipes.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let output = thread::scope(|scope| {
        scope.spawn(move || {
            // A program that needs no input, or has seen enough, closes it.
            let _ = stdin.write_all(input);
        });
        child.wait_with_output().unwrap()
    });
    Ended {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
