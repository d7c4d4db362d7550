//! PM2's `ecosystem.config.json`, as a process file.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use serde_json::{Map, Value};

use super::definition::{Definition, Instances, ProcessFile};
use crate::config::{ByteSize, format_duration};

/// Where PM2 runs scripts that name no interpreter.
const DEFAULT_INTERPRETER: &str = "node";
/// Keys that mean nothing here and lose nothing.
const HARMLESS: [&str; 8] = [
    "exec_mode",
    "watch",
    "ignore_watch",
    "merge_logs",
    "combine_logs",
    "time",
    "log_date_format",
    "vizion",
];

/// A process file, and what of the other one is not in it.
#[derive(Debug)]
pub struct Imported {
    /// In TOML.
    pub text: String,
    /// A line for each thing that has to be looked at.
    pub warnings: Vec<String>,
}

/// Why there is no process file.
#[derive(Debug, thiserror::Error)]
pub enum EcosystemError {
    /// It is no JSON. A `.js` file is a program.
    #[error(
        "not JSON: {0}; a .js file becomes one with: node -p 'JSON.stringify(require(\"./ecosystem.config.js\"))'"
    )]
    Syntax(#[from] serde_json::Error),
    /// It has no list of programs.
    #[error("has no list \"apps\"")]
    NoApps,
    /// One of them cannot be taken over.
    #[error("app {name}: {reason}")]
    App {
        /// Which.
        name: String,
        /// Why.
        reason: String,
    },
}

/// Translates one. Durations are in milliseconds there, sizes like `300M`.
pub fn import(text: &str) -> Result<Imported, EcosystemError> {
    let document: Value = serde_json::from_str(text)?;
    let apps = document.get("apps").unwrap_or(&document);
    let apps = apps.as_array().ok_or(EcosystemError::NoApps)?;
    let mut warnings = Vec::new();
    let mut process = Vec::new();
    for app in apps {
        let app = app.as_object().ok_or(EcosystemError::NoApps)?;
        process.push(App::new(app, &mut warnings).definition()?);
    }
    let text = toml::to_string(&ProcessFile { process }).map_err(|error| EcosystemError::App {
        name: String::new(),
        reason: error.to_string(),
    })?;
    Ok(Imported { text, warnings })
}

struct App<'a> {
    name: String,
    members: Map<String, Value>,
    warnings: &'a mut Vec<String>,
}

impl<'a> App<'a> {
    fn new(members: &Map<String, Value>, warnings: &'a mut Vec<String>) -> Self {
        let name = members.get("name").and_then(Value::as_str);
        let script = members.get("script").and_then(Value::as_str);
        let file = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        let name = name.map(str::to_owned).or(script.map(file));
        let name = name.unwrap_or_else(|| "app".to_owned());
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        Self {
            name: name.replace(|c| !fits(c), "-"),
            members: members.clone(),
            warnings,
        }
    }

    fn refuse(&self, reason: impl Into<String>) -> EcosystemError {
        EcosystemError::App {
            name: self.name.clone(),
            reason: reason.into(),
        }
    }

    fn warn(&mut self, what: &str) {
        self.warnings.push(format!("app {}: {what}", self.name));
    }

    /// Takes a member out; what is left at the end is told.
    fn take(&mut self, names: &[&str]) -> Option<Value> {
        let mut taken = None;
        for name in names {
            taken = taken.or(self.members.remove(*name));
        }
        taken
    }

    fn text(&mut self, names: &[&str]) -> Option<String> {
        Some(match self.take(names)? {
            Value::String(text) => text,
            Value::Null => return None,
            other => other.to_string(),
        })
    }

