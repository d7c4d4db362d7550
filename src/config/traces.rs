//! `[telemetry]`, as far as it is about what a collector is told: traces and metrics.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use super::percent::Percent;
use super::reader::Reader;
use super::secret::{MASK, mask_password};
use super::value::Value;

/// Which requests and jobs are traced, and who is told of them and of the metrics.
#[derive(Debug, Clone)]
pub struct TracesConfig {
    /// The collector; without one nothing is traced, and nobody is told.
    pub endpoint: Option<OtlpEndpoint>,
    /// What it is told with each message, such as a token.
    pub headers: Vec<OtlpHeader>,
    /// The share of requests that are traced, unless whoever asks decides it.
    pub sample_ratio: Percent,
    /// Requests that take so long are always kept.
    pub slow: Duration,
    /// Traces a second, beside the sample.
    pub forced: u32,
    /// From one message of metrics to the next; zero sends none.
    pub metrics_every: Duration,
    /// As what this program is told of.
    pub service_name: String,
}

impl TracesConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut section = reader.section("telemetry");
        let config = Self {
            endpoint: section.value(
                "otlp_endpoint",
                None,
                "collector of traces and metrics by OTLP over HTTP, such as http://localhost:4318; none traces nothing",
            ),
            headers: section.optional_list(
                "otlp_headers",
                "headers for it, as NAME=VALUE with escapes such as %20",
            ),
            sample_ratio: section.value(
                "sample_ratio",
                Percent(10_000),
                "share of requests that are traced, in percent, unless the client decides it",
            ),
            slow: section.value(
                "trace_slow",
                Duration::from_secs(1),
                "requests that take so long are traced, whatever the share",
            ),
            forced: section.value(
                "trace_forced",
                100,
                "traces a second beside the share: failed, slow, or as the client wishes",
            ),
            metrics_every: section.value(
                "metrics_every",
                Duration::from_mins(1),
                "from one message of metrics to the collector to the next; 0 sends none",
            ),
            service_name: section.value(
                "service_name",
                "doorbuster".to_owned(),
                "name of this program in traces and metrics",
            ),
        };
        reader.require(
            !config.slow.is_zero(),
            "telemetry.trace_slow",
            "every request would be slow; to trace all set telemetry.sample_ratio to 100%",
        );
        reader.require(
            !config.service_name.trim().is_empty(),
            "telemetry.service_name",
            "empty; write a name, such as doorbuster",
        );
        config
    }
}

/// `http://…` or `https://…`, to which OTLP adds its paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtlpEndpoint(String);

impl OtlpEndpoint {
    /// Where traces go.
    pub fn traces(&self) -> String {
        format!("{}/v1/traces", self.0)
    }

    /// Where metrics go.
    pub fn metrics(&self) -> String {
        format!("{}/v1/metrics", self.0)
    }
}

impl Value for Option<OtlpEndpoint> {
    fn parse(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(None);
        }
        let rest = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"));
        let is_url = rest.is_some_and(|rest| {
            let host = rest.split('/').next().unwrap_or_default();
            let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"#?@".contains(&byte);
            !host.is_empty() && rest.bytes().all(is_plain)
        });
        if !is_url {
            return Err(
                "not the address of a collector; write it as in http://localhost:4318".to_owned(),
            );
        }
        let base = text.trim_end_matches('/');
        let base = base.strip_suffix("/v1/traces").unwrap_or(base);
        Ok(Some(OtlpEndpoint(base.to_owned())))
    }

    fn show(&self) -> String {
        let shown = self.as_ref().map(|endpoint| endpoint.0.clone());
        shown.unwrap_or_else(|| "none".to_owned())
    }

    fn mask(text: &str) -> Cow<'_, str> {
        Cow::Owned(mask_password(text))
    }
}

/// A header. Its value is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct OtlpHeader((String, String));

impl OtlpHeader {
    /// Name and value, for who sends it.
    pub fn reveal(&self) -> &(String, String) {
        &self.0
    }
}

impl fmt::Debug for OtlpHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.show())
    }
}

impl Value for OtlpHeader {
    fn parse(text: &str) -> Result<Self, String> {
        const FORM: &str = "not NAME=VALUE; write it as in authorization=Bearer%20TOKEN";
        let (name, value) = text.split_once('=').ok_or(FORM)?;
        let (name, value) = (name.trim(), decoded(value.trim()).ok_or(FORM)?);
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let is_value = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
        if name.is_empty() || !name.bytes().all(is_name) || !value.bytes().all(is_value) {
            return Err(FORM.to_owned());
        }
        Ok(Self((name.to_ascii_lowercase(), value)))
    }

    fn show(&self) -> String {
        format!("{}={MASK}", self.0.0)
    }

    fn mask(_: &str) -> Cow<'_, str> {
        Cow::Borrowed(MASK)
    }
}

/// Without percent-encoding; a plus is a plus. `None` where what comes out is no text.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        let escaped = match (first, tail) {
            (b'%', [high, low, ..]) => {
                let digits = [*high, *low];
                let digits = std::str::from_utf8(&digits).ok()?;
                u8::from_str_radix(digits, 16).ok()
            }
            _ => None,
        };
        if escaped.is_some() {
            rest = &tail[2..];
        }
        bytes.push(escaped.unwrap_or(*first));
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_the_base_of_the_paths() {
        for text in [
            "http://localhost:4318",
            "http://localhost:4318/",
            "http://localhost:4318/v1/traces",
        ] {
            let endpoint = Option::<OtlpEndpoint>::parse(text).unwrap().unwrap();
            assert_eq!(
                endpoint.traces(),
                "http://localhost:4318/v1/traces",
                "{text}"
            );
        }
        assert_eq!(Option::<OtlpEndpoint>::parse("none"), Ok(None));
        for text in [
            "",
            "localhost:4318",
            "http://",
            "grpc://a:4317",
            "http://a:b@c",
            "http://a b",
        ] {
            assert!(Option::<OtlpEndpoint>::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn values_of_headers_are_unescaped_and_never_shown() {
        let header = OtlpHeader::parse("Authorization=Bearer%20s3cret=").unwrap();
        let (name, value) = header.reveal();
        assert_eq!(
            (name.as_str(), value.as_str()),
            ("authorization", "Bearer s3cret=")
        );
        assert_eq!(header.show(), "authorization=***");
        assert!(!format!("{header:?}").contains("s3cret"));
        for text in ["", "a", "=b", "a b=c", "a=%0d%0ab", "a=%ff"] {
            assert!(OtlpHeader::parse(text).is_err(), "{text}");
        }
    }
}
