use std::io;
use std::net::TcpListener;
use std::path::Path;

use clap::CommandFactory;
use serde_json::Value;

use super::*;

struct Ended {
    exit: Exit,
    stdout: String,
    stderr: String,
}

/// Runs a command line without environment.
fn run(arguments: &[&str]) -> Ended {
    let line = std::iter::once(&"doorbuster").chain(arguments);
    let cli = Cli::try_parse_from(line).unwrap();
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let exit = execute(&cli, &Sources::default(), &mut stdout, &mut stderr);
    Ended {
        exit,
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
    }
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_explains_itself_with_examples() {
    let mut cli = Cli::command();
    cli.build();
    for command in cli
        .get_subcommands_mut()
        .filter(|command| command.get_name() != "help")
    {
        let name = command.get_name().to_owned();
        for help in [command.render_help(), command.render_long_help()] {
            let help = help.to_string();
            assert!(
                help.contains(&format!("Examples:\n  doorbuster {name}")),
                "{help}"
            );
        }
        assert!(command.get_about().is_some(), "{name}");
    }
}

#[test]
fn the_long_help_lists_every_setting() {
    let config = Config::load(&Sources::default()).unwrap();
    let help = help::long("");
    for setting in config.settings() {
        assert!(
            help.contains(&format!("\n  {} = {}\n", setting.key, setting.value)),
            "{help}"
        );
        assert!(help.contains(setting.help), "{help}");
    }
}

#[test]
fn configuration_flags_stand_before_or_after_the_command() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().to_str().unwrap();
    for arguments in [
        ["--data-dir", directory, "check", "--listen=127.0.0.1:0"],
        ["check", "--data-dir", directory, "--listen=127.0.0.1:0"],
    ] {
        let ended = run(&[&arguments[..], &["--admin-listen=127.0.0.1:0"]].concat());
        assert_eq!(ended.exit, Exit::Done, "{}", ended.stdout);
        let mut lines = ended.stdout.lines();
        let line = lines
            .find(|line| line.starts_with("server.data_dir "))
            .unwrap();
        let words: Vec<_> = line.split_whitespace().collect();
        assert_eq!(words, ["server.data_dir", directory, "--data-dir"]);
    }
}

#[test]
fn check_reports_settings_and_what_they_reach_as_one_object() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("shop.toml");
    std::fs::write(
        &file,
        "[server]\ndrain = '3s'\nadmin_listen = '127.0.0.1:0'\n",
    )
    .unwrap();
    let file = file.to_str().unwrap();

    let ended = run(&["check", "--json", "--config", file, "--listen", &address]);

    assert_eq!(ended.exit, Exit::Usage);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["ok"], false);
    let settings = report["settings"].as_array().unwrap();
    let drain = settings
        .iter()
        .find(|line| line["setting"] == "server.drain")
        .unwrap();
    assert_eq!(
        (drain["value"].as_str(), drain["source"].as_str()),
        (Some("3s"), Some(&*format!("{file}:2")))
    );
    let failed: Vec<_> = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["ok"] == false)
        .collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(failed[0]["name"], format!("public address {address}"));
}

#[test]
fn a_wrong_configuration_is_told_in_full_and_exits_with_64() {
    let wrong = ["--listen=here", "--catalog-url=postgres://shop:hunter2@db"];
    let text = run(&[&["check"], &wrong[..]].concat());
    assert_eq!(text.exit, Exit::Usage);
    let lines: Vec<_> = text.stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("error: server.listen = \"here\" (--listen): "));
    assert!(
        lines[1].starts_with("error: catalog.url = \"postgres://shop:***@db\" (--catalog-url): ")
    );

    let json = run(&[&["check", "--json"], &wrong[..]].concat());
    assert_eq!(json.exit, Exit::Usage);
    let report: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(report["errors"][0]["setting"], "server.listen");
    assert!(!json.stdout.contains("hunter2"));
}

