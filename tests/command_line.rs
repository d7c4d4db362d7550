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
