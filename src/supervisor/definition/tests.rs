use super::*;

fn read(text: &str, environment: Option<&str>) -> Result<Vec<Definition>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("processes.toml");
    fs::write(&path, text).unwrap();
    read_process_file(&path, environment).map_err(|error| error.to_string())
}

#[test]
fn a_short_definition_has_sensible_defaults() {
    let read = read("[[process]]\nname = \"web\"\ncommand = \"web\"\n", None).unwrap();
    let [web] = read.as_slice() else {
        panic!("{read:?}")
    };
    assert!(web.wait_ready && web.autorestart);
    assert_eq!(web.instances.count(), 1);
    assert_eq!(web.kill_timeout, Duration::from_secs(30));
    assert!(web.cwd.as_ref().unwrap().is_absolute());
}

#[test]
fn everything_can_be_said_and_is_written_as_it_is_read() {
    let text = "
[[process]]
name = \"web\"
command = \"./web\"
args = [\"serve\"]
listen = [\"127.0.0.1:8080\", \"admin=127.0.0.1:9090\"]
instances = \"max\"
wait_ready = false
listen_timeout = \"5s\"
kill_timeout = \"1600ms\"
max_memory_restart = \"300MiB\"
cron_restart = \"0 4 * * *\"
out_file = \"out.log\"
env = { A = \"1\", B = \"2\" }
environments.production = { B = \"3\" }
";
    let read = read(text, Some("production")).unwrap();
    let web = &read[0];
    assert_eq!(web.env["A"], "1");
    assert_eq!(web.env["B"], "3");
    assert_eq!(web.listen[0].name, "public");
    assert_eq!(web.listen[1].name, "admin");
    assert_eq!(
        web.out_file,
        Some(web.cwd.as_ref().unwrap().join("out.log"))
    );
    let written = toml::to_string(&ProcessFile {
        process: read.clone(),
    })
    .unwrap();
    let again: ProcessFile = toml::from_str(&written).unwrap();
    assert_eq!(again.process, read);
}

#[test]
fn what_makes_no_sense_is_told() {
    let process =
        |lines: &str| format!("[[process]]\nname = \"web\"\ncommand = \"web\"\n{lines}\n");
    for (text, part) in [
        (process("instances = 0"), "at least 1"),
        (process("listen = [\"8080\"]"), "IP:PORT"),
        (process("kill_timeout = \"soon\""), "\"soon\""),
        (
            process("kill_timout = \"1s\""),
            "unknown field `kill_timout`",
        ),
        (process("cron_restart = \"99 * * * *\""), "cron_restart"),
        (process("env = { LISTEN_FDS = \"1\" }"), "the supervisor's"),
        (process("") + &process(""), "two of that name"),
        (
            "[[process]]\nname = \"all\"\ncommand = \"x\"".to_owned(),
            "not all",
        ),
        (
            "[[process]]\nname = \"a\"".to_owned(),
            "missing field `command`",
        ),
    ] {
        let error = read(&text, None).unwrap_err();
        assert!(error.contains(part), "{part}: {error}");
    }
    let production = process("environments.production = { A = \"1\" }");
    let error = read(&production, Some("prodution")).unwrap_err();
    assert!(error.contains("it has production"), "{error}");
}
