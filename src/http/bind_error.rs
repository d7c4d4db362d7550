//! Why an address cannot be listened on.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {}", self.reason())]
pub struct BindError {
    /// The address.
    pub address: SocketAddr,
    /// What the system said. Not the error's source: [`BindError::reason`] says it better.
    pub error: io::Error,
}

impl BindError {
    /// What is wrong, and the mend.
    pub fn reason(&self) -> String {
        match self.error.kind() {
            ErrorKind::AddrInUse => {
                "taken; stop what listens there or choose another address".to_owned()
            }
            ErrorKind::AddrNotAvailable => {
                "not an address of this machine; choose another one, such as 0.0.0.0".to_owned()
            }
            ErrorKind::PermissionDenied => {
                "not permitted; choose a port above 1023 or grant CAP_NET_BIND_SERVICE".to_owned()
            }
            _ => format!("{}; choose another address", self.error),
        }
    }
}
