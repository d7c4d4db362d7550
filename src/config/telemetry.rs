//! `[telemetry]`: what the process says about itself.

use std::fmt;
use std::str::FromStr;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

use super::reader::Reader;
use super::traces::TracesConfig;
use super::value::{Value, parse_choice, show_choice};

/// Logs and traces.
#[derive(Debug, Clone)]
pub struct TelemetryConfig {
    /// Which events are logged.
    pub log_level: LogFilter,
    /// How they are written.
    pub log_format: LogFormat,
    /// Whether each request is logged.
    pub access_log: AccessLog,
    /// What is traced.
    pub traces: TracesConfig,
}

impl TelemetryConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut section = reader.section("telemetry");
        Self {
            log_level: section.value(
                "log_level",
                LogFilter("info".to_owned()),
                "error, warn, info, debug, trace or off; also by target: info,doorbuster::cache=debug",
            ),
            log_format: section.value(
                "log_format",
                LogFormat::Auto,
                "text, json, or auto: text on a terminal, JSON otherwise",
            ),
            access_log: section.value(
                "access_log",
                AccessLog::Auto,
                "a line for each request: on, off, or auto: on when stderr is a terminal",
            ),
            traces: TracesConfig::read(reader),
        }
    }
}

/// A filter in the syntax of [`EnvFilter`], known to be valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter(String);

impl LogFilter {
    /// The filter's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Value for LogFilter {
    fn parse(text: &str) -> Result<Self, String> {
        const FORM: &str = "write error, warn, info, debug, trace or off, or by target such as info,doorbuster=debug";
        // `EnvFilter` would take a misspelt level for the name of a target and log next to nothing.
        let is_misspelt = |directive: &str| {
            let is_word = directive.chars().all(|c| c.is_ascii_alphanumeric());
            is_word && (directive.is_empty() || LevelFilter::from_str(directive).is_err())
        };
        if let Some(word) = text
            .split(',')
            .find(|directive| is_misspelt(directive.trim()))
        {
            return Err(format!("{word:?} is not a level; {FORM}"));
        }
        match EnvFilter::try_new(text) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(error) => Err(format!("not a log filter ({error}); {FORM}")),
        }
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// [`LogFormat::Text`] on a terminal, [`LogFormat::Json`] otherwise.
    Auto,
    /// For people.
    Text,
    /// One object a line, for machines.
    Json,
}

impl LogFormat {
    const WORDS: [(&'static str, Self); 3] = [
        ("auto", Self::Auto),
        ("text", Self::Text),
        ("json", Self::Json),
    ];
}

impl Value for LogFormat {
    fn parse(text: &str) -> Result<Self, String> {
        parse_choice(text, &Self::WORDS)
    }

    fn show(&self) -> String {
        show_choice(self, &Self::WORDS)
    }
}

/// Whether each request is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessLog {
    /// On when stderr is a terminal.
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

impl AccessLog {
    const WORDS: [(&'static str, Self); 3] =
        [("auto", Self::Auto), ("on", Self::On), ("off", Self::Off)];

    /// Whether to log requests, given whether stderr is a terminal.
    pub fn is_on(self, stderr_is_terminal: bool) -> bool {
        match self {
            Self::Auto => stderr_is_terminal,
            Self::On => true,
            Self::Off => false,
        }
    }
}

impl Value for AccessLog {
    fn parse(text: &str) -> Result<Self, String> {
        parse_choice(text, &Self::WORDS)
    }

    fn show(&self) -> String {
        show_choice(self, &Self::WORDS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_filter_takes_levels_and_targets() {
        for text in [
            "info",
            "OFF",
            "warn,doorbuster=debug",
            "info,doorbuster::cache=trace",
        ] {
            assert_eq!(LogFilter::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn a_misspelt_level_is_not_taken_for_a_target() {
        for text in ["", "inof", "info,debgu", "doorbuster=loud"] {
            let error = LogFilter::parse(text).unwrap_err();
            assert!(error.contains("write error, warn, info"), "{text}: {error}");
        }
    }

    #[test]
    fn the_access_log_follows_the_terminal_unless_told() {
        assert!(AccessLog::Auto.is_on(true) && !AccessLog::Auto.is_on(false));
        assert!(AccessLog::On.is_on(false) && !AccessLog::Off.is_on(true));
    }
}
