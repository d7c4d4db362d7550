//! Asking receivers. Blocks.

use std::sync::Arc;
use std::time::Duration;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Error};

use super::address::is_public;

/// How long a receiver may take, all together.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Why a receiver did not take a message.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// It could not be asked, or did not answer in time.
    #[error("no answer: {0}")]
    Silent(#[from] Box<Error>),
    /// It answered something else than that it has taken it.
    #[error("answered {0}")]
    Refused(u16),
}

/// Names stand for public addresses alone. Asked for each connection, and what was found is what is connected to: a name
/// that stands for something else the next time is looked at the next time.
#[derive(Debug)]
struct PublicResolver {
    allow_private: bool,
}

impl Resolver for PublicResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let found = DefaultResolver::default().resolve(uri, config, timeout)?;
        let mut allowed = self.empty();
        for address in &found[..] {
            if self.allow_private || is_public(address.ip()) {
                allowed.push(*address);
            }
        }
        if allowed.is_empty() {
            return Err(Error::Other(
                "its address is private; see webhooks.allow_private".into(),
            ));
        }
        Ok(allowed)
    }
}

/// Asks receivers. Clones share connections.
#[derive(Debug, Clone)]
pub(super) struct Client(Agent);

impl Client {
    pub(super) fn new(allow_private: bool) -> Self {
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
            // A redirect would lead to where nobody has looked; a proxy of the environment as well.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .http_status_as_error(false)
            .user_agent(concat!("doorbuster/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls)
            .build();
        let resolver = PublicResolver { allow_private };
        Self(Agent::with_parts(
            config,
            DefaultConnector::default(),
            resolver,
        ))
    }

    /// Sends a message, and returns when the receiver has taken it.
    pub(super) fn post(
        &self,
        url: &str,
        headers: &[(&'static str, String)],
        body: &str,
    ) -> Result<(), ClientError> {
        let mut request = self.0.post(url).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let response = request.send(body).map_err(Box::new)?;
        let status = response.status();
        if status.is_success() {
            Ok(())
        } else {
            Err(ClientError::Refused(status.as_u16()))
        }
    }
}
