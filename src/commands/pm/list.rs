//! `doorbuster pm list` and `describe`.

use std::time::Duration;

use super::Context;
use crate::commands::exit::Exit;
use crate::commands::table::Table;
use crate::config::ByteSize;
use crate::supervisor::{InstanceStatus, ProcessStatus, Request};

/// Show every instance of every process
#[derive(clap::Args)]
#[command(alias = "ls", alias = "status")]
pub(super) struct List {
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

/// Show all that is known of a process
#[derive(clap::Args)]
#[command(alias = "show")]
pub(super) struct Describe {
    /// Which
    name: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn list(args: &List, context: &mut Context<'_>) -> anyhow::Result<Exit> {
    let processes = context.client.ask(&Request::List)?.processes;
    if args.json {
        writeln!(context.out, "{}", serde_json::to_string(&processes)?)?;
    } else {
        write!(context.out, "{}", table(&processes))?;
    }
    Ok(Exit::Done)
}

/// A row for each instance.
pub(super) fn table(processes: &[ProcessStatus]) -> Table<10> {
    let mut table = Table::<10>::default();
    table.row([
        "name", "#", "state", "pid", "gen", "uptime", "restarts", "cpu", "memory", "status",
    ]);
    for process in processes {
        for instance in &process.instances {
            table.row(row(&process.definition.name, instance));
        }
        if process.instances.is_empty() {
            let mut row = ["-"; 10].map(str::to_owned);
            row[0].clone_from(&process.definition.name);
            "stopped".clone_into(&mut row[2]);
            table.row(row);
        }
    }
    table
}

pub(super) fn row(name: &str, instance: &InstanceStatus) -> [String; 10] {
    let runs = instance.pid.is_some();
    let or_nothing = |text: String| if runs { text } else { "-".to_owned() };
    let status = instance.status.clone().or(instance.last_end.clone());
    [
        name.to_owned(),
        instance.number.to_string(),
        instance.state.clone(),
        instance.pid.map_or("-".to_owned(), |pid| pid.to_string()),
        instance.generation.to_string(),
        or_nothing(span(Duration::from_millis(instance.uptime_ms))),
        instance.restarts.to_string(),
        or_nothing(format!("{:.0}%", instance.cpu_percent)),
        or_nothing(mebibytes(instance.memory)),
        status.unwrap_or_default(),
    ]
}

/// In its two largest units.
fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {}s", seconds % 60),
        (0, _, _) => format!("{hours}h {minutes}m"),
        _ => format!("{days}d {hours}h"),
    }
}

fn mebibytes(bytes: u64) -> String {
    ByteSize(bytes >> 20 << 20).to_string()
}

pub(super) fn describe(args: &Describe, context: &mut Context<'_>) -> anyhow::Result<Exit> {
    let processes = context.client.ask(&Request::List)?.processes;
    let found = processes
        .into_iter()
        .find(|it| it.definition.name == args.name);
    let Some(process) = found else {
        anyhow::bail!("no process is named {}", args.name);
    };
    if args.json {
        writeln!(context.out, "{}", serde_json::to_string(&process)?)?;
        return Ok(Exit::Done);
    }
    write!(context.out, "{}", table(std::slice::from_ref(&process)))?;
    writeln!(context.out)?;
    writeln!(context.out, "out_file = {}", process.out_file.display())?;
    writeln!(context.out, "error_file = {}", process.error_file.display())?;
    for instance in &process.instances {
        if let Some(end) = &instance.last_end {
            writeln!(context.out, "instance {} ended: {end}", instance.number)?;
        }
    }
    writeln!(context.out, "\n{}", toml::to_string(&process.definition)?)?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_two_units() {
        for (seconds, text) in [
            (5, "5s"),
            (65, "1m 5s"),
            (3_660, "1h 1m"),
            (90_000, "1d 1h"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
    }
}
