//! What a collector is sent by OTLP over HTTP (<https://opentelemetry.io/docs/specs/otlp/>), whatever it tells of. Blocks.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};

use crate::config::TracesConfig;

/// How long the collector may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Takes messages of one kind.
pub(super) struct Collector {
    agent: Agent,
    url: String,
    headers: Vec<(String, String)>,
}

/// Why a message was not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    #[error("no answer: {0}")]
    Silent(#[from] Box<ureq::Error>),
    #[error("answered {0}")]
    Refused(u16),
}

impl SendError {
    /// Whether OTLP has it sent again.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Silent(_) => true,
            Self::Refused(status) => matches!(status, 429 | 502..=504),
        }
    }
}

impl Collector {
    /// Makes no connection yet.
    pub(super) fn new(url: &str, config: &TracesConfig) -> Self {
        let headers = config.headers.iter();
        Self {
            agent: agent(),
            url: url.to_owned(),
            headers: headers.map(|it| it.reveal().to_owned()).collect(),
        }
    }

    /// Sends a message, and returns what was answered.
    pub(super) fn post(&self, body: &[u8]) -> Result<Vec<u8>, SendError> {
        let mut request = self.agent.post(&self.url);
        request = request.header("content-type", "application/x-protobuf");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let mut response = request.send(body).map_err(Box::new)?;
        let status = response.status();
        if !status.is_success() {
            return Err(SendError::Refused(status.as_u16()));
        }
        Ok(response.body_mut().read_to_vec().unwrap_or_default())
    }
}

fn agent() -> Agent {
    let certificates = rustls_native_certs::load_native_certs().certs;
    let roots: Vec<_> = certificates
        .iter()
        .map(|der| Certificate::from_der(der).to_owned())
        .collect();
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .root_certs(RootCerts::new_with_certs(&roots))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    let config = Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .http_status_as_error(false)
        .user_agent(concat!("doorbuster/", env!("CARGO_PKG_VERSION")))
        .tls_config(tls)
        .build();
    config.into()
}

/// Whom it is told of.
pub(super) fn resource(service: &str, node: &str) -> Resource {
    let texts = [
        ("service.name", service),
        ("service.version", env!("CARGO_PKG_VERSION")),
        ("service.instance.id", node),
    ];
    Resource {
        attributes: texts.map(|(name, value)| text(name, value)).to_vec(),
        ..Resource::default()
    }
}

/// Who tells of it.
pub(super) fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: "doorbuster".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    }
}

/// An attribute that is a text.
pub(super) fn text(name: &str, value: &str) -> KeyValue {
    KeyValue {
        key: name.to_owned(),
        value: Some(AnyValue {
            value: Some(Value::StringValue(value.to_owned())),
        }),
        ..KeyValue::default()
    }
}
