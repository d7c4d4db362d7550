//! Whose pages may read answers: `server.cors_origins`.

use super::value::Value;

/// An origin (RFC 6454) whose pages may read what the server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CorsOrigin {
    /// `none`: pages of other origins read nothing.
    None,
    /// `*`: pages of any origin.
    Any,
    /// Pages of this one, written as browsers write it in `Origin`.
    Exact(String),
}

impl Value for CorsOrigin {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "none" => return Ok(Self::None),
            "*" => return Ok(Self::Any),
            _ => {}
        }
        match fault(text) {
            None => Ok(Self::Exact(text.to_owned())),
            Some(fault) => Err(format!(
                "{fault}; write origins as browsers send them, such as https://shop.example or \
                 http://localhost:3000, or * for all of them, or none"
            )),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::None => "none".to_owned(),
            Self::Any => "*".to_owned(),
            Self::Exact(origin) => origin.clone(),
        }
    }
}

/// Why no browser would ever send this text as an origin. The WHATWG URL standard, "origin", serialises
/// scheme and host in lower case, and leaves out the port that the scheme implies.
fn fault(text: &str) -> Option<&'static str> {
    let Some((scheme, authority)) = text.split_once("://") else {
        return Some("without a scheme");
    };
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'+' | b'-' | b'.'));
    if !is_scheme {
        return Some("without a scheme in lower case");
    }
    if authority.contains(['/', '?', '#']) {
        return Some("more than an origin: it has a path");
    }
    // A colon within brackets is part of an IPv6 address.
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let is_host = !host.is_empty()
        && host.bytes().all(
            |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'[' | b']' | b':'),
        );
    if !is_host {
        return Some("without a host in lower case ASCII");
    }
    match (scheme, port) {
        ("http", Some("80")) | ("https", Some("443")) => {
            Some("with the port that its scheme implies, which browsers leave out")
        }
        (_, Some(port)) if port.starts_with('0') || port.parse::<u16>().is_err() => {
            Some("with a port that is none")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_taken_as_browsers_send_them() {
        for text in [
            "none",
            "*",
            "https://shop.example",
            "http://localhost:3000",
            "http://127.0.0.1",
            "http://[::1]:8080",
            "http://[::1]",
            "capacitor://localhost",
            "https://xn--bcher-kva.example",
        ] {
            assert_eq!(
                CorsOrigin::parse(text).map(|origin| origin.show()),
                Ok(text.to_owned())
            );
        }
    }

    #[test]
    fn what_no_browser_sends_is_refused_with_the_mend() {
        for (text, fault) in [
            ("", "without a scheme"),
            ("shop.example", "without a scheme"),
            ("null", "without a scheme"),
            ("HTTPS://shop.example", "without a scheme in lower case"),
            ("://shop.example", "without a scheme in lower case"),
            ("https://shop.example/", "more than an origin"),
            ("https://shop.example/shop?a", "more than an origin"),
            ("https://Shop.example", "without a host"),
            ("https://*.shop.example", "without a host"),
            ("https://user@shop.example", "without a host"),
            ("https://", "without a host"),
            ("https://bücher.example", "without a host"),
            (
                "https://shop.example:443",
                "with the port that its scheme implies",
            ),
            ("https://shop.example:0443", "with a port that is none"),
            ("https://shop.example:", "with a port that is none"),
            ("https://shop.example:70000", "with a port that is none"),
        ] {
            let error = CorsOrigin::parse(text).unwrap_err();
            assert!(error.starts_with(fault), "{text}: {error}");
            assert!(
                error.contains("such as https://shop.example or"),
                "{text}: {error}"
            );
        }
    }
}
