//! The edge: routes, headers, conditional requests and problem documents. Asks the catalogue, never the
//! database.

mod assembled;
mod availability;
mod batch;
mod bind_error;
mod body;
mod conditional;
mod demo;
mod digits;
mod edge;
mod health;
mod lists;
mod negotiation;
mod problem;
mod products;
mod query;
mod representation;
mod request_id;
mod reviews;
mod serve;
mod status_header;

pub use bind_error::BindError;
pub use edge::EdgeWindows;
pub use health::Readiness;
pub use serve::{Bound, Options, bind};
