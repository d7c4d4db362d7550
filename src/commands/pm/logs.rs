//! `doorbuster pm logs`.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use super::Context;
use crate::commands::exit::Exit;
use crate::supervisor::{ProcessStatus, Request};

/// How often files are looked at that are followed.
const LOOK: Duration = Duration::from_millis(200);
/// How far back the last lines are looked for.
const REACH: u64 = 1 << 20;

/// Show the last lines of the logs
#[derive(clap::Args)]
pub(super) struct Args {
    /// Whose; all unless some are named
    names: Vec<String>,
    /// Go on with what is written from now on
    #[arg(long, short)]
    follow: bool,
    /// How many lines of each file
    #[arg(long, value_name = "N", default_value_t = 15)]
    lines: usize,
    /// Only standard output
    #[arg(long, conflicts_with = "err")]
    out: bool,
    /// Only standard error
    #[arg(long)]
    err: bool,
}

/// A file that is shown, and how far it was.
struct Shown {
    label: String,
    path: PathBuf,
    position: u64,
}

pub(super) fn run(args: &Args, context: &mut Context<'_>) -> anyhow::Result<Exit> {
    let processes = context.client.ask(&Request::List)?.processes;
    for name in &args.names {
        anyhow::ensure!(
            processes.iter().any(|it| it.definition.name == *name),
            "no process is named {name}"
        );
    }
    let wanted =
        |it: &&ProcessStatus| args.names.is_empty() || args.names.contains(&it.definition.name);
    let mut shown = Vec::new();
    for process in processes.iter().filter(wanted) {
        let files = [
            (&process.out_file, args.err),
            (&process.error_file, args.out),
        ];
        for (path, is_left_out) in files {
            let is_twice = shown.iter().any(|it: &Shown| it.path == *path);
            if !is_left_out && !is_twice {
                shown.push(Shown {
                    label: process.definition.name.clone(),
                    path: path.clone(),
                    position: 0,
                });
            }
        }
    }
    for file in &mut shown {
        file.show_last(args.lines, context.out)?;
    }
    context.out.flush()?;
    if args.follow {
        loop {
            sleep(LOOK);
            for file in &mut shown {
                file.show_more(context.out)?;
            }
            context.out.flush()?;
        }
    }
    Ok(Exit::Done)
}

impl Shown {
    fn show_last(&mut self, count: usize, out: &mut dyn Write) -> io::Result<()> {
        let Some((text, end)) = read(&self.path, |length| length.saturating_sub(REACH))? else {
            return Ok(());
        };
        self.position = end;
        let lines: Vec<_> = text.lines().collect();
        for line in &lines[lines.len().saturating_sub(count)..] {
            writeln!(out, "{} | {line}", self.label)?;
        }
        Ok(())
    }

    /// Whole lines only: the rest of the last one comes later.
    fn show_more(&mut self, out: &mut dyn Write) -> io::Result<()> {
        // One that has become shorter was rotated or emptied.
        let position = self.position;
        let from = |length| if length < position { 0 } else { position };
        let Some((text, end)) = read(&self.path, from)? else {
            return Ok(());
        };
        let whole = text.rfind('\n').map_or(0, |last| last + 1);
        for line in text[..whole].lines() {
            writeln!(out, "{} | {line}", self.label)?;
        }
        self.position = end - (text.len() - whole) as u64;
        Ok(())
    }
}

/// What a file has from a place on that depends on its length, and where that ends. `None` where there is no such file.
fn read(path: &Path, from: impl FnOnce(u64) -> u64) -> io::Result<Option<(String, u64)>> {
    let Ok(mut file) = File::open(path) else {
        return Ok(None);
    };
    let start = from(file.metadata()?.len());
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let end = start + bytes.len() as u64;
    Ok(Some((String::from_utf8_lossy(&bytes).into_owned(), end)))
}
