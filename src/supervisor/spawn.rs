//! Starting a worker by the protocol of `sd_listen_fds(3)`: sockets from descriptor 3 on, and in its environment how many
//! there are and for whom they are. That is its own number, which nobody knows before it is there; so it begins as this
//! program, which says the number and becomes the other one.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use command_fds::{CommandFdExt, FdMapping};

use super::definition::Definition;

/// The first descriptor of the protocol.
const FIRST: i32 = 3;
/// What of the supervisor's environment its workers have; all else is said in the process file.
const INHERITED: [&str; 8] = [
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR",
];
/// The number of the instance, from 0. PM2's name for it is set, too.
const INSTANCE: [&str; 2] = ["INSTANCE", "NODE_APP_INSTANCE"];

/// What a worker is given beside its definition.
pub(super) struct Outfit<'a> {
    pub(super) number: usize,
    pub(super) sockets: Vec<(String, OwnedFd)>,
    pub(super) notify: &'a Path,
    pub(super) out: &'a Path,
    pub(super) error: &'a Path,
}

/// Starts one.
pub(super) fn spawn(definition: &Definition, outfit: Outfit<'_>) -> io::Result<Child> {
    // The file this process was started from, even where there is another one in its place by now.
    let mut command = Command::new("/proc/self/exe");
    command.args(["pm", "exec-listen", "--"]);
    command.arg(&definition.command).args(&definition.args);
    command.env_clear();
    for name in INHERITED {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    for name in INSTANCE {
        command.env(name, outfit.number.to_string());
    }
    command.envs(&definition.env);
    command.env("NOTIFY_SOCKET", outfit.notify);
    if let Some(watchdog) = definition.watchdog {
        command.env("WATCHDOG_USEC", watchdog.as_micros().to_string());
    }
    let (names, sockets): (Vec<_>, Vec<_>) = outfit.sockets.into_iter().unzip();
    if !sockets.is_empty() {
        command.env("LISTEN_FDS", sockets.len().to_string());
        command.env("LISTEN_FDNAMES", names.join(":"));
    }
    let mappings = (FIRST..)
        .zip(sockets)
        .map(|(child_fd, parent_fd)| FdMapping {
            parent_fd,
            child_fd,
        });
    command
        .fd_mappings(mappings.collect())
        .map_err(io::Error::other)?;
    if let Some(cwd) = &definition.cwd {
        command.current_dir(cwd);
    }
    command
        // A terminal's Ctrl-C is not for it.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(append(outfit.out)?)
        .stderr(append(outfit.error)?)
        .spawn()
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

/// Becomes the program that `command` names, with the sockets of this process addressed to it. Returns only where that
/// fails.
pub fn exec_listen(command: &[OsString]) -> io::Error {
    let Some((program, arguments)) = command.split_first() else {
        return io::Error::new(io::ErrorKind::InvalidInput, "no command");
    };
    Command::new(program)
        .args(arguments)
        .env("LISTEN_PID", std::process::id().to_string())
        .exec()
}
