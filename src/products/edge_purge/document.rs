//! Caches in front as a configuration names them: tables, of which everything that is wrong is told at once.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::edges::{CloudFront, Edge, Fastly, Nginx, Varnish};
use crate::outbound::signature_v4::Signer;

const FORM: &str = "write [[edge.purge]] with kind = \"varnish\" and url = \"http://HOST:PORT\"";

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
enum Table {
    Varnish {
        url: String,
        #[serde(default)]
        soft: bool,
    },
    Nginx {
        url: String,
        host: Option<String>,
    },
    Fastly {
        #[serde(default = "fastly_url")]
        url: String,
        service: String,
        token: String,
        #[serde(default)]
        soft: bool,
    },
    CloudFront {
        #[serde(default = "cloudfront_url")]
        url: String,
        distribution: String,
        key_id: String,
        secret: String,
        #[serde(default = "cloudfront_region")]
        region: String,
    },
}

fn fastly_url() -> String {
    "https://api.fastly.com".to_owned()
}

fn cloudfront_url() -> String {
    "https://cloudfront.amazonaws.com".to_owned()
}

fn cloudfront_region() -> String {
    "us-east-1".to_owned()
}

/// Reads a list of tables. The error tells of all that is wrong, and of no secret.
pub fn read(document: &Value) -> Result<Vec<Arc<dyn Edge>>, String> {
    let Value::Array(tables) = document else {
        return Err(format!("not a list of tables; {FORM}"));
    };
    let mut edges: Vec<Arc<dyn Edge>> = Vec::new();
    let mut faults = Vec::new();
    for (number, table) in (1..).zip(tables) {
        match edge(table) {
            Ok(edge) if edges.iter().any(|known| known.name() == edge.name()) => {
                faults.push(format!("{}: is there twice; leave one out", edge.name()));
            }
            Ok(edge) => edges.push(edge),
            Err(fault) => faults.push(format!("purge {number}: {fault}")),
        }
    }
    if faults.is_empty() {
        Ok(edges)
    } else {
        Err(faults.join("; "))
    }
}

fn edge(table: &Value) -> Result<Arc<dyn Edge>, String> {
    let table = Table::deserialize(table).map_err(|error| format!("{error}; {FORM}"))?;
    Ok(match table {
        Table::Varnish { url, soft } => Arc::new(Varnish {
            url: base(url)?,
            is_soft: soft,
        }),
        Table::Nginx { url, host } => {
            let is_host = host.as_ref().is_none_or(|host| is_word(host));
            if !is_host {
                return Err("host: not the name of a host, such as shop.example".to_owned());
            }
            Arc::new(Nginx {
                url: base(url)?,
                host,
            })
        }
        Table::Fastly {
            url,
            service,
            token,
            soft,
        } => Arc::new(Fastly {
            url: base(url)?,
            service: word("service", service)?,
            token: word("token", token)?,
            is_soft: soft,
        }),
        Table::CloudFront {
            url,
            distribution,
            key_id,
            secret,
            region,
        } => Arc::new(CloudFront {
            url: base(url)?,
            distribution: word("distribution", distribution)?,
            signer: Signer {
                key_id: word("key_id", key_id)?,
                secret: if secret.is_empty() {
                    return Err("secret: is empty".to_owned());
                } else {
                    secret
                },
                region: word("region", region)?,
                service: "cloudfront".to_owned(),
            },
        }),
    })
}

/// Scheme, host and perhaps port.
fn base(url: String) -> Result<String, String> {
    let rest = url
        .strip_prefix("http://")
        .or_else(|| url.strip_prefix("https://"));
    let is_base = rest.is_some_and(|host| {
        !host.is_empty()
            && host
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !b"/?#@\\".contains(&byte))
    });
    if is_base {
        Ok(url)
    } else {
        Err("url: not where a cache is; write http://HOST:PORT, without a path".to_owned())
    }
}

/// Goes into a path or a header as it is.
fn word(name: &str, text: String) -> Result<String, String> {
    if is_word(&text) {
        Ok(text)
    } else {
        Err(format!(
            "{name}: not of letters, digits, and any of - _ . : = + ~"
        ))
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:=+~".contains(&byte))
}

/// For people, without secrets.
pub fn show(edges: &[Arc<dyn Edge>]) -> String {
    let names: Vec<_> = edges.iter().map(|edge| edge.name()).collect();
    names.join("; ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_kind_is_read_and_shown_without_its_secrets() {
        let edges = read(&json!([
            { "kind": "varnish", "url": "http://10.0.1.5:6081", "soft": true },
            { "kind": "nginx", "url": "http://10.0.1.6", "host": "shop.example" },
            { "kind": "fastly", "service": "S1", "token": "t0ken" },
            { "kind": "cloudfront", "distribution": "E1", "key_id": "AK", "secret": "s3cret/+" },
        ]));
        let shown = show(&edges.unwrap());
        assert_eq!(
            shown,
            "varnish http://10.0.1.5:6081; nginx http://10.0.1.6; fastly https://api.fastly.com/service/S1; \
             cloudfront https://cloudfront.amazonaws.com/distribution/E1"
        );
    }

    #[test]
    fn all_that_is_wrong_is_told() {
        let error = read(&json!([
            { "kind": "varnish", "url": "10.0.1.5" },
            { "kind": "squid", "url": "http://a" },
            { "kind": "fastly", "service": "a/b", "token": "t0ken" },
            { "kind": "varnish", "url": "http://a", "sofft": true },
        ]))
        .unwrap_err();
        for part in [
            "purge 1: url",
            "purge 2: unknown variant",
            "purge 3: service",
            "sofft",
        ] {
            assert!(error.contains(part), "{part}: {error}");
        }
        assert!(!error.contains("t0ken"));
        let twice =
            json!([{ "kind": "nginx", "url": "http://a" }, { "kind": "nginx", "url": "http://a" }]);
        assert!(read(&twice).unwrap_err().contains("twice"));
    }
}
