//! How each kind of cache is asked.

use std::fmt::Write as _;

use time::OffsetDateTime;

use crate::outbound::signature_v4::Signer;

/// A request to a cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Such as `PURGE`.
    pub method: &'static str,
    /// Whole.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(&'static str, String)>,
    /// Empty where there is none.
    pub body: String,
}

/// A cache in front that can be had to drop products.
pub trait Edge: Send + Sync + std::fmt::Debug {
    /// Where it is, for people. The same after each start: jobs name it by this.
    fn name(&self) -> String;

    /// Products that one purge may name.
    fn at_once(&self) -> usize;

    /// What is to be sent. `reference` is the same when it is sent again.
    fn requests(&self, products: &[i64], reference: &str, now: OffsetDateTime) -> Vec<Request>;

    /// Whether an answer says that nothing of them is kept.
    fn is_done(&self, status: u16) -> bool {
        (200..300).contains(&status)
    }
}

/// As `http::edge` names them in answers.
fn keys(products: &[i64]) -> String {
    let keys: Vec<_> = products.iter().map(|id| format!("product-{id}")).collect();
    keys.join(" ")
}

/// Varnish with xkey: `PURGE` with the keys in `Surrogate-Key`, as `systemd/edge/varnish.vcl` takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Varnish {
    /// Such as `http://10.0.1.5:6081`.
    pub url: String,
    /// Whether the old one is served once more while the new one is fetched.
    pub is_soft: bool,
}

impl Edge for Varnish {
    fn name(&self) -> String {
        format!("varnish {}", self.url)
    }

    fn at_once(&self) -> usize {
        // Headers are of 8 KiB at most, unless somebody said otherwise.
        200
    }

    fn requests(&self, products: &[i64], _: &str, _: OffsetDateTime) -> Vec<Request> {
        let mut headers = vec![("surrogate-key", keys(products))];
        headers.extend(self.is_soft.then(|| ("soft-purge", "1".to_owned())));
        vec![Request {
            method: "PURGE",
            url: format!("{}/", self.url),
            headers,
            body: String::new(),
        }]
    }
}

/// nginx with `ngx_cache_purge`, or what takes `PURGE` of an address: it knows no keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nginx {
    /// Such as `http://10.0.1.5`.
    pub url: String,
    /// What customers call it, which is part of the key in its cache.
    pub host: Option<String>,
}

impl Edge for Nginx {
    fn name(&self) -> String {
        format!("nginx {}", self.url)
    }

    fn at_once(&self) -> usize {
        20
    }

    fn requests(&self, products: &[i64], _: &str, _: OffsetDateTime) -> Vec<Request> {
        let headers: Vec<_> = self
            .host
            .iter()
            .map(|host| ("host", host.clone()))
            .collect();
        let requests = products.iter().map(|id| Request {
            method: "PURGE",
            url: format!("{}/products/{id}", self.url),
            headers: headers.clone(),
            body: String::new(),
        });
        requests.collect()
    }

    /// It was not there, in the words of one version or another.
    fn is_done(&self, status: u16) -> bool {
        (200..300).contains(&status) || matches!(status, 404 | 412)
    }
}

/// Fastly, or what has its interface: `POST /service/ID/purge` with keys.
#[derive(Clone, PartialEq, Eq)]
pub struct Fastly {
    /// `https://api.fastly.com`.
    pub url: String,
    /// The service.
    pub service: String,
    /// `Fastly-Key`.
    pub token: String,
    /// Whether the old one is served once more while the new one is fetched.
    pub is_soft: bool,
}

impl std::fmt::Debug for Fastly {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fastly({}, ***)", self.name())
    }
}

impl Edge for Fastly {
    fn name(&self) -> String {
        format!("fastly {}/service/{}", self.url, self.service)
    }

    fn at_once(&self) -> usize {
        256
    }

    fn requests(&self, products: &[i64], _: &str, _: OffsetDateTime) -> Vec<Request> {
        let mut headers = vec![
            ("fastly-key", self.token.clone()),
            ("surrogate-key", keys(products)),
            ("accept", "application/json".to_owned()),
        ];
        headers.extend(self.is_soft.then(|| ("fastly-soft-purge", "1".to_owned())));
        vec![Request {
            method: "POST",
            url: format!("{}/service/{}/purge", self.url, self.service),
            headers,
            body: String::new(),
        }]
    }
}

