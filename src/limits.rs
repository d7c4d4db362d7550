//! What a client may ask for, and what the program can bear. Knows nothing of products.

mod class;
pub mod overload;

pub use class::RouteClass;
