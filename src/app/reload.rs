//! Reading the configuration again while serving. All of it comes into force that can without a restart, or, where
//! anything is wrong with it, nothing.

use crate::config::{Config, ConfigErrors, Setting};
use crate::flags::{Flags, Keeper};
use crate::http::{CertificateInUse, TlsError, TlsFiles};
use crate::limits::{RateLimits, ReplaceError};
use crate::telemetry::{self, traces::Tracer};

use super::drain::Times;

/// Settings that a running process follows.
const FOLLOWED: [&str; 10] = [
    "flags.file",
    "limits.policy",
    "server.drain",
    "server.drain_grace",
    "server.tls_cert",
    "server.tls_key",
    "telemetry.log_level",
    "telemetry.sample_ratio",
    "telemetry.trace_forced",
    "telemetry.trace_slow",
];

/// Why the new configuration is not in force.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReloadError {
    /// It makes no sense.
    #[error("{}", one_line(.0))]
    Config(#[from] ConfigErrors),
    /// It makes none without a restart.
    #[error(transparent)]
    Limits(#[from] ReplaceError),
    /// The certificate cannot be used.
    #[error("the certificate of the public addresses: {0}")]
    Tls(#[from] TlsError),
    /// TLS cannot begin or end while connections go on.
    #[error("server.tls_cert takes a restart to begin or end TLS")]
    BeginsOrEndsTls,
    /// The system gave no thread.
    #[error("cannot follow flags.file: {0}")]
    Flags(#[from] std::io::Error),
}

fn one_line(errors: &ConfigErrors) -> String {
    let errors: Vec<_> = errors.0.iter().map(ToString::to_string).collect();
    errors.join("; ")
}

/// The files of the public addresses' certificate, if they take TLS.
pub(super) fn tls_files(config: &Config) -> Option<TlsFiles> {
    let (certificate, key) = (&config.server.tls_cert, &config.server.tls_key);
    let (certificate, key) = certificate.clone().zip(key.clone())?;
    Some(TlsFiles { certificate, key })
}

fn refused(error: &ReloadError) -> String {
    tracing::error!("the configuration is refused, the one in force stays: {error}");
    "the configuration was refused, see the log".to_owned()
}

/// Of a process that follows nothing else: what it logs and traces.
pub(super) fn follow_telemetry(
    read: Result<Config, ConfigErrors>,
    tracer: Option<&Tracer>,
) -> String {
    match read {
        Ok(config) => {
            if let Some(tracer) = tracer {
                tracer.follow(&config.telemetry.traces);
            }
            telemetry::set_filter(&config.telemetry.log_level);
            "doing jobs".to_owned()
        }
        Err(errors) => refused(&errors.into()),
    }
}

/// What follows the configuration.
pub(super) struct Followers {
    /// What the process was started with, which is what is in force of all that is not followed.
    started: Config,
    /// What was read last.
    current: Config,
    flags: Flags,
    keeper: Keeper,
    limits: RateLimits,
    certificate: Option<CertificateInUse>,
    tracer: Option<Tracer>,
}

impl Followers {
    pub(super) fn new(
        config: &Config,
        flags: Flags,
        keeper: Keeper,
        limits: RateLimits,
        certificate: Option<CertificateInUse>,
        tracer: Option<Tracer>,
    ) -> Self {
        Self {
            started: config.clone(),
            current: config.clone(),
            flags,
            keeper,
            limits,
            certificate,
            tracer,
        }
    }

    /// As they are in force.
    pub(super) fn times(&self) -> Times {
        Times {
            grace: self.current.server.drain_grace,
            drain: self.current.server.drain,
        }
    }

    /// Has a configuration in force, and says in a few words what became of it.
    pub(super) fn follow(&mut self, read: Result<Config, ConfigErrors>) -> String {
        let outcome = read
            .map_err(ReloadError::from)
            .and_then(|new| self.apply(new));
        match outcome {
            Ok(changed) => {
                let changed = match changed.as_slice() {
                    [] => "nothing that can be changed now is different".to_owned(),
                    changed => format!("{} changed", changed.join(", ")),
                };
                tracing::info!("read the configuration again: {changed}");
                changed
            }
            Err(error) => refused(&error),
        }
    }

    fn apply(&mut self, new: Config) -> Result<Vec<String>, ReloadError> {
        let (mut changed, of_no_effect) = self.changes(&new);
        // What can fail comes first. The files may be others under the same name.
        let certificate = match (&self.certificate, tls_files(&new)) {
            (Some(in_use), Some(files)) => Some((in_use, files.read()?)),
            (None, None) => None,
            _ => return Err(ReloadError::BeginsOrEndsTls),
        };
        let has_other_limits = new.limits.policies != self.current.limits.policies;
        if has_other_limits {
            self.limits.reconfigure(new.limits.policies.clone())?;
        }
        if new.flags.file != self.current.flags.file {
            match Keeper::start(self.flags.clone(), Some(new.flags.file.clone())) {
                Ok(keeper) => self.keeper = keeper,
                Err(error) => {
                    self.limits
                        .reconfigure(self.current.limits.policies.clone())?;
                    return Err(error.into());
                }
            }
        }
        if let Some((in_use, certificate)) = certificate
            && in_use.replace(certificate)
        {
            changed.push("the certificate".to_owned());
        }
        telemetry::set_filter(&new.telemetry.log_level);
        if let Some(tracer) = &self.tracer {
            tracer.follow(&new.telemetry.traces);
        }
        for setting in of_no_effect {
            tracing::warn!("{setting} changed, which has no effect before a restart");
        }
        self.current = new;
        Ok(changed)
    }

    /// The names of the settings that are followed and changed, and the others that changed.
    fn changes(&self, new: &Config) -> (Vec<String>, Vec<String>) {
        let is_followed = |setting: &&Setting| FOLLOWED.contains(&setting.name().as_str());
        let differs = |known: &Config, setting: &Setting| {
            let mut known = known.settings().iter();
            known.any(|known| known.name() == setting.name() && known.differs_from(setting))
        };
        let (followed, others): (Vec<_>, Vec<_>) = new.settings().iter().partition(is_followed);
        let names = |settings: Vec<&Setting>, known: &Config| {
            let changed = settings
                .into_iter()
                .filter(|setting| differs(known, setting));
            changed.map(Setting::name).collect()
        };
        (names(followed, &self.current), names(others, &self.started))
    }
}
