//! A client with a token.

use serde_json::Value;

use super::{Reply, Server, Shop};

/// Writes to a server.
pub(crate) struct Writer<'s> {
    server: &'s Server,
    authorization: String,
}

impl<'s> Writer<'s> {
    /// Bears a new token that allows writing products.
    pub(crate) fn new(shop: &Shop, server: &'s Server) -> Self {
        Self::bearing(server, &shop.token("catalog:write"))
    }

    pub(crate) fn bearing(server: &'s Server, token: &str) -> Self {
        Self {
            server,
            authorization: format!("Bearer {token}"),
        }
    }

    /// The same client, to another server of the same shop.
    pub(crate) fn to<'o>(&self, server: &'o Server) -> Writer<'o> {
        Writer {
            server,
            authorization: self.authorization.clone(),
        }
    }

    /// Sends bytes, with more headers.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Reply {
        let authorization = [("authorization", self.authorization.as_str())];
        let headers = [&authorization[..], headers].concat();
        self.server.send(method, path, &headers, body)
    }

    /// Sends a document as what the method takes.
    pub(crate) fn write(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        document: &Value,
    ) -> Reply {
        let media_type = match method {
            "PATCH" => "application/merge-patch+json",
            _ => "application/json",
        };
        let headers = [&[("content-type", media_type)][..], headers].concat();
        self.send(method, path, &headers, document.to_string())
    }

    pub(crate) fn post(&self, document: &Value) -> Reply {
        self.write("POST", "/products", &[], document)
    }

    pub(crate) fn put(&self, path: &str, document: &Value) -> Reply {
        self.write("PUT", path, &[], document)
    }

    pub(crate) fn patch(&self, path: &str, changes: &Value) -> Reply {
        self.write("PATCH", path, &[], changes)
    }

    pub(crate) fn delete(&self, path: &str) -> Reply {
        self.send("DELETE", path, &[], "")
    }
}
