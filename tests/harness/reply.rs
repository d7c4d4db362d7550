//! A response.

use serde_json::Value;

/// Status, headers with names in lower case, body.
#[derive(Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// The value of a header, which may occur once at most.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| known == name);
        let value = values.next();
        assert!(values.next().is_none(), "{name} twice: {self:?}");
        value.map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Itself, having this status.
    #[track_caller]
    pub(crate) fn with(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// The parameters of `Cache-Status`, which has to be that of the first tier.
    #[track_caller]
    pub(crate) fn cache_status(&self) -> Vec<&str> {
        let value = self.header("cache-status").unwrap_or_default();
        let mut parts = value.split("; ");
        assert_eq!(parts.next(), Some("doorbuster-l1"), "{self:?}");
        parts.collect()
    }

    /// Its time to live, in seconds.
    #[track_caller]
    pub(crate) fn ttl(&self) -> i64 {
        let parts = self.cache_status();
        let ttl = parts.iter().find_map(|part| part.strip_prefix("ttl="));
        ttl.unwrap_or_else(|| panic!("no ttl: {self:?}"))
            .parse()
            .unwrap()
    }

    /// The pointers of what is wrong with the document that was sent, in order.
    #[track_caller]
    pub(crate) fn pointers(&self, status: u16, code: &str) -> Vec<String> {
        let problem = self.problem(status, code);
        let errors = problem["errors"].as_array().unwrap().iter();
        let pointer = |error: &Value| {
            assert_ne!(error["detail"].as_str().unwrap(), "", "{self:?}");
            error["pointer"].as_str().unwrap().to_owned()
        };
        errors.map(pointer).collect()
    }

    /// Checks that it is a problem document (RFC 9457) with this status and code, complete, and bearing
    /// the id of its header; returns the document.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        let media_type = self.header("content-type");
        assert_eq!(media_type, Some("application/problem+json"), "{self:?}");
        assert_eq!(self.header("cache-control"), Some("no-store"), "{self:?}");
        let problem = self.json();
        let mut members: Vec<_> = problem.as_object().unwrap().keys().collect();
        // What is wrong with a document that was sent, and what there is of what was asked for.
        members.retain(|member| {
            !["errors", "available", "violated-policies"].contains(&member.as_str())
        });
        let expected = ["type", "title", "status", "detail", "code", "request_id"];
        assert_eq!(members, expected, "{self:?}");
        assert_eq!(problem["type"], format!("urn:doorbuster:problem:{code}"));
        assert_eq!(problem["status"], status);
        assert_eq!(problem["code"], code);
        assert_eq!(problem["request_id"].as_str(), self.header("x-request-id"));
        for member in ["title", "detail", "request_id"] {
            assert_ne!(problem[member].as_str().unwrap(), "", "{member}: {self:?}");
        }
        problem
    }
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = &self.body[..self.body.len().min(2_000)];
        let (status, headers) = (self.status, &self.headers);
        write!(f, "{status} {headers:?} {}", String::from_utf8_lossy(shown))
    }
}
