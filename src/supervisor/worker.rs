//! A process that runs, from its start to its end.

use std::cell::{Cell, RefCell};
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ExitStatus};
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open, pidfd_send_signal};
use tokio::sync::watch;
use tokio::task::{spawn_blocking, spawn_local};
use tokio::time::{sleep, timeout};

use super::definition::Definition;
use super::home::Home;
use super::logs;
use super::notifications::Notifications;
use super::procfs::{self, Identity};
use super::sockets::Sockets;
use super::spawn::{Outfit, spawn};
use super::state::KeptWorker;

/// How often it is looked whether one has ended that cannot be waited for.
const LOOK: Duration = Duration::from_millis(50);

/// How far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Phase {
    Starting,
    Ready,
    /// And how.
    Ended(String),
}

/// The process.
#[derive(Debug)]
pub(super) struct Worker {
    /// Which instance it is, from 0.
    pub(super) number: usize,
    pub(super) generation: u64,
    pub(super) identity: Identity,
    pub(super) notify: PathBuf,
    pub(super) began: SystemTime,
    /// Holds its number, so that no other process is told what is meant for this one.
    process: OwnedFd,
    phase: watch::Sender<Phase>,
    is_told_to_end: Cell<bool>,
    handover: Cell<Option<Signal>>,
    status: RefCell<Option<String>>,
    last_sign: Cell<Instant>,
    /// Its error log, and how long that was before it.
    error_file: PathBuf,
    error_length: u64,
}

/// Where a process's streams go.
pub(super) fn log_files(definition: &Definition, home: &Home) -> [PathBuf; 2] {
    let file = |said: &Option<PathBuf>, stream| {
        said.clone()
            .unwrap_or_else(|| home.log(&definition.name, stream))
    };
    [
        file(&definition.out_file, "out"),
        file(&definition.error_file, "error"),
    ]
}

impl Worker {
    /// Starts one. It is not ready yet.
    pub(super) fn start(
        definition: &Definition,
        home: &Home,
        sockets: &Sockets,
        number: usize,
        generation: u64,
    ) -> io::Result<Rc<Self>> {
        let notify = home.notify_socket();
        let notifications = Notifications::listen(&notify)?;
        let [out, error] = log_files(definition, home);
        let error_length = fs::metadata(&error).map_or(0, |file| file.len());
        let outfit = Outfit {
            number,
            sockets: sockets.of_instance(definition, number)?,
            notify: &notify,
            out: &out,
            error: &error,
        };
        let child = spawn(definition, outfit)?;
        let pid = Pid::from_child(&child);
        // It is not waited for yet, so the number is its own.
        let identity = procfs::identify(pid.as_raw_nonzero().get()).unwrap_or(Identity {
            pid: pid.as_raw_nonzero().get(),
            began: 0,
        });
        let place = KeptWorker {
            number,
            generation,
            identity,
            notify,
            handover: None,
        };
        let worker = Self::watch(&place, error, error_length)?;
        worker.listen(notifications);
        spawn_local(Rc::clone(&worker).wait(Some(child)));
        if !definition.wait_ready {
            spawn_local(Rc::clone(&worker).become_ready(definition.min_uptime));
        }
        Ok(worker)
    }

    /// Takes one over from a supervisor that was killed. `None` where it has ended.
    pub(super) fn adopt(
        definition: &Definition,
        home: &Home,
        kept: &KeptWorker,
    ) -> io::Result<Option<Rc<Self>>> {
        let [_, error] = log_files(definition, home);
        let length = fs::metadata(&error).map_or(0, |file| file.len());
        let worker = Self::watch(kept, error, length);
        // Looked at when the number is held: from here on no other process can have it.
        if worker.is_err() || procfs::identify(kept.identity.pid) != Some(kept.identity) {
            return Ok(None);
        }
        let worker = worker?;
        worker.phase.send_replace(Phase::Ready);
        worker.listen(Notifications::listen(&kept.notify)?);
        spawn_local(Rc::clone(&worker).wait(None));
        Ok(Some(worker))
    }

    fn watch(kept: &KeptWorker, error_file: PathBuf, error_length: u64) -> io::Result<Rc<Self>> {
        let pid = Pid::from_raw(kept.identity.pid).ok_or(io::ErrorKind::NotFound)?;
        let process = pidfd_open(pid, PidfdFlags::empty())?;
        Ok(Rc::new(Self {
            number: kept.number,
            generation: kept.generation,
            identity: kept.identity,
            notify: kept.notify.clone(),
            began: SystemTime::now(),
            process,
            phase: watch::Sender::new(Phase::Starting),
            is_told_to_end: Cell::new(false),
            handover: Cell::new(kept.handover.and_then(Signal::from_named_raw)),
            status: RefCell::default(),
            last_sign: Cell::new(Instant::now()),
            error_file,
            error_length,
        }))
    }