#[test]
fn a_configuration_file_that_is_not_there_is_named() {
    let ended = run(&["serve", "--config", "no-such.toml"]);
    assert_eq!(ended.exit, Exit::Usage);
    assert!(
        ended.stderr.starts_with(
            "error: configuration file = \"no-such.toml\" (--config): cannot be read: "
        ),
        "{}",
        ended.stderr
    );
}

#[test]
fn version_tells_the_database_it_carries() {
    let object: Value = serde_json::from_str(&run(&["version", "--json"]).stdout).unwrap();
    assert_eq!(object["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(object["sqlite"], rusqlite::version());
    assert!(
        run(&["version"])
            .stdout
            .contains(&format!("SQLite {}", rusqlite::version()))
    );
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(&["completions", shell]).stdout;
        assert!(
            script.contains("delete-missing") && script.contains("admin-listen"),
            "{shell}"
        );
    }
}

/// A pipe whose reader has left.
struct Broken(io::ErrorKind);

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_leaves_is_no_failure_but_a_full_disk_is() {
    for (kind, expected) in [
        (io::ErrorKind::BrokenPipe, Exit::Done),
        (io::ErrorKind::StorageFull, Exit::Failed),
    ] {
        let cli = Cli::try_parse_from(["doorbuster", "version"]).unwrap();
        let mut stderr = Vec::new();
        let exit = execute(&cli, &Sources::default(), &mut Broken(kind), &mut stderr);
        assert_eq!(exit, expected);
        assert_eq!(stderr.is_empty(), expected == Exit::Done);
    }
}

/// The examples of a command that take no pipe, as lists of arguments.
fn examples(command: &str) -> Vec<Vec<String>> {
    let help = Cli::command()
        .find_subcommand_mut(command)
        .unwrap()
        .render_help()
        .to_string();
    help.lines()
        .filter_map(|line| line.strip_prefix("  doorbuster "))
        .filter(|line| !line.contains('|'))
        .map(|line| line.split(' ').map(str::to_owned).collect())
        .collect()
}

/// Runs an import without installing the logs, of which a process has but one. Returns the object on
/// standard output beside the outcome.
fn import(arguments: &[&str], data: &Path) -> (anyhow::Result<Exit>, Value) {
    let data = data.to_str().unwrap();
    let line = ["doorbuster", "import", "--json", "--data-dir", data];
    let cli = Cli::try_parse_from(line.iter().chain(arguments)).unwrap();
    let config = Config::load(&cli.config.add_to(Sources::default()).unwrap()).unwrap();
    let Command::Import(args) = &cli.command else {
        panic!("{arguments:?}");
    };
    let mut stdout = Vec::new();
    let outcome = super::import::run(args, &config, &mut stdout);
    (outcome, serde_json::from_slice(&stdout).unwrap())
}

#[test]
fn the_examples_of_import_work_as_printed() {
    let folder = tempfile::tempdir().unwrap();
    let examples = examples("import");
    assert_eq!(examples.len(), 3);
    for example in examples {
        let arguments: Vec<&str> = example.iter().skip(1).map(String::as_str).collect();
        let (outcome, summary) = import(&arguments, folder.path());
        assert_eq!(outcome.unwrap(), Exit::Done, "{example:?}");
        let products =
            summary["created"].as_u64().unwrap() + summary["unchanged"].as_u64().unwrap();
        assert!(products >= 3, "{example:?}: {summary}");
    }
}

#[test]
fn what_was_imported_before_a_file_that_fails_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.jsonl");
    std::fs::write(&broken, "{\"handle\":\"a\"\n").unwrap();
    let (outcome, summary) = import(
        &["samples/shopify-products.csv", broken.to_str().unwrap()],
        folder.path(),
    );
    assert_eq!(summary["created"], 31);
    let error = format!("{:#}", outcome.unwrap_err());
    assert!(
        error.starts_with("stopped after 1 of 2 files: ") && error.contains("broken.jsonl: line 1"),
        "{error}"
    );
}