    fn words(&mut self, names: &[&str]) -> Vec<String> {
        match self.take(names) {
            Some(Value::Array(items)) => items.iter().map(plain).collect(),
            Some(Value::String(text)) => text.split_whitespace().map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }

    fn millis(&mut self, names: &[&str]) -> Option<Duration> {
        let text = self.text(names)?;
        let millis = text.parse().map(Duration::from_millis).ok();
        if millis.is_none() {
            self.warn(&format!(
                "{} = {text:?} is no number of milliseconds",
                names[0]
            ));
        }
        millis
    }

    fn env(value: Option<Value>) -> BTreeMap<String, String> {
        let Some(Value::Object(members)) = value else {
            return BTreeMap::new();
        };
        let pair = |(name, value): (&String, &Value)| (name.clone(), plain(value));
        members.iter().map(pair).collect()
    }

    fn instances(&mut self) -> Result<Instances, EcosystemError> {
        let Some(text) = self.text(&["instances"]) else {
            return Ok(Instances::default());
        };
        match text.parse::<i64>() {
            // As many as cores, or all but some.
            Ok(number) if number <= 0 => Ok(Instances::Max),
            Err(_) if text == "max" => Ok(Instances::Max),
            Ok(number) => {
                let count = usize::try_from(number).ok().and_then(NonZeroUsize::new);
                let count = count.ok_or_else(|| self.refuse("instances: no such number"))?;
                Ok(Instances::Exactly(count))
            }
            Err(_) => Err(self.refuse(format!("instances = {text:?} is no number"))),
        }
    }

    /// What runs: the script, by its interpreter where it needs one.
    fn command(&mut self) -> Result<(String, Vec<String>), EcosystemError> {
        let Some(script) = self.text(&["script"]) else {
            return Err(self.refuse("has no script"));
        };
        let interpreter = self.text(&["interpreter", "exec_interpreter"]);
        let options = self.words(&["interpreter_args", "node_args"]);
        let arguments = self.words(&["args"]);
        let extension = script
            .rsplit_once('.')
            .map_or("", |(_, extension)| extension);
        let interpreter = match (interpreter, extension) {
            (Some(none), _) if none == "none" => None,
            (Some(interpreter), _) => Some(interpreter),
            (None, "js" | "mjs" | "cjs") => Some(DEFAULT_INTERPRETER.to_owned()),
            (None, "py") => Some("python3".to_owned()),
            (None, "sh") => Some("bash".to_owned()),
            (None, _) => None,
        };
        Ok(match interpreter {
            Some(interpreter) => {
                let words = options.into_iter().chain([script]).chain(arguments);
                (interpreter, words.collect())
            }
            None => (script, arguments),
        })
    }

    fn definition(mut self) -> Result<Definition, EcosystemError> {
        let (command, args) = self.command()?;
        let mut definition: Definition =
            serde_json::from_value(serde_json::json!({ "name": self.name, "command": command }))?;
        self.members.remove("name");
        definition.args = args;
        definition.cwd = self.text(&["cwd"]).map(Into::into);
        definition.instances = self.instances()?;
        // PM2 takes what has been started for ready, unless it is told.
        definition.wait_ready = self.take(&["wait_ready"]) == Some(Value::Bool(true));
        definition.autorestart = self.take(&["autorestart"]) != Some(Value::Bool(false));
        definition.cron_restart = self.text(&["cron_restart", "cron"]);
        definition.out_file = self.text(&["out_file", "output"]).map(Into::into);
        definition.error_file = self.text(&["error_file", "error"]).map(Into::into);
        for (time, names) in [
            (&mut definition.kill_timeout, &["kill_timeout"][..]),
            (&mut definition.listen_timeout, &["listen_timeout"]),
            (&mut definition.min_uptime, &["min_uptime"]),
            (
                &mut definition.exp_backoff_restart_delay,
                &["exp_backoff_restart_delay", "restart_delay"],
            ),
        ] {
            if let Some(said) = self.millis(names) {
                *time = said;
            }
        }
        if let Some(text) = self.text(&["max_restarts"]) {
            match text.parse() {
                Ok(number) => definition.max_restarts = number,
                Err(_) => self.warn("max_restarts is no number"),
            }
        }
        if let Some(text) = self.text(&["max_memory_restart"]) {
            match size(&text) {
                Some(size) => definition.max_memory_restart = Some(size),
                None => self.warn(&format!("max_memory_restart = {text:?} is no size")),
            }
        }
        definition.env = Self::env(self.take(&["env"]));
        let environments: Vec<_> = self
            .members
            .keys()
            .filter(|key| key.starts_with("env_"))
            .cloned()
            .collect();
        for key in environments {
            let env = Self::env(self.members.remove(&key));
            let name = key.trim_start_matches("env_").to_owned();
            definition.environments.insert(name, env);
        }
        self.say_what_is_left(&definition);
        Ok(definition)
    }

    fn say_what_is_left(&mut self, definition: &Definition) {
        let watches = self
            .members
            .get("watch")
            .is_some_and(|it| *it != Value::Bool(false));
        if watches {
            self.warn("watch: files are not watched here");
        }
        if definition.instances.count() > 1 && definition.listen.is_empty() {
            self.warn(
                "several instances: name the address in listen, and have the program take the socket from LISTEN_FDS",
            );
        }
        if !definition.wait_ready {
            let uptime = format_duration(definition.min_uptime);
            self.warn(&format!(
                "wait_ready = false: an instance counts as ready after min_uptime = {uptime}"
            ));
        }
        let left: Vec<_> = self
            .members
            .keys()
            .filter(|key| !HARMLESS.contains(&key.as_str()))
            .cloned()
            .collect();
        for key in left {
            self.warn(&format!("{key} has no equivalent here"));
        }
    }
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn size(text: &str) -> Option<ByteSize> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" | "B" => 0,
        "K" | "KB" => 10,
        "M" | "MB" => 20,
        "G" | "GB" => 30,
        _ => return None,
    };
    let number: u64 = digits.parse().ok()?;
    number.checked_shl(shift).map(ByteSize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ecosystem_file_becomes_a_process_file() {
        let imported = import(
            r#"{ "apps": [{
                "name": "shop api", "script": "server.js", "node_args": "--enable-source-maps",
                "args": ["--port", 8080], "instances": "max", "exec_mode": "cluster",
                "max_memory_restart": "300M", "kill_timeout": 1600, "wait_ready": true,
                "cron_restart": "0 4 * * *", "env": { "PORT": 8080 },
                "env_production": { "NODE_ENV": "production" }, "source_map_support": true
            }, { "script": "./worker", "interpreter": "none" }] }"#,
        )
        .unwrap();
        let file: ProcessFile = toml::from_str(&imported.text).unwrap();
        let [api, worker] = file.process.as_slice() else {
            panic!("{}", imported.text)
        };
        assert_eq!(api.name, "shop-api");
        assert_eq!(api.command, "node");
        assert_eq!(
            api.args,
            ["--enable-source-maps", "server.js", "--port", "8080"]
        );
        assert_eq!(api.instances, Instances::Max);
        assert_eq!(api.max_memory_restart.unwrap().0, 300 << 20);
        assert_eq!(api.kill_timeout, Duration::from_millis(1600));
        assert!(api.wait_ready && !worker.wait_ready);
        assert_eq!(api.env["PORT"], "8080");
        assert_eq!(api.environments["production"]["NODE_ENV"], "production");
        assert_eq!(
            (worker.name.as_str(), worker.command.as_str()),
            ("worker", "./worker")
        );
        let warnings = imported.warnings.join("\n");
        assert!(
            warnings.contains("source_map_support has no equivalent"),
            "{warnings}"
        );
        assert!(!warnings.contains("exec_mode"), "{warnings}");
    }

    #[test]
    fn what_is_no_ecosystem_file_is_told() {
        let error = import("module.exports = {}").unwrap_err().to_string();
        assert!(error.contains("node -p"), "{error}");
        assert!(matches!(import("{}"), Err(EcosystemError::NoApps)));
        let error = import(r#"[{ "name": "a" }]"#).unwrap_err();
        assert_eq!(error.to_string(), "app a: has no script");
    }
}
