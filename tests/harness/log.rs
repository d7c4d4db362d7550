//! What a program says on stderr, as it says it.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use serde_json::Value;

use super::PATIENCE;

/// The lines so far, and a thread that adds to them.
pub(crate) struct Log {
    shared: Arc<Shared>,
    reader: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    lines: Vec<String>,
    is_closed: bool,
}

impl Log {
    /// Reads until the program ends.
    pub(super) fn follow(stderr: impl Read + Send + 'static) -> Self {
        let shared = Arc::<Shared>::default();
        let writer = Arc::clone(&shared);
        let reader = thread::spawn(move || {
            for line in BufReader::new(stderr).lines() {
                writer.state.lock().unwrap().lines.push(line.unwrap());
                writer.changed.notify_all();
            }
            writer.state.lock().unwrap().is_closed = true;
            writer.changed.notify_all();
        });
        Self {
            shared,
            reader: Some(reader),
        }
    }

    /// Awaits the first line, of those written already and those to come, for which `pick` has a value.
    /// Lines that are not JSON are passed over.
    pub(crate) fn wait_for<T>(&self, what: &str, pick: impl Fn(&Value) -> Option<T>) -> T {
        let mut next = 0;
        let picked = self.wait(|state| {
            let lines = &state.lines[next..];
            next = state.lines.len();
            let mut objects = lines
                .iter()
                .filter_map(|line| serde_json::from_str(line).ok());
            objects.find_map(|line: Value| pick(&line))
        });
        picked.unwrap_or_else(|| panic!("no line in the log that says: {what}"))
    }

    /// How many of the lines so far are such.
    pub(crate) fn count(&self, is_such: impl Fn(&Value) -> bool) -> usize {
        let state = self.shared.state.lock().unwrap();
        let objects = state.lines.iter();
        let objects = objects.filter_map(|line| serde_json::from_str(line).ok());
        objects.filter(|line: &Value| is_such(line)).count()
    }

    /// Awaits a line whose message begins so.
    pub(crate) fn wait_for_message(&self, beginning: &str) {
        self.wait_for(beginning, |line| {
            line["message"]
                .as_str()?
                .starts_with(beginning)
                .then_some(())
        });
    }

    /// Awaits the end of the log, which is the end of the program.
    pub(super) fn wait_for_end(&self) {
        assert!(
            self.wait(|state| state.is_closed.then_some(())).is_some(),
            "the program does not end"
        );
    }

    /// The lines so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.shared.state.lock().unwrap().lines.clone()
    }

    fn wait<T>(&self, mut pick: impl FnMut(&State) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.shared.state.lock().unwrap();
        loop {
            if let Some(picked) = pick(&state) {
                return Some(picked);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || state.is_closed {
                return None;
            }
            state = self.shared.changed.wait_timeout(state, left).unwrap().0;
        }
    }

    /// Joins the thread. The program must have ended.
    pub(super) fn finish(&mut self) {
        if let Some(reader) = self.reader.take() {
            // A panic there has been printed, and this may run while another one unwinds.
            let _ = reader.join();
        }
    }
}
