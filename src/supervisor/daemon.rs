//! The process that supervises: takes orders over its control socket, and looks after what runs.

mod orders;

use std::cell::{Cell, RefCell};
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::rc::Rc;
use std::str::FromStr;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use croner::Cron;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{MissedTickBehavior, interval};

use super::control::{Reply, Request};
use super::group::Group;
use super::home::Home;
use super::logs;
use super::state::State;

/// How often memory, signs of life, schedules and logs are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How long another daemon may take to be gone.
const PATIENCE: Duration = Duration::from_secs(2);
const TRY_AGAIN: Duration = Duration::from_millis(10);
/// Only the user.
const PRIVATE_FILE: u32 = 0o600;

/// Why a daemon did not start.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// There is one.
    #[error("a supervisor runs at {0} already")]
    Running(String),
    /// The system refused.
    #[error("cannot supervise: {0}")]
    Io(#[from] io::Error),
}

/// All that is supervised.
struct Daemon {
    home: Home,
    /// In the order in which they were started.
    groups: RefCell<Vec<Rc<Group>>>,
    /// Something is to be written down.
    changed: Rc<Notify>,
    /// What was written last.
    written: RefCell<Option<State>>,
    /// It is to end.
    over: Notify,
    /// All processes have ended, for good.
    is_empty: Cell<bool>,
}

/// Supervises until it is told to end. With `resurrects` it starts what was saved.
pub fn run(home: &Home, resurrects: bool) -> Result<(), DaemonError> {
    let mut lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(home.lock())?;
    let began = Instant::now();
    // One that is about to end holds it for a moment.
    while lock.try_lock().is_err() {
        if began.elapsed() < PATIENCE {
            sleep(TRY_AGAIN);
            continue;
        }
        return Err(DaemonError::Running(home.path().display().to_string()));
    }
    // For people who look who holds it.
    lock.set_len(0)?;
    writeln!(lock, "{}", std::process::id())?;
    // A session of its own, so that it does not end with the terminal. It has one already where systemd started it.
    let _ = rustix::process::setsid();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let result = LocalSet::new().block_on(&runtime, async {
        let daemon = Rc::new(Daemon {
            home: home.clone(),
            groups: RefCell::default(),
            changed: Rc::default(),
            written: RefCell::default(),
            over: Notify::new(),
            is_empty: Cell::new(false),
        });
        daemon.adopt().await;
        if resurrects {
            let reply = daemon.resurrect().await;
            for reason in reply.failed {
                tracing::error!("{reason}");
            }
        }
        daemon.supervise().await
    });
    // Threads may wait for workers that are to outlive this process.
    runtime.shutdown_background();
    Ok(result?)
}

impl Daemon {
    async fn supervise(self: &Rc<Self>) -> io::Result<()> {
        let path = self.home.control_socket();
        // Whoever had it is gone: the lock is ours.
        let _ = fs::remove_file(&path);
        let listener = UnixListener::bind(&path)?;
        fs::set_permissions(&path, Permissions::from_mode(PRIVATE_FILE))?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut hangup = signal(SignalKind::hangup())?;
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = (Instant::now(), SystemTime::now());
        tracing::info!("supervising at {}", self.home.path().display());
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let (stream, _) = accepted?;
                    let daemon = Rc::clone(self);
                    spawn_local(async move {
                        if let Err(error) = daemon.serve(stream).await {
                            tracing::debug!(%error, "a request was not finished");
                        }
                    });
                }
                _ = looks.tick() => {
                    self.look(last.0.elapsed(), last.1);
                    last = (Instant::now(), SystemTime::now());
                }
                () = self.changed.notified() => self.write_down(),
                _ = terminate.recv() => self.end_soon(),
                _ = interrupt.recv() => self.end_soon(),
                // It has nothing that is read again.
                _ = hangup.recv() => {}
                () = self.over.notified() => break,
            }
        }
        self.leave();
        Ok(())
    }

    /// Takes away what says that it is there.
    fn leave(&self) {
        if self.is_empty.get() {
            let _ = fs::remove_file(self.home.state());
        } else {
            self.write_down();
        }
        let _ = fs::remove_file(self.home.control_socket());
    }

    async fn serve(self: Rc<Self>, stream: UnixStream) -> io::Result<()> {
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let (reply, is_last) = match serde_json::from_str::<Request>(&line) {
            Ok(request) => {
                let is_last = matches!(request, Request::Kill | Request::Update);
                (self.obey(request).await, is_last)
            }
            Err(error) => (
                Reply::failure(format!("no request of this version: {error}")),
                false,
            ),
        };
        if is_last {
            // Whoever asks next is not to find this one.
            self.leave();
        }
        let mut text = serde_json::to_string(&reply)?;
        text.push('\n');
        stream.write_all(text.as_bytes()).await?;
        stream.flush().await?;
        if is_last {
            self.over.notify_one();
        }
        Ok(())
    }

    fn end_soon(self: &Rc<Self>) {
        let daemon = Rc::clone(self);
        spawn_local(async move {
            daemon.obey(Request::Kill).await;
            daemon.over.notify_one();
        });
    }

    fn look(&self, passed: Duration, since: SystemTime) {
        for group in self.groups.borrow().iter() {
            group.look(passed);
            if is_due(group, since) {
                let group = Rc::clone(group);
                spawn_local(async move {
                    if let Err(reason) = group.reload(None).await {
                        tracing::error!("cron_restart: {reason}");
                    }
                });
            }
            let definition = group.definition();
            for file in group.log_files() {
                let rotated = logs::rotate(&file, definition.log_max_size.0, definition.log_keep);
                if let Err(error) = rotated {
                    tracing::warn!(file = %file.display(), %error, "not rotated");
                }
            }
        }
        self.write_down();
    }

    /// Writes down what runs, if it is not what was written last.
    fn write_down(&self) {
        if self.is_empty.get() {
            return;
        }
        let groups = self.groups.borrow();
        let state = State::new(groups.iter().map(|group| group.kept()).collect());
        if self.written.borrow().as_ref() == Some(&state) {
            return;
        }
        match state.write(&self.home) {
            Ok(()) => drop(self.written.replace(Some(state))),
            Err(error) => tracing::error!(%error, "what runs cannot be written down"),
        }
    }

    /// Takes over what the last daemon left.
    async fn adopt(self: &Rc<Self>) {
        for kept in State::read(&self.home) {
            let group = self.add(kept.definition.clone());
            if let Err(reason) = group.adopt(&kept).await {
                tracing::error!(name = kept.definition.name, "{reason}");
            }
        }
    }

    fn add(&self, definition: super::Definition) -> Rc<Group> {
        let changed = Rc::clone(&self.changed);
        let group = Group::new(definition, &self.home, move || changed.notify_one());
        self.groups.borrow_mut().push(Rc::clone(&group));
        group
    }
}

/// Whether its schedule has had a turn since then.
fn is_due(group: &Group, since: SystemTime) -> bool {
    let definition = group.definition();
    let Some(pattern) = &definition.cron_restart else {
        return false;
    };
    let turn = Cron::from_str(pattern).ok().and_then(|cron| {
        let now = chrono::DateTime::from_timestamp_millis(millis(SystemTime::now()))?;
        cron.find_previous_occurrence(&now, true).ok()
    });
    !group.is_stopped() && turn.is_some_and(|turn| turn.timestamp_millis() > millis(since))
}

fn millis(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
}
