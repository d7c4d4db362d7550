//! Asking others. Blocks.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use ureq::config::Config;
use ureq::http::{Request, Uri};
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Error};

use super::address::is_public;

/// How long somebody may take, all together.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How long the beginning of a file may take, and all of it.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
const FILE_TIMEOUT: Duration = Duration::from_hours(2);

/// Why somebody did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// It could not be asked, or did not answer in time.
    #[error("no answer: {0}")]
    Silent(#[from] Box<Error>),
    /// It answered something else than that it was done.
    #[error("answered {0}")]
    Refused(u16),
}

/// Where requests may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// To addresses of the internet alone; the name of the setting that allows others.
    Public(&'static str),
    /// Anywhere: who wrote the configuration knows the place.
    Anywhere,
}

/// Names stand for public addresses alone. Asked for each connection, and what was found is what is connected to: a name
/// that stands for something else the next time is looked at the next time.
#[derive(Debug)]
struct PublicResolver {
    reach: Reach,
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
            if self.reach == Reach::Anywhere || is_public(address.ip()) {
                allowed.push(*address);
            }
        }
        if allowed.is_empty() {
            let Reach::Public(setting) = self.reach else {
                return Err(Error::HostNotFound);
            };
            return Err(Error::Other(
                format!("its address is private; see {setting}").into(),
            ));
        }
        Ok(allowed)
    }
}

/// Asks others. Clones share connections.
#[derive(Debug, Clone)]
pub struct Client(Agent);

impl Client {
    /// Makes no connection yet.
    pub fn new(reach: Reach) -> Self {
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
            // PURGE is none of the standard ones.
            .allow_non_standard_methods(true)
            .user_agent(concat!("doorbuster/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls)
            .build();
        let resolver = PublicResolver { reach };
        Self(Agent::with_parts(
            config,
            DefaultConnector::default(),
            resolver,
        ))
    }

    /// Sends a message, and returns when the receiver has taken it.
    pub fn post(
        &self,
        url: &str,
        headers: &[(&'static str, String)],
        body: &str,
    ) -> Result<(), ClientError> {
        let json = ("content-type", "application/json".to_owned());
        let headers: Vec<_> = headers.iter().cloned().chain([json]).collect();
        match self.send("POST", url, &headers, body.as_bytes())? {
            200..=299 => Ok(()),
            status => Err(ClientError::Refused(status)),
        }
    }

    /// Sends a request; returns the status of the answer.
    pub fn send(
        &self,
        method: &str,
        url: &str,
        headers: &[(&'static str, String)],
        body: &[u8],
    ) -> Result<u16, ClientError> {
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let silent = |error| ClientError::Silent(Box::new(error));
        // Without a body where there is none: some caches refuse one.
        let response = if body.is_empty() {
            let request = request.body(()).map_err(|error| silent(error.into()))?;
            self.0.run(request)
        } else {
            let request = request.body(body).map_err(|error| silent(error.into()))?;
            self.0.run(request)
        };
        Ok(response.map_err(silent)?.status().as_u16())
    }

    /// Begins to read a file.
    pub fn get(&self, url: &str) -> Result<impl Read + use<>, ClientError> {
        let request = self.0.get(url).config();
        let request = request
            .timeout_global(Some(FILE_TIMEOUT))
            .timeout_recv_response(Some(HEAD_TIMEOUT))
            .build();
        let response = request.call().map_err(Box::new)?;
        let status = response.status();
        if status.is_success() {
            Ok(response.into_body().into_reader())
        } else {
            Err(ClientError::Refused(status.as_u16()))
        }
    }
}
