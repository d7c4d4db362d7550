//! What `check` found, as text and as JSON.

use std::io::{self, Write};

use serde::Serialize;

use super::reachability::Probe;
use crate::commands::table::Table;
use crate::config::{Config, ConfigErrors};

#[derive(Serialize)]
pub(super) struct Report {
    pub(super) ok: bool,
    errors: Vec<FieldError>,
    settings: Vec<SettingLine>,
    checks: Vec<Check>,
}

#[derive(Serialize)]
struct FieldError {
    setting: String,
    value: Option<String>,
    source: String,
    reason: String,
}

#[derive(Serialize)]
struct SettingLine {
    setting: String,
    value: String,
    source: String,
    help: &'static str,
}

#[derive(Serialize)]
struct Check {
    name: String,
    ok: bool,
    detail: String,
}

pub(super) fn invalid(errors: &ConfigErrors) -> Report {
    let errors = errors.0.iter().map(|error| FieldError {
        setting: error.setting.clone(),
        value: error.value.clone(),
        source: error.source_layer.to_string(),
        reason: error.reason.clone(),
    });
    Report {
        ok: false,
        errors: errors.collect(),
        settings: Vec::new(),
        checks: Vec::new(),
    }
}

pub(super) fn valid(config: &Config, probes: &[Probe]) -> Report {
    let settings = config.settings().iter().map(|setting| SettingLine {
        setting: setting.name(),
        value: setting.value.clone(),
        source: setting.source.to_string(),
        help: setting.help,
    });
    let checks = probes.iter().map(|probe| Check {
        name: probe.name.clone(),
        ok: probe.outcome.is_ok(),
        detail: probe.outcome.clone().unwrap_or_else(|reason| reason),
    });
    Report {
        ok: probes.iter().all(|probe| probe.outcome.is_ok()),
        errors: Vec::new(),
        settings: settings.collect(),
        checks: checks.collect(),
    }
}

impl Report {
    pub(super) fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer(&mut *out, self)?;
        writeln!(out)
    }

    pub(super) fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut settings = Table::default();
        settings.row(["SETTING", "VALUE", "SOURCE"]);
        for line in &self.settings {
            settings.row([&line.setting, &line.value, &line.source]);
        }
        let mut checks = Table::default();
        for check in &self.checks {
            let mark = if check.ok { "ok" } else { "FAILED" };
            checks.row([mark, &check.name, &check.detail]);
        }
        write!(out, "{settings}\n{checks}")
    }
}
