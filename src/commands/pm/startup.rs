//! `doorbuster pm startup`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::Context;
use crate::commands::exit::Exit;

const UNIT: &str = "doorbuster-pm.service";

/// Write a systemd unit that starts what was saved when the machine starts
#[derive(clap::Args)]
pub(super) struct Args {
    /// Run as this user
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Write it here; - prints it
    #[arg(
        long,
        value_name = "FILE",
        default_value = "/etc/systemd/system/doorbuster-pm.service"
    )]
    output: PathBuf,
}

pub(super) fn run(args: &Args, context: &mut Context<'_>) -> anyhow::Result<Exit> {
    let program = std::env::current_exe().context("cannot tell where this program is")?;
    let text = unit(&program, context.home.path(), args.user.as_deref());
    if args.output == Path::new("-") {
        write!(context.out, "{text}")?;
        return Ok(Exit::Done);
    }
    fs::write(&args.output, text)
        .with_context(|| format!("cannot write {}", args.output.display()))?;
    writeln!(
        context.out,
        "wrote {}; now run:\n  doorbuster pm save && doorbuster pm update\n  systemctl daemon-reload && systemctl enable {UNIT}",
        args.output.display(),
    )?;
    Ok(Exit::Done)
}

/// With `KillMode=process` a supervisor that is killed leaves its workers to the next one, which systemd starts.
fn unit(program: &Path, home: &Path, user: Option<&str>) -> String {
    let program = format!("{} pm --home {}", program.display(), home.display());
    let user = user.map_or(String::new(), |user| format!("User={user}\n"));
    format!(
        "\
[Unit]
Description=Doorbuster's process manager
After=network-online.target
Wants=network-online.target

[Service]
Type=notify
{user}ExecStart={program} daemon --resurrect
ExecReload={program} reload
ExecStop={program} kill
KillMode=process
Restart=always
RestartSec=100ms
TimeoutStopSec=120
LimitNOFILE=1048576

[Install]
WantedBy=multi-user.target
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_runs_this_program_in_this_folder() {
        let unit = unit(
            Path::new("/usr/bin/doorbuster"),
            Path::new("/srv/pm"),
            Some("shop"),
        );
        for line in [
            "ExecStart=/usr/bin/doorbuster pm --home /srv/pm daemon --resurrect",
            "ExecReload=/usr/bin/doorbuster pm --home /srv/pm reload",
            "User=shop",
            "KillMode=process",
        ] {
            assert!(unit.lines().any(|it| it == line), "{line}: {unit}");
        }
    }
}
