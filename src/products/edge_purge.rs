//! Having caches in front drop products that changed: Varnish, nginx, Fastly and CloudFront, or what understands the same
//! requests.
//!
//! A change is told to each cache at once and once more a little later: a cache that asked a node which had not heard of the
//! change yet would keep what was before it.

mod document;
mod edges;
mod jobs;

pub use document::{read, show};
pub use edges::{CloudFront, Edge, Fastly, Nginx, Request, Varnish};
pub use jobs::{collect, registered};