    /// Takes note of what it says, until it has ended.
    fn listen(self: &Rc<Self>, notifications: Notifications) {
        let worker = Rc::clone(self);
        spawn_local(async move {
            loop {
                let message = tokio::select! {
                    message = notifications.next() => message,
                    _ = worker.ended() => return,
                };
                let Ok(message) = message else { return };
                worker.last_sign.set(Instant::now());
                if message.status.is_some() {
                    worker.status.replace(message.status);
                }
                if message.handover.is_some() {
                    worker.handover.set(message.handover);
                }
                if message.is_ready {
                    worker.advance(Phase::Ready);
                }
            }
        });
    }

    fn advance(&self, to: Phase) {
        self.phase.send_if_modified(|phase| {
            let is_further = match phase {
                Phase::Starting => true,
                Phase::Ready => matches!(to, Phase::Ended(_)),
                Phase::Ended(_) => false,
            };
            if is_further {
                *phase = to;
            }
            is_further
        });
    }

    async fn become_ready(self: Rc<Self>, after: Duration) {
        sleep(after).await;
        self.advance(Phase::Ready);
    }

    /// Awaits its end, and keeps what became of it. What another supervisor has started cannot be waited for.
    async fn wait(self: Rc<Self>, child: Option<Child>) {
        let how = if let Some(mut child) = child {
            match spawn_blocking(move || child.wait()).await {
                Ok(Ok(status)) => describe(status),
                Ok(Err(error)) => error.to_string(),
                Err(error) => error.to_string(),
            }
        } else {
            while procfs::identify(self.identity.pid) == Some(self.identity) {
                sleep(LOOK).await;
            }
            "it was another supervisor's, so nobody was told how".to_owned()
        };
        self.advance(Phase::Ended(how));
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase.borrow().clone()
    }

    pub(super) fn is_told_to_end(&self) -> bool {
        self.is_told_to_end.get()
    }

    pub(super) fn status(&self) -> Option<String> {
        self.status.borrow().clone()
    }

    pub(super) fn handover(&self) -> Option<Signal> {
        self.handover.get()
    }

    pub(super) fn since_last_sign(&self) -> Duration {
        self.last_sign.get().elapsed()
    }

    pub(super) fn uptime(&self) -> Duration {
        self.began.elapsed().unwrap_or_default()
    }

    /// Awaits that it is ready; else why it is not.
    pub(super) async fn ready(&self, limit: Duration) -> Result<(), String> {
        let mut phase = self.phase.subscribe();
        let beyond = phase.wait_for(|phase| *phase != Phase::Starting);
        let reached = match timeout(limit, beyond).await {
            Ok(Ok(reached)) => reached.clone(),
            Ok(Err(_)) | Err(_) => {
                return Err(format!(
                    "instance {} was not ready within {limit:?}",
                    self.number
                ));
            }
        };
        match reached {
            Phase::Ended(how) => {
                let words = logs::written_since(&self.error_file, self.error_length);
                let words = match words.as_slice() {
                    [] => String::new(),
                    words => format!("; it said: {}", words.join(" | ")),
                };
                Err(format!(
                    "instance {} ended before it was ready: {how}{words}",
                    self.number
                ))
            }
            Phase::Starting | Phase::Ready => Ok(()),
        }
    }

    /// Awaits its end; returns how it ended.
    pub(super) async fn ended(&self) -> String {
        let mut phase = self.phase.subscribe();
        let ended = phase.wait_for(|phase| matches!(phase, Phase::Ended(_)));
        match ended.await.map(|phase| phase.clone()) {
            Ok(Phase::Ended(how)) => how,
            _ => String::new(),
        }
    }

    /// Tells it to end, and kills it where it has not within `limit`. `others_serve` says that its sockets are another
    /// one's, too.
    pub(super) async fn end(&self, others_serve: bool, limit: Duration) {
        self.is_told_to_end.set(true);
        let handover = self.handover.get().filter(|_| others_serve);
        self.signal(handover.unwrap_or(Signal::TERM));
        if timeout(limit, self.ended()).await.is_err() {
            tracing::warn!(
                pid = self.identity.pid,
                "did not end within {limit:?}: killed"
            );
            self.kill();
            self.ended().await;
        }
    }

    /// Ends it at once, with all that it has started in its group.
    pub(super) fn kill(&self) {
        self.signal(Signal::KILL);
        if let Some(pid) = Pid::from_raw(self.identity.pid) {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }

    fn signal(&self, signal: Signal) {
        // Fails where it has ended.
        let _ = pidfd_send_signal(&self.process, signal);
    }
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "nothing known".to_owned(),
    }
}
