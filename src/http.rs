//! The edge: routes, headers, conditional requests and problem documents. Asks the catalogue, never the
//! database.

mod admin;
mod assembled;
mod authorization;
mod availability;
mod batch;
mod bind_error;
mod body;
mod bulk;
mod canonical;
mod categories;
mod conditional;
mod connections;
mod cors;
mod degraded;
mod demo;
mod digits;
mod docs;
mod edge;
mod export;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod gate;
mod health;
mod last_modified;
mod lists;
mod media_type;
mod negotiation;
mod ofrep;
pub mod openapi;
mod page;
mod patience;
mod prebuilt;
mod problem;
mod products;
mod public_server;
mod query;
mod recommendations;
mod representation;
mod request_id;
mod reviews;
mod route_class;
mod search;
mod serve;
mod status_header;
mod stock;
mod streams;
mod submissions;
mod writes;

pub use admin::JobsView;
pub use bind_error::BindError;
pub use edge::EdgeWindows;
pub use health::Readiness;
pub use request_id::Failures;
pub use serve::{Bound, FlagAccess, Options, bind};
pub use writes::WriteLimits;
