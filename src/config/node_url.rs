//! The address of another node's listener for operators.

use std::fmt;

use super::value::Value;

/// `http://HOST:PORT` of a node's listener for operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeUrl(String);

impl NodeUrl {
    /// Without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Value for NodeUrl {
    fn parse(text: &str) -> Result<Self, String> {
        const FORM: &str = "write http://HOST:PORT of its listener for operators, such as \
                            http://10.0.0.2:9090";
        let Some(rest) = text.strip_prefix("http://") else {
            return Err(format!("not the address of a node; {FORM}"));
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let is_plain = authority
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-.:[]_".contains(&byte));
        let port = authority.rsplit_once(':').map(|(host, port)| {
            (!host.is_empty())
                .then(|| port.parse::<u16>().ok())
                .flatten()
        });
        match port {
            Some(Some(port)) if is_plain && port > 0 => Ok(Self(format!("http://{authority}"))),
            _ => Err(format!("not a host and a port; {FORM}")),
        }
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_a_host_and_a_port() {
        for text in [
            "http://10.0.0.2:9090",
            "http://web-1.shop.internal:9090",
            "http://[::1]:9090",
        ] {
            assert_eq!(NodeUrl::parse(text).unwrap().as_str(), text);
        }
        assert_eq!(
            NodeUrl::parse("http://web:80/").unwrap().as_str(),
            "http://web:80"
        );
        for text in [
            "",
            "web:9090",
            "https://web:9090",
            "http://web",
            "http://:9090",
            "http://web:0",
            "http://web:99999",
            "http://user@web:9090",
            "http://web:9090/admin",
            "http://we b:9090",
        ] {
            assert!(NodeUrl::parse(text).is_err(), "{text}");
        }
    }
}
