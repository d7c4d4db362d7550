//! The program as a shell meets it: exit codes and streams.

use std::io::Read;
use std::process::{Output, Stdio};

use crate::harness::doorbuster;

fn run(arguments: &[&str]) -> Output {
    doorbuster().args(arguments).output().unwrap()
}

#[test]
fn help_and_version_succeed_on_stdout() {
    for arguments in [
        &["--help"][..],
        &["--version"],
        &["help", "import"],
        &["serve", "-h"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(
            !output.stdout.is_empty() && output.stderr.is_empty(),
            "{arguments:?}"
        );
    }
}

#[test]
fn wrong_usage_exits_with_64_and_speaks_on_stderr() {
    for arguments in [
        &[][..],
        &["frobnicate"],
        &["serve", "--port", "80"],
        &["import", "--on-error", "panic"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}");
        assert!(
            output.stdout.is_empty() && !output.stderr.is_empty(),
            "{arguments:?}"
        );
    }
}

#[test]
fn the_environment_is_part_of_the_configuration() {
    let output = doorbuster()
        .arg("check")
        .env("DOORBUSTER_SERVER_LITSEN", "127.0.0.1:0")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "error: DOORBUSTER_SERVER_LITSEN (environment): unknown variable; \
         did you mean DOORBUSTER_SERVER_LISTEN?\n"
    );
}

#[test]
fn a_reader_that_leaves_ends_the_program_quietly() {
    let mut program = doorbuster()
        .args(["completions", "zsh"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(program.stdout.take());
    let mut stderr = String::new();
    program
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut stderr)
        .unwrap();
    assert_eq!(program.wait().unwrap().code(), Some(0));
    assert_eq!(stderr, "");
}

#[test]
fn secrets_come_as_credentials_of_the_service_manager() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("doorbuster.redis.url", "redis://:s3cret@127.0.0.1:1\n");
    write("of.another.program", "not ours");
    let check = || {
        let mut command = crate::harness::doorbuster();
        command
            .arg("check")
            .env("CREDENTIALS_DIRECTORY", folder.path());
        command
    };
    let shown = crate::harness::run(&mut check(), b"").stdout;
    let line = shown
        .lines()
        .find(|line| line.contains("redis.url"))
        .unwrap();
    assert!(line.contains("credential doorbuster.redis.url"), "{line}");
    assert!(line.contains("***") && !shown.contains("s3cret"), "{line}");

    // What is said closer to the command wins.
    let mut nearer = check();
    nearer.env("DOORBUSTER_REDIS_URL", "redis://127.0.0.1:2");
    let shown = crate::harness::run(&mut nearer, b"").stdout;
    let line = shown
        .lines()
        .find(|line| line.contains("redis.url"))
        .unwrap();
    assert!(line.contains("DOORBUSTER_REDIS_URL"), "{line}");

    write("doorbuster.redis.ulr", "redis://127.0.0.1:1");
    let refused = crate::harness::run(&mut check(), b"").with(64);
    assert!(
        refused.stderr.contains("did you mean redis.url?"),
        "{refused:#?}"
    );
}
