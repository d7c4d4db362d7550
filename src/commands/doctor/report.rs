//! What the doctor found: a line each.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::json;

use crate::commands::exit::Exit;

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Ok,
    Warn,
    Fail,
}

#[derive(Debug, Serialize)]
struct Check {
    name: String,
    state: State,
    /// How it is.
    detail: String,
    /// What to change.
    #[serde(skip_serializing_if = "Option::is_none")]
    mend: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct Report {
    checks: Vec<Check>,
}

impl Report {
    pub(super) fn ok(&mut self, name: &str, detail: impl Into<String>) {
        self.add(name, State::Ok, detail.into(), None);
    }

    pub(super) fn warn(&mut self, name: &str, detail: impl Into<String>, mend: impl Into<String>) {
        self.add(name, State::Warn, detail.into(), Some(mend.into()));
    }

    pub(super) fn fail(&mut self, name: &str, detail: impl Into<String>, mend: impl Into<String>) {
        self.add(name, State::Fail, detail.into(), Some(mend.into()));
    }

    fn add(&mut self, name: &str, state: State, detail: String, mend: Option<String>) {
        let name = name.to_owned();
        self.checks.push(Check {
            name,
            state,
            detail,
            mend,
        });
    }

    /// Of the worst.
    pub(super) fn exit(&self) -> Exit {
        match self.worst() {
            State::Ok => Exit::Done,
            State::Warn => Exit::Partial,
            State::Fail => Exit::Failed,
        }
    }

    fn worst(&self) -> State {
        let states = self.checks.iter().map(|check| check.state);
        states.max().unwrap_or(State::Ok)
    }

    pub(super) fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let report = json!({ "state": self.worst(), "checks": self.checks });
        writeln!(out, "{report}")
    }

    pub(super) fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for check in &self.checks {
            let mark = match check.state {
                State::Ok => "ok  ",
                State::Warn => "warn",
                State::Fail => "FAIL",
            };
            let Check { name, detail, .. } = check;
            let detail = detail.replace('\n', " ");
            match &check.mend {
                None => writeln!(out, "{mark}  {name}: {detail}")?,
                Some(mend) => writeln!(out, "{mark}  {name}: {detail}; {mend}")?,
            }
        }
        Ok(())
    }
}
