//! SIGHUP: the configuration is read again, wholly or not at all, and no connection is lost.

use std::fs;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::{PATIENCE, Raw, Server, Shop, product, within};

struct Reloaded {
    shop: Shop,
    server: Server,
}

impl Reloaded {
    fn start(toml: &str) -> Self {
        let shop = Shop::with(&[product("lamp", "Lamp")]);
        let file = shop.file("shop.toml");
        fs::write(&file, toml).unwrap();
        let server = shop.serve_with(&["--config", file.to_str().unwrap()], &[]);
        Self { shop, server }
    }

    /// Writes the file anew, has it read, and returns the message that tells what became of it.
    fn read_again(&self, toml: &str) -> Value {
        fs::write(self.shop.file("shop.toml"), toml).unwrap();
        let before = self.outcomes().len();
        self.server.program.signal(Signal::HUP);
        within(PATIENCE, "the file is read", || {
            self.outcomes().into_iter().nth(before)
        })
    }

    fn outcomes(&self) -> Vec<Value> {
        let lines = self.server.program.log.lines();
        let lines = lines
            .iter()
            .filter_map(|line| serde_json::from_str(line).ok());
        let is_outcome = |line: &Value| {
            let message = line["message"].as_str().unwrap_or_default();
            message.starts_with("read the configuration again:")
                || message.starts_with("the configuration is refused")
        };
        lines.filter(is_outcome).collect()
    }

    fn warnings(&self) -> Vec<String> {
        let lines = self.server.program.log.lines();
        let lines = lines
            .iter()
            .filter_map(|line| serde_json::from_str(line).ok());
        lines
            .filter(|line: &Value| line["level"] == "WARN")
            .map(|line| line["message"].as_str().unwrap().to_owned())
            .collect()
    }
}

fn status(connection: &mut Raw) -> u16 {
    connection
        .send("GET /products/1 HTTP/1.1\r\nhost: shop\r\n\r\n")
        .reply()
        .status
}

const STRICT: &str = "
[[limits.policy]]
name = \"few\"
classes = [\"product\"]
windows = [{ name = \"hour\", quota = 1, window = \"1h\" }]
";

#[test]
fn limits_flags_and_logs_follow_the_file() {
    let it = Reloaded::start("");
    let mut connection = it.server.connect();
    assert_eq!(status(&mut connection), 200);
    assert_eq!(status(&mut connection), 200);

    let flags = it.shop.file("other.json");
    fs::write(
        &flags,
        json!({ "flags": { "search": {
            "state": "ENABLED", "variants": { "on": true, "off": false }, "defaultVariant": "off",
        } } })
        .to_string(),
    )
    .unwrap();
    it.server.get("/search?q=lamp").with(200);
    let outcome = it.read_again(&format!(
        "[flags]\nfile = \"{}\"\n[telemetry]\nlog_level = \"debug\"\n{STRICT}",
        flags.display()
    ));
    assert_eq!(
        outcome["message"],
        "read the configuration again: limits.policy, flags.file, telemetry.log_level changed"
    );
    // On the connection that was there before.
    assert_eq!(status(&mut connection), 200);
    assert_eq!(status(&mut connection), 429);
    within(PATIENCE, "search is off", || {
        (it.server.get("/search?q=lamp").status == 503).then_some(())
    });

    // The same file again is no change, and what is not in it any more is not in force any more.
    let file = fs::read_to_string(it.shop.file("shop.toml")).unwrap();
    let outcome = it.read_again(&file);
    assert_eq!(
        outcome["message"],
        "read the configuration again: nothing that can be changed now is different"
    );
    it.read_again("");
    assert_eq!(status(&mut connection), 200);
}

#[test]
fn what_makes_no_sense_is_refused_as_a_whole() {
    let it = Reloaded::start(STRICT);
    let mut connection = it.server.connect();
    assert_eq!(status(&mut connection), 200);
    assert_eq!(status(&mut connection), 429);
    // The limits are gone, but something else is wrong. Two things.
    let outcome = it.read_again("[server]\ndrain = \"soon\"\nwrokers = 3\n");
    assert_eq!(outcome["level"], "ERROR");
    let message = outcome["message"].as_str().unwrap();
    for part in [
        "the configuration is refused, the one in force stays: ",
        "server.drain = \"soon\"",
        "did you mean workers?",
    ] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(status(&mut connection), 429);
    // So is a file that cannot be read.
    fs::remove_file(it.shop.file("shop.toml")).unwrap();
    it.server.program.signal(Signal::HUP);
    within(PATIENCE, "refused", || {
        (it.outcomes().len() == 2).then_some(())
    });
    assert_eq!(status(&mut connection), 429);
}

#[test]
fn what_takes_a_restart_is_told() {
    let it = Reloaded::start("[server]\nworkers = 2\n");
    let outcome = it.read_again("[server]\nworkers = 3\ndrain = \"7s\"\n");
    assert_eq!(
        outcome["message"],
        "read the configuration again: server.drain changed"
    );
    let warning = "server.workers changed, which has no effect before a restart";
    assert_eq!(it.warnings(), [warning]);
    // Until the restart it is told each time.
    it.read_again("[server]\nworkers = 3\ndrain = \"7s\"\n");
    assert_eq!(it.warnings(), [warning, warning]);
}