/// CloudFront, or what has its interface: an invalidation of paths, signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudFront {
    /// `https://cloudfront.amazonaws.com`.
    pub url: String,
    /// The distribution.
    pub distribution: String,
    /// Who signs.
    pub signer: Signer,
}

impl Edge for CloudFront {
    fn name(&self) -> String {
        format!("cloudfront {}/distribution/{}", self.url, self.distribution)
    }

    fn at_once(&self) -> usize {
        // Fifteen with a * may be under way at once.
        10
    }

    fn requests(&self, products: &[i64], reference: &str, now: OffsetDateTime) -> Vec<Request> {
        let mut paths = String::new();
        for id in products {
            // Its other forms differ by their query alone. Writing to a string cannot fail.
            let _ = write!(
                paths,
                "<Path>/products/{id}</Path><Path>/products/{id}?*</Path>"
            );
        }
        let count = 2 * products.len();
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
             <InvalidationBatch xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\">\
             <CallerReference>{reference}</CallerReference>\
             <Paths><Items>{paths}</Items><Quantity>{count}</Quantity></Paths></InvalidationBatch>"
        );
        let path = format!(
            "/2020-05-31/distribution/{}/invalidation",
            self.distribution
        );
        let host = self.url.split_once("://").map_or("", |(_, host)| host);
        let (at, authorization) = self.signer.sign("POST", host, &path, body.as_bytes(), now);
        vec![Request {
            method: "POST",
            url: format!("{}{path}", self.url),
            headers: vec![
                ("content-type", "text/xml".to_owned()),
                ("x-amz-date", at),
                ("authorization", authorization),
            ],
            body,
        }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(edge: &dyn Edge) -> Request {
        let requests = edge.requests(&[7, 456], "job-1", OffsetDateTime::UNIX_EPOCH);
        assert_eq!(requests.len(), 1);
        requests.into_iter().next().unwrap()
    }

    #[test]
    fn keys_go_where_they_are_understood() {
        let url = "http://edge".to_owned();
        let varnish = Varnish {
            url: url.clone(),
            is_soft: true,
        };
        let request = one(&varnish);
        assert_eq!((request.method, &*request.url), ("PURGE", "http://edge/"));
        assert_eq!(
            request.headers,
            [
                ("surrogate-key", "product-7 product-456".to_owned()),
                ("soft-purge", "1".to_owned())
            ]
        );
        let fastly = Fastly {
            url,
            service: "S1".to_owned(),
            token: "secret".to_owned(),
            is_soft: false,
        };
        let request = one(&fastly);
        assert_eq!(request.url, "http://edge/service/S1/purge");
        assert!(
            request
                .headers
                .contains(&("fastly-key", "secret".to_owned()))
        );
        assert!(!format!("{fastly:?}").contains("secret"));
    }

    #[test]
    fn where_there_are_no_keys_paths_are_named() {
        let nginx = Nginx {
            url: "http://edge".to_owned(),
            host: Some("shop.example".to_owned()),
        };
        let requests = nginx.requests(&[7, 456], "", OffsetDateTime::UNIX_EPOCH);
        assert_eq!(requests[1].url, "http://edge/products/456");
        assert_eq!(requests[1].headers, [("host", "shop.example".to_owned())]);
        assert!(nginx.is_done(404) && nginx.is_done(200) && !nginx.is_done(403));
        let signer = Signer {
            key_id: "AKIDEXAMPLE".to_owned(),
            secret: "secret".to_owned(),
            region: "us-east-1".to_owned(),
            service: "cloudfront".to_owned(),
        };
        let cloudfront = CloudFront {
            url: "https://cloudfront.amazonaws.com".to_owned(),
            distribution: "E1".to_owned(),
            signer,
        };
        let request = one(&cloudfront);
        assert!(
            request
                .body
                .contains("<CallerReference>job-1</CallerReference>")
        );
        assert!(request.body.contains("<Path>/products/456?*</Path>"));
        assert!(request.body.contains("<Quantity>4</Quantity>"));
        assert!(
            request
                .url
                .ends_with("/2020-05-31/distribution/E1/invalidation")
        );
    }
}
