//! How a command ends.

use std::io::{self, Write};
use std::process::ExitCode;

use crate::config::ConfigErrors;

/// The exit codes, the same for every command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything was done.
    Done = 0,
    /// It failed.
    Failed = 1,
    /// It was done, except for what was skipped or warned about.
    Partial = 2,
    /// The command line or the configuration is wrong (`EX_USAGE` of `sysexits.h`).
    Usage = 64,
}

impl Exit {
    /// The code for a failure: [`Exit::Usage`] for a [`UsageError`] or [`ConfigErrors`] anywhere in the
    /// chain, else [`Exit::Failed`].
    pub fn of(error: &anyhow::Error) -> Self {
        let is_usage = error
            .chain()
            .any(|cause| cause.is::<UsageError>() || cause.is::<ConfigErrors>());
        if is_usage { Self::Usage } else { Self::Failed }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Flags that do not go together, or a file named by a flag that makes no sense: what clap cannot tell.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

/// Writes `error: ` and the causes joined by `: `, on one line; for a configuration, and for the lines of a
/// [`UsageError`], one such line for each error.
pub(super) fn report(error: &anyhow::Error, stderr: &mut dyn Write) -> io::Result<()> {
    if let Some(ConfigErrors(errors)) = error.downcast_ref() {
        return errors
            .iter()
            .try_for_each(|error| writeln!(stderr, "error: {error}"));
    }
    let mut causes: Vec<_> = error.chain().map(ToString::to_string).collect();
    let last = causes.pop().unwrap_or_default();
    let lines = if error.root_cause().is::<UsageError>() {
        last.lines().collect()
    } else {
        vec![last.as_str()]
    };
    for line in lines {
        let causes = causes.iter().map(String::as_str).chain([line]);
        let text = causes.collect::<Vec<_>>().join(": ");
        writeln!(stderr, "error: {}", text.replace('\n', " "))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    fn reported(error: &anyhow::Error) -> String {
        let mut stderr = Vec::new();
        report(error, &mut stderr).unwrap();
        String::from_utf8(stderr).unwrap()
    }

    #[test]
    fn a_failure_is_one_line_with_its_causes() {
        let cause = io::Error::other("disk\nfull");
        let error = anyhow::Error::from(cause).context("cannot write shop.jsonl");
        assert_eq!(
            reported(&error),
            "error: cannot write shop.jsonl: disk full\n"
        );
        assert_eq!(Exit::of(&error), Exit::Failed);
    }

    #[test]
    fn each_mistake_in_a_file_is_a_line_of_its_own() {
        let error = anyhow::Error::from(UsageError("a: no\nb: neither".to_owned()));
        assert_eq!(
            reported(&error.context("cannot use m.toml")),
            "error: cannot use m.toml: a: no\nerror: cannot use m.toml: b: neither\n"
        );
    }

    #[test]
    fn wrong_usage_is_told_apart_however_deep_it_lies() {
        let usage = Err::<(), _>(UsageError("no".to_owned()));
        let error = usage.context("import").unwrap_err();
        assert_eq!(Exit::of(&error), Exit::Usage);
        assert_eq!(reported(&error), "error: import: no\n");
    }
}
